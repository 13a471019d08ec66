"""Why this worker, why not the others, why this level: plain sentences and the data behind them. Pure."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel

from services.allocation.assignment.facts import Candidate, Decision
from services.allocation.records import Allocation
from services.allocation.risk.policy import RiskPolicy
from services.allocation.risk.score import Assessment

_WHY_NOT = {
    "active": "is no longer in post",
    "not_on_leave": "is on leave",
    "role_may_take_level": "may not take this level in their role",
    "qualified": "has neither the qualification nor the experience this level asks for",
    "area": "does not work in this area",
    "setting_not_avoided": "sits in a setting the young person avoids",
    "supervision_in_date": "is overdue for supervision, which this level does not allow",
    "no_conflict": "has declared a conflict of interest",
    "safe_for_young_person": "is marked, or sits with an agency marked, as unsafe for the young person",
    "not_declined": "was asked before and did not take it",
    "within_cap": "has no room within the cap",
}
_TERMS = {
    "continuity": "has worked with the young person before",
    "specialism": "has a specialism that is needed",
    "language": "speaks a language that is needed",
    "free_capacity": "has free capacity",
    "preferred_times": "works at the times the young person prefers",
    "same_host": "sits with the agency that referred",
}
_FLAGS = {
    "over_soft_cap": "This takes the worker over their soft cap.",
    "over_hard_cap": "This takes the worker over their hard cap; two managers agreed to it.",
    "supervision_overdue": "The worker is overdue for supervision.",
    "two_workers": "The young person has another worker of the Hub for another open case.",
    "duty_manager": "Nobody else could take it and it could not wait: the duty manager has it.",
}


class Decided(BaseModel):
    """One decision: when, by which policy, in sentences, and whole as data."""

    at: datetime
    kind: str
    worker_id: str | None
    sentences: list[str]
    decision: Decision


class Explanation(BaseModel):
    """Everything that led here, the first decision first."""

    level: list[str]
    decisions: list[Decided]
    flags: list[str]
    assessment: Assessment
    warning: str


def explain(
    allocation: Allocation, decisions: Iterable[Decision], policy: RiskPolicy
) -> Explanation:
    """The explanation of an allocation as it stands, and of its decisions."""
    return Explanation(
        level=_level(allocation),
        decisions=[_decided(decision) for decision in decisions],
        flags=[_FLAGS[flag] for flag in allocation.flags if flag in _FLAGS],
        assessment=allocation.assessment,
        warning=policy.warning,
    )


def _level(allocation: Allocation) -> list[str]:
    assessment = allocation.assessment
    found = [
        f"{c.code} added {c.points}, reported by {_count(len(c.agencies), 'agency', 'agencies')}."
        for c in assessment.contributions
    ]
    raised = [f"The combination {name} raised the level." for name in assessment.combinations]
    return [
        f"Policy {assessment.policy_version} gives a score of {assessment.score} and the level "
        f"{assessment.level}, from {_count(assessment.agencies, 'agency', 'agencies')}.",
        *found,
        *raised,
        f"With the urgency {allocation.urgency}, what was known before and any judgement, the "
        f"case is answered as {allocation.level}.",
    ]


def _decided(decision: Decision) -> Decided:
    return Decided(
        at=decision.at,
        kind=decision.kind,
        worker_id=decision.worker_id,
        sentences=_sentences(decision),
        decision=decision,
    )


def _sentences(decision: Decision) -> list[str]:
    chosen = next((c for c in decision.candidates if c.worker_id == decision.worker_id), None)
    others = [c for c in decision.candidates if c.worker_id != decision.worker_id]
    return [
        _opening(decision, chosen),
        *(_other(c, chosen, decision) for c in others),
        *_not_looked_at(decision),
    ]


def _not_looked_at(decision: Decision) -> list[str]:
    said: list[str] = []
    if number := decision.beyond:
        more = _count(
            number, "more worker of the area, who has", "more workers of the area, who have"
        )
        said.append(f"{more} less room, {'was' if number == 1 else 'were'} not looked at.")
    if number := decision.elsewhere:
        more = _count(number, "more worker of the Hub does", "more workers of the Hub do")
        said.append(f"{more} not work in this area.")
    return said


def _opening(decision: Decision, chosen: Candidate | None) -> str:
    if decision.worker_id is None:
        looked = _count(len(decision.candidates), "worker was", "workers were")
        return f"{looked} looked at, and nobody could take it within the rules."
    if decision.kind == "duty":
        return f"{decision.worker_id} has it as duty manager: nobody could take it, and it could not wait."
    if decision.kind == "manual":
        against = [_WHY_NOT[g.gate] for g in chosen.gates if not g.passed] if chosen else []
        but = f", although the worker {_and(against)}" if against else ""
        return f"A Hub manager assigned it to {decision.worker_id}{but}."
    why = [f"{_TERMS[t]} ({p})" for t, p in chosen.terms.items() if p] if chosen else []
    if decision.worker_id in decision.case.with_workers:
        why = ["has an open case of the young person, which goes before all points", *why]
    score = chosen.score if chosen else 0
    because = f" {decision.worker_id} {_and(why)}." if why else ""
    kept = " The capacity had been reserved before." if decision.held == decision.worker_id else ""
    return f"{decision.worker_id} was chosen with {score} points.{because}{kept}"


def _other(candidate: Candidate, chosen: Candidate | None, decision: Decision) -> str:
    if not candidate.passed:
        reasons = [_WHY_NOT[gate.gate] for gate in candidate.gates if not gate.passed]
        return f"{candidate.worker_id} was not chosen: the worker {_and(reasons)}."
    if candidate.worker_id in decision.lost:
        return f"{candidate.worker_id} was not chosen: another case took the last room first."
    if decision.kind == "manual":
        return f"{candidate.worker_id} could have taken it, too; a manager chose."
    if decision.worker_id in decision.case.with_workers:
        return f"{candidate.worker_id} could have taken it; the young person has a worker."
    less = (chosen.score if chosen else 0) - candidate.score
    if less > 0:
        return f"{candidate.worker_id} could have taken it, with {less} points less."
    return f"{candidate.worker_id} could have taken it; the tie was broken by a hash."


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
