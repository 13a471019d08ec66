"""Handing over all cases of a worker who leaves, or of a host that withdraws. Pure.

A plan is proposed within the caps, shows whose young people would lose their worker, and moves
nothing until a Hub manager confirms it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from services.allocation.assignment.choice import choose
from services.allocation.assignment.facts import CaseFacts, HubFacts, WorkerFacts, worker_facts
from services.allocation.caseload.worker import Case, Worker, load
from services.allocation.records import URGENCIES
from services.allocation.risk.policy import LEVELS
from shared.errors import Refused
from shared.events.codes import HandoverReason
from shared.events.plans import PlanApplied, PlanConfirmed, PlanProposed
from shared.storage.records import Change, Record, unchanged

PlanStatus = Literal["proposed", "confirmed", "applied"]


class Move(BaseModel):
    """One young person's case: from whom, to whom; `to` None: nobody within the rules has room."""

    model_config = ConfigDict(frozen=True)

    referral_id: str
    from_worker_id: str
    to_worker_id: str | None
    weight: int
    outcome: Literal["planned", "ordered", "stayed"] = "planned"


class Plan(Record):
    """A bulk hand-over. Everyone in `moves` loses the worker they know."""

    hub_id: str
    worker_id: str | None = None
    host_agency_id: str | None = None
    reason: HandoverReason
    proposed_by: str
    proposed_at: datetime
    status: PlanStatus = "proposed"
    confirmed_by: str | None = None
    moves: tuple[Move, ...]

    @property
    def without_receiver(self) -> tuple[str, ...]:
        """Referrals for which nobody was found."""
        return tuple(move.referral_id for move in self.moves if move.to_worker_id is None)


def plan_moves(
    cases: Iterable[tuple[CaseFacts, str]], hub: HubFacts, workers: Sequence[Worker], at: datetime
) -> tuple[Move, ...]:
    """A receiver for each case and its present worker, the most serious first.

    Each move takes from the receiver's room, so the whole plan stays within the soft caps. All
    cases of a young person go to one receiver, if one can take them.
    `workers` must not hold those who give up their cases.
    """
    added: dict[str, list[Case]] = defaultdict(list)
    receivers: dict[str, str] = {}
    moves = []
    given = sorted(cases, key=_urgent_first)
    for alone, giver in given:
        case = _together(alone, [each for each, _ in given], receivers)
        seen = [_with(f, added[f.worker_id], case) for f in worker_facts(workers, case, at)]
        to = next((c.worker_id for c in choose(case, hub, seen) if c.passed), None)
        if to is not None:
            added[to].append(_case(case))
            receivers.setdefault(_about(case), to)
        moves.append(
            Move(
                referral_id=case.referral_id,
                from_worker_id=giver,
                to_worker_id=to,
                weight=case.weight,
            )
        )
    return tuple(moves)


def _together(
    case: CaseFacts, given: Iterable[CaseFacts], receivers: Mapping[str, str]
) -> CaseFacts:
    """The case as one of all that the young person has in the plan."""
    others = [c.weight for c in given if _about(c) == _about(case)]
    to = receivers.get(_about(case))
    first = (to,) if to is not None else case.with_workers
    return case.model_copy(update={"child_weight": max(others), "with_workers": first})


def _with(worker: WorkerFacts, added: Sequence[Case], case: CaseFacts) -> WorkerFacts:
    """The worker with what the plan gives them before this case."""
    theirs = [c for c in added if c.subject_id == _about(case)]
    more = load(c for c in added if c not in theirs)
    same = max(worker.same_child, load(theirs))
    return worker.model_copy(update={"caseload": worker.caseload + more, "same_child": same})


def _case(case: CaseFacts) -> Case:
    return Case(referral_id=case.referral_id, weight=case.weight, subject_id=_about(case))


def _about(case: CaseFacts) -> str:
    return case.subject_id or case.referral_id


def propose(plan: Plan) -> PlanProposed:
    """The event of a new plan."""
    return PlanProposed(**_summary(plan))


def confirm(plan: Plan, by: str) -> Change[Plan]:
    """A Hub manager wants it carried out. Twice is once."""
    if plan.status != "proposed":
        return unchanged(plan)
    if not plan.moves:
        raise Refused("nothing_to_move", "There are no open cases to hand over.")
    after = plan.but(status="confirmed", confirmed_by=by)
    return Change(after, (PlanConfirmed(**_summary(after), by=by),))


def applied(plan: Plan, outcomes: dict[str, Literal["ordered", "stayed"]]) -> Change[Plan]:
    """Every move was tried."""
    if plan.status != "confirmed":
        return unchanged(plan)
    moves = tuple(
        move.model_copy(update={"outcome": outcomes.get(move.referral_id, "stayed")})
        for move in plan.moves
    )
    moved = sum(move.outcome == "ordered" for move in moves)
    after = plan.but(status="applied", moves=moves)
    return Change(after, (PlanApplied(**_summary(after), moved=moved),))


def _urgent_first(pair: tuple[CaseFacts, str]) -> tuple[int, int, str]:
    case = pair[0]
    return (-LEVELS.index(case.level), -URGENCIES.index(case.urgency), case.referral_id)


def _summary(plan: Plan) -> dict[str, Any]:
    return {
        "plan_id": plan.id,
        "hub_id": plan.hub_id,
        "worker_id": plan.worker_id,
        "host_agency_id": plan.host_agency_id,
        "moves": len(plan.moves),
        "without_receiver": len(plan.without_receiver),
        "reason": plan.reason,
    }
