"""A case is taken from a worker who is unsafe for the young person. Pure."""

from collections.abc import Collection

from services.allocation.caseload.worker import Worker
from services.allocation.records import HELD, NOTHING_PENDING, Allocation, snapshot
from shared.events.codes import HolderReason, RemovalReason
from shared.events.unsafe import AllocationHolderChanged, AllocationTakenAway
from shared.rules.safety import names_of
from shared.storage.records import Change, unchanged


def is_unsafe(worker: Worker, unsafe: Collection[str]) -> bool:
    """Whether the worker, or the agency that hosts them, is marked."""
    names = names_of(worker_id=worker.id, host_agency_id=worker.host_agency_id)
    return not names.isdisjoint(unsafe)


def take_away(
    allocation: Allocation, worker_id: str, reason: RemovalReason = "unsafe"
) -> Change[Allocation]:
    """The case has no worker and seeks another one; nothing changes if it went on already.

    Its round stays: the capacity that the worker holds for it is a stray now. A manager's order for
    somebody else stands.
    """
    if allocation.worker_id != worker_id or allocation.status not in HELD:
        return unchanged(allocation)
    after = allocation.but(
        **{**NOTHING_PENDING, "order": allocation.order, "exception": allocation.exception},
        status="seeking",
        worker_id=None,
        workers_before=(*allocation.workers_before, worker_id),
        with_manager=False,
        hold_reason=None,
    )
    event = AllocationTakenAway(**snapshot(after), from_worker_id=worker_id, reason=reason)
    return Change(after, (event,))


def replace_holder(
    allocation: Allocation,
    holder_id: str | None,
    to: str | None = None,
    reason: HolderReason = "unsafe",
) -> Change[Allocation]:
    """A waiting case that this one holds (None: the Hub's managers) is held by `to` from now on."""
    if allocation.status != "waiting" or allocation.holder_id != holder_id or to == holder_id:
        return unchanged(allocation)
    after = allocation.but(holder_id=to)
    event = AllocationHolderChanged(
        **snapshot(after), from_worker_id=holder_id, reason=reason, holder_id=to
    )
    return Change(after, (event,))
