"""A manager names the worker: assignment, reassignment, and passing the hard cap by two. Pure.

An order is stored first and carried out next, by whoever handles its event: so a crash in between
is finished like any other.
"""

from datetime import datetime

from services.allocation.records import HELD, OPEN, Allocation, Order, snapshot
from shared.errors import Refused
from shared.events.allocation import (
    AllocationEscalated,
    AssignmentOrdered,
    AssignmentRefused,
    ExceptionRequested,
)
from shared.storage.records import Change, unchanged


def order(allocation: Allocation, given: Order) -> Change[Allocation]:
    """This worker shall take it, over the soft cap if need be. The same order twice is one.

    Passing the hard cap is only asked for here; a second person orders it (`confirm_exception`).
    """
    if allocation.status not in OPEN:
        raise Refused("closed", "The case is closed.")
    if allocation.worker_id == given.worker_id:
        return unchanged(allocation)
    standing = allocation.exception if given.limit == "exceed" else allocation.order
    if standing and standing.model_copy(update={"at": given.at}) == given:
        return unchanged(allocation)
    if given.limit == "exceed":
        after = allocation.but(exception=given)
        asked = ExceptionRequested(
            **snapshot(after), to_worker_id=given.worker_id, reason=given.reason, by=given.by
        )
        return Change(after, (asked,))
    return _ordered(allocation, given)


def confirm_exception(allocation: Allocation, by: str, at: datetime) -> Change[Allocation]:
    """A second person agrees to pass the hard cap. Raises `Refused` for the first person."""
    asked = allocation.exception
    if asked is None or allocation.status not in OPEN:
        raise Refused("no_exception_requested", "Nobody has asked to pass a hard cap here.")
    if asked.by == by:
        raise Refused("second_person_needed", "Someone other than who asked must confirm.")
    return _ordered(allocation, asked.model_copy(update={"confirmed_by": by, "at": at}))


def refuse_order(
    allocation: Allocation, given: Order, code: str, *, tell: bool
) -> Change[Allocation]:
    """The order could not be carried out: all stays as it was; `tell` escalates to the manager."""
    if allocation.order != given:
        return unchanged(allocation)
    after = allocation.but(order=None, escalations=allocation.escalations + tell)
    refused = AssignmentRefused(**snapshot(after), to_worker_id=given.worker_id, code=code)
    if not tell:
        return Change(after, (refused,))
    told = AllocationEscalated(**snapshot(after), reason="handover_without_receiver")
    return Change(after, (refused, told))


def no_receiver(allocation: Allocation, from_worker_id: str, plan_id: str) -> Change[Allocation]:
    """A hand-over plan found nobody: the case stays, and the Hub manager is told once per plan."""
    if allocation.worker_id != from_worker_id or plan_id in allocation.flags:
        return unchanged(allocation)
    after = allocation.but(
        escalations=allocation.escalations + 1, flags=(*allocation.flags, plan_id)
    )
    return Change(
        after, (AllocationEscalated(**snapshot(after), reason="handover_without_receiver"),)
    )


def say_two_workers(allocation: Allocation) -> Change[Allocation]:
    """The young person has another worker of the Hub, too: its managers are told, once."""
    if allocation.status not in HELD or "two_workers" in allocation.flags:
        return unchanged(allocation)
    after = allocation.but(
        escalations=allocation.escalations + 1, flags=(*allocation.flags, "two_workers")
    )
    return Change(after, (AllocationEscalated(**snapshot(after), reason="two_workers"),))


def _ordered(allocation: Allocation, given: Order) -> Change[Allocation]:
    after = allocation.but(order=given, exception=None)
    event = AssignmentOrdered(
        **snapshot(after),
        to_worker_id=given.worker_id,
        reason=given.reason,
        by=given.by,
        confirmed_by=given.confirmed_by,
    )
    return Change(after, (event,))
