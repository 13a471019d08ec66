"""Asking for leave, and deciding on it. Pure.

What waits changes nothing. What is approved stands in the worker's entry in the same write, as if a
manager had put it there, so that allocation, the rota and its gaps follow it. Each step says again
what it said when it is taken twice.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from services.allocation.absence.request import LeaveEntry, LeaveRequest
from services.allocation.caseload.capacity import recounted
from services.allocation.caseload.periods import Leave
from services.allocation.caseload.worker import Worker, day_of, worker_event
from shared.errors import NotFound, Refused
from shared.events import EventData
from shared.events.absence import LeaveDecided, LeaveRequested, LeaveUndecided
from shared.events.codes import LeaveRefusal, LeaveStatus
from shared.rules.calendars import midnight
from shared.storage.records import Change, unchanged

MOST, MOST_WAITING, MOST_LEAVE = 50, 10, 50
AHEAD = timedelta(days=730)
NEAR, OFTEN, SELDOM = timedelta(days=3), timedelta(days=1), timedelta(days=3)


def found(worker: Worker, request_id: str) -> LeaveRequest:
    """That request of the worker. Raises `NotFound`."""
    for request in worker.requests:
        if request.id == request_id:
            return request
    raise NotFound(request_id)


def waiting(worker: Worker) -> list[LeaveRequest]:
    """What nobody has decided on, what begins first first."""
    return sorted((r for r in worker.requests if r.status == "waiting"), key=lambda r: r.start)


def ask(
    worker: Worker, request_id: str, entry: LeaveEntry, account: str, at: datetime
) -> Change[Worker]:
    """A worker asks. The same days again, while they wait, are the same request."""
    today = day_of(at)
    if entry.start < today or entry.start > today + AHEAD:
        raise Refused("leave_out_of_time", "Leave begins today at the earliest, within two years.")
    fields = entry.model_dump()
    if any(request.model_dump(include=set(fields)) == fields for request in waiting(worker)):
        return unchanged(worker)
    asked = [request.leave for request in waiting(worker)]
    if any(_meet(entry, leave) for leave in (*worker.leave, *asked)):
        raise Refused(
            "leave_overlaps", "You have leave, or have asked for it, on some of these days."
        )
    kept = _without_oldest(worker.requests)
    if len(kept) >= MOST or len(waiting(worker)) >= MOST_WAITING:
        raise Refused("too_many_requests_for_leave", "Withdraw some of what still waits.")
    request = LeaveRequest(id=request_id, **fields, asked_at=at, asked_by=account)
    after = _looking(worker.but(requests=(*kept, request)), at)
    return Change(after, (LeaveRequested(**_about(worker, request)),))


def approve(worker: Worker, request_id: str, account: str, at: datetime) -> Change[Worker]:
    """A manager agrees: it is leave now. Raises `Refused` for who asked: another has to decide."""
    request = found(worker, request_id)
    if request.status == "approved":
        return unchanged(worker)
    _must_wait(request, account)
    today = day_of(at)
    if request.to < today:
        raise Refused("leave_out_of_time", "The last day of it is over.")
    coming = tuple(leave for leave in worker.leave if leave.to is None or leave.to >= today)
    if any(_meet(request, leave) for leave in coming):
        raise Refused("leave_overlaps", "The worker has leave on some of these days already.")
    if len(coming) >= MOST_LEAVE:
        raise Refused("too_much_leave", "The worker's entry has as many leaves as it can hold.")
    after = worker.but(leave=(*coming, request.leave))
    return _decided(worker, after, request, "approved", account, at)


def decline(
    worker: Worker, request_id: str, reason: LeaveRefusal, account: str, at: datetime
) -> Change[Worker]:
    """A manager says no, and why. Nothing else changes."""
    request = found(worker, request_id)
    if request.status == "declined":
        return unchanged(worker)
    _must_wait(request, account)
    return _decided(worker, worker, request, "declined", account, at, reason)


def withdraw(worker: Worker, request_id: str, account: str, at: datetime) -> Change[Worker]:
    """The worker does without: of what is approved, until it has begun. From then on a manager
    changes the entry."""
    request = found(worker, request_id)
    if request.status == "withdrawn":
        return unchanged(worker)
    if request.status not in ("waiting", "approved"):
        raise Refused("leave_was_decided", "There is nothing to withdraw any more.")
    if request.status == "approved" and request.start <= day_of(at):
        raise Refused("leave_has_begun", "It has begun: your Hub's manager changes your entry.")
    kept = tuple(leave for leave in worker.leave if leave != request.leave)
    after = worker.but(leave=kept) if request.status == "approved" else worker
    return _decided(worker, after, request, "withdrawn", account, at)


def reopen(worker: Worker, accounts: Collection[str], at: datetime) -> Change[Worker]:
    """Leave that these accounts approved waits again, and its Hub is told, unless it has begun: who is
    away is given nobody. Safe to repeat."""
    today = day_of(at)
    approved = [r for r in worker.requests if r.status == "approved" and r.decided_by in accounts]
    own = [r for r in approved if r.start > today]
    if not own:
        return unchanged(worker)
    waits = {
        r.id: _with(r, "waiting", None, at).model_copy(update={"decided_at": None}) for r in own
    }
    leave = tuple(each for each in worker.leave if each not in [r.leave for r in own])
    requests = tuple(waits.get(r.id, r) for r in worker.requests)
    after = _looking(worker.but(leave=leave, requests=requests), at)
    after = recounted(worker, after.but(revision=worker.revision + 1), at)
    said = [_said(worker, request, "waiting") for request in own]
    asked = [LeaveUndecided(**_about(worker, request)) for request in own]
    return Change(after, (worker_event(after), *said, *asked))


def follow_entry(before: Worker, after: Worker, account: str, at: datetime) -> Change[Worker]:
    """A manager amended the entry: approved leave to come that is not in it is cancelled, and who
    has left asks for nothing any more. The worker hears of both."""
    today, events, requests = day_of(at), list[EventData](), list[LeaveRequest]()
    for request in after.requests:
        gone = request.status == "approved" and request.to >= today
        gone = gone and request.leave in before.leave and request.leave not in after.leave
        if gone or (request.status == "waiting" and not after.active):
            events.append(_said(after, request, "cancelled"))
            request = _with(request, "cancelled", account, at)  # noqa: PLW2901
        requests.append(request)
    if not events:
        return Change(after)
    return Change(_looking(after.but(requests=tuple(requests)), at), tuple(events))


def remind(worker: Worker, at: datetime) -> Change[Worker]:
    """The timer has run out: what nobody decided on is said again, or lapses when it is over. Of
    several the first one is said, and each that begins soon."""
    if worker.undecided_at is None or worker.undecided_at > at:
        return unchanged(worker)
    over = [request for request in waiting(worker) if request.to < day_of(at)]
    events = [_said(worker, request, "lapsed") for request in over]
    requests = tuple(_with(r, "lapsed", None, at) if r in over else r for r in worker.requests)
    after = worker.but(requests=requests)
    left, near = waiting(after), day_of(at) + NEAR
    due = [r for r in left if r is left[0] or r.start <= near]
    still = [LeaveUndecided(**_about(worker, request)) for request in due]
    return Change(_looking(after, at), (*events, *still))


def _must_wait(request: LeaveRequest, account: str) -> None:
    if request.status != "waiting":
        raise Refused("leave_was_decided", "It does not wait any more.", status=request.status)
    if request.asked_by == account:
        raise Refused("second_person_needed", "Someone other than who asked must decide.")


def _decided(
    before: Worker,
    after: Worker,
    request: LeaveRequest,
    status: LeaveStatus,
    account: str,
    at: datetime,
    reason: LeaveRefusal | None = None,
) -> Change[Worker]:
    decided = _with(request, status, account, at, reason)
    requests = tuple(decided if r.id == request.id else r for r in after.requests)
    said, entry = _said(before, request, status, reason), after.leave != before.leave
    after = _looking(after.but(requests=requests), at)
    if not entry:
        return Change(after, (said,))
    after = recounted(before, after.but(revision=before.revision + 1), at)
    return Change(after, (worker_event(after), said))


def _with(
    request: LeaveRequest,
    status: LeaveStatus,
    account: str | None,
    at: datetime,
    reason: LeaveRefusal | None = None,
) -> LeaveRequest:
    fields = {"status": status, "decided_at": at, "decided_by": account, "reason": reason}
    return request.model_copy(update=fields)


def _said(
    worker: Worker, request: LeaveRequest, status: LeaveStatus, reason: LeaveRefusal | None = None
) -> LeaveDecided:
    about = _about(worker, request)
    return LeaveDecided(**about, status=status, before=request.status, reason=reason)


def _about(worker: Worker, request: LeaveRequest) -> dict[str, Any]:
    return {
        **{"worker_id": worker.id, "hub_id": worker.hub_id, "request_id": request.id},
        **{"start": request.start, "to": request.to},
    }


def _looking(worker: Worker, at: datetime) -> Worker:
    """With the time at which somebody is reminded of what waits, or it lapses."""
    left = waiting(worker)
    if not left:
        return worker.but(undecided_at=None)
    near = left[0].start - day_of(at) <= NEAR
    over = min(midnight(request.to + timedelta(days=1)) for request in left)
    return worker.but(undecided_at=min(at + (OFTEN if near else SELDOM), over))


def _meet(one: LeaveEntry | LeaveRequest, leave: Leave) -> bool:
    return one.start <= (leave.to or one.start) and leave.start <= one.to


def _without_oldest(requests: Iterable[LeaveRequest]) -> tuple[LeaveRequest, ...]:
    """Room for one more: what was decided longest ago is not kept; the trail has it."""
    kept = list(requests)
    while len(kept) >= MOST:
        decided = [r for r in kept if r.decided_at is not None and r.status != "approved"]
        decided = decided or [r for r in kept if r.decided_at is not None]
        if not decided:
            break
        kept.remove(min(decided, key=lambda r: (r.decided_at, r.id)))
    return tuple(kept)
