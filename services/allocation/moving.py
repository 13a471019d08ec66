"""Bulk hand-over: the plan, and carrying it out once it is confirmed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from services.allocation.domain.allocations import Allocation, Order
from services.allocation.domain.facts import CaseFacts, hub_facts
from services.allocation.domain.handover import Move, Plan, applied, plan_moves
from services.allocation.domain.hubs import Hub
from services.allocation.domain.orders import no_receiver, order
from services.allocation.placing import Placing, carry_out, settle
from services.allocation.store import Desk
from shared.clock import now
from shared.errors import NotFound
from shared.origin import Origin
from shared.records import Change, unchanged

# Receivers looked at, those with most room first; beyond that nobody would be needed.
MAX_RECEIVERS = 500


async def propose_moves(
    desk: Desk, hub: Hub, givers: Sequence[str], by: Origin, at: datetime
) -> tuple[Move, ...]:
    """Who could take each open case of these workers. Reads only."""
    cases: list[tuple[CaseFacts, str]] = []
    for allocation in await desk.held_by(givers):
        facts = await Placing(desk, allocation, hub, by).case()
        cases.append((facts, allocation.worker_id or ""))
    where = {"hub_id": hub.id, "_id": {"$nin": list(givers)}, "room": {"$gt": 0}}
    workers = await desk.workers.find(where, sort=[("room", -1)], limit=MAX_RECEIVERS)
    return plan_moves(cases, hub_facts(hub), workers, at)


async def carry_out_plan(desk: Desk, plan_id: str, by: Origin) -> None:
    """Order every move, one by one. Safe to repeat: a case that has moved on is left alone."""
    plan = await desk.plans.get(plan_id)
    if plan.status != "confirmed":
        return
    outcomes: dict[str, Literal["ordered", "stayed"]] = {}
    for move in plan.moves:
        try:
            outcomes[move.referral_id] = await _move(desk, plan, move, by)
        except NotFound:
            continue
    await desk.plans.change(plan_id, lambda p: applied(p, outcomes), by=by)


async def _move(desk: Desk, plan: Plan, move: Move, by: Origin) -> Literal["ordered", "stayed"]:
    giver, receiver = move.from_worker_id, move.to_worker_id
    if receiver is None:
        await desk.allocations.change(
            move.referral_id, lambda a: no_receiver(a, giver, plan.id), by=by
        )
        return "stayed"
    given = Order(
        worker_id=receiver, reason=plan.reason, by=plan.confirmed_by or "", limit="soft", at=now()
    )

    def rule(allocation: Allocation) -> Change[Allocation]:
        return order(allocation, given) if allocation.worker_id == giver else unchanged(allocation)

    after = await desk.allocations.change(move.referral_id, rule, by=by)
    await carry_out(desk, after, by)
    await settle(desk, move.referral_id, by)
    stands = await desk.allocations.get(move.referral_id)
    return "ordered" if stands.worker_id == receiver else "stayed"
