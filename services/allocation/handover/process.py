"""Bulk hand-over: the plan, and carrying it out once it is confirmed."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal

from services.allocation.access import has_plan
from services.allocation.assignment.facts import CaseFacts, hub_facts
from services.allocation.assignment.order import no_receiver, order
from services.allocation.assignment.ordering import carry_out_order
from services.allocation.assignment.placing import look_for_two
from services.allocation.assignment.process import Assignment
from services.allocation.handover.plan import Move, Plan, applied, plan_moves, propose
from services.allocation.handover.request import PlanEntry
from services.allocation.hubs.hub import Hub
from services.allocation.records import Allocation, Order
from services.allocation.safety.asking import hidden_from
from services.allocation.store import Stores
from shared.clock import now
from shared.errors import NotFound
from shared.ids import new_id
from shared.operating.failpoints import failpoint
from shared.origin import Origin
from shared.storage.records import Change, unchanged
from shared.web.tokens import Caller

# Receivers looked at, those with most room first; beyond that nobody would be needed.
MAX_RECEIVERS = 500


async def propose_plan(stores: Stores, entry: PlanEntry, caller: Caller) -> Plan:
    """A plan for all open cases of those whom the entry names, but for those of young people for
    whom the caller is marked as unsafe. Nothing moves.

    Raises `NotFound` when the Hub has no such worker.
    """
    hub, at, by = await stores.hubs.get(caller.hub_id or ""), now(), caller.origin()
    hidden = await hidden_from(stores, caller)
    who = {"_id": entry.worker_id} if entry.worker_id else {"host_agency_id": entry.host_agency_id}
    givers = await stores.workers.find({**who, "hub_id": hub.id}, limit=MAX_RECEIVERS)
    if not givers:
        raise NotFound
    plan = Plan(
        id=new_id("plan"),
        hub_id=hub.id,
        worker_id=entry.worker_id,
        host_agency_id=entry.host_agency_id,
        reason=entry.reason,
        proposed_by=by.actor,
        proposed_at=at,
        moves=await moves_of(stores, hub, [giver.id for giver in givers], hidden, by, at),
    )
    return await stores.plans.add(plan, propose(plan), by=by)


async def moves_of(
    stores: Stores,
    hub: Hub,
    givers: Sequence[str],
    hidden: Collection[str],
    by: Origin,
    at: datetime,
) -> tuple[Move, ...]:
    """Who could take each open case of these workers. Reads only."""
    cases: list[tuple[CaseFacts, str]] = []
    for allocation in await stores.held_by(givers):
        if allocation.subject_id in hidden:
            continue
        facts = await Assignment(stores, allocation, hub, by).case()
        cases.append((facts, allocation.worker_id or ""))
    where = {"hub_id": hub.id, "_id": {"$nin": list(givers)}, "room": {"$gt": 0}}
    workers = await stores.workers.find(where, sort=[("room", -1)], limit=MAX_RECEIVERS)
    return plan_moves(cases, hub_facts(hub), workers, at)


async def their_plan(stores: Stores, plan_id: str, caller: Caller) -> Plan:
    """A plan, for the managers of its Hub. Raises `NotFound` for anyone else, and for who is marked
    as unsafe for a young person whose case it moves."""
    hidden = await hidden_from(stores, caller)
    plan = await stores.plans.get(plan_id)
    marked = False
    if hidden:
        moved = {"_id": {"$in": [move.referral_id for move in plan.moves]}}
        about = {**moved, "subject_id": {"$in": hidden}}
        marked = bool(await stores.allocations.find(about, limit=1))
    has_plan(caller, plan, marked=marked)
    return plan


async def carry_out_plan(stores: Stores, plan_id: str, by: Origin) -> None:
    """Order every move, one by one. Safe to repeat: a case that has moved on is left alone."""
    plan = await stores.plans.get(plan_id)
    if plan.status != "confirmed":
        return
    outcomes: dict[str, Literal["ordered", "stayed"]] = {}
    for move in plan.moves:
        try:
            outcomes[move.referral_id] = await _move(stores, plan, move, by)
        except NotFound:
            continue
    # Not before: a plan moves all cases of a young person, one after the other.
    for moved in plan.moves:
        if outcomes.get(moved.referral_id) == "ordered":
            await look_for_two(stores, moved.referral_id, by)
    await stores.plans.change(plan_id, lambda p: applied(p, outcomes), by=by)


async def being_moved(stores: Stores, hub_id: str | None, referral_id: str) -> bool:
    """Whether a plan that moves this case is being carried out."""
    where = {"hub_id": hub_id, "status": "confirmed", "moves.referral_id": referral_id}
    return bool(await stores.plans.find(where, limit=1))


async def _move(stores: Stores, plan: Plan, move: Move, by: Origin) -> Literal["ordered", "stayed"]:
    giver, receiver = move.from_worker_id, move.to_worker_id

    def planned(allocation: Allocation) -> bool:
        """Whether it is as it was planned, and no other Hub's by now."""
        return (allocation.hub_id, allocation.worker_id) == (plan.hub_id, giver)

    if receiver is None:
        await stores.allocations.change(
            move.referral_id,
            lambda a: no_receiver(a, giver, plan.id) if planned(a) else unchanged(a),
            by=by,
        )
        return "stayed"
    given = Order(
        worker_id=receiver, reason=plan.reason, by=plan.confirmed_by or "", limit="soft", at=now()
    )

    def rule(allocation: Allocation) -> Change[Allocation]:
        return order(allocation, given) if planned(allocation) else unchanged(allocation)

    await stores.allocations.change(move.referral_id, rule, by=by)
    failpoint("plan.after_order")
    await carry_out_order(stores, move.referral_id, by)
    failpoint("plan.after_move")
    stands = await stores.allocations.get(move.referral_id)
    return "ordered" if stands.worker_id == receiver else "stayed"
