"""Handing over all cases of a worker who leaves, or of a host that withdraws. Pure.

A plan is proposed within the caps, shows whose young people would lose their worker, and moves
nothing until a Hub manager confirms it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from services.allocation.domain.allocations import URGENCIES
from services.allocation.domain.choice import choose
from services.allocation.domain.facts import CaseFacts, HubFacts, worker_facts
from services.allocation.domain.policy import LEVELS
from services.allocation.domain.workers import Worker
from shared.errors import Refused
from shared.events.allocation import PlanApplied, PlanConfirmed, PlanProposed
from shared.events.codes import HandoverReason
from shared.records import Change, Record, unchanged


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
    status: Literal["proposed", "confirmed", "applied"] = "proposed"
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

    Each move takes from the receiver's room, so the whole plan stays within the soft caps.
    `workers` must not hold those who give up their cases.
    """
    added: dict[str, int] = defaultdict(int)
    moves = []
    for case, giver in sorted(cases, key=_urgent_first):
        seen = [
            facts.model_copy(update={"caseload": facts.caseload + added[facts.worker_id]})
            for facts in worker_facts(workers, case, at)
        ]
        to = next((c.worker_id for c in choose(case, hub, seen) if c.passed), None)
        if to is not None:
            added[to] += case.weight
        moves.append(
            Move(
                referral_id=case.referral_id,
                from_worker_id=giver,
                to_worker_id=to,
                weight=case.weight,
            )
        )
    return tuple(moves)


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
