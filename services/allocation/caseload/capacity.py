"""Capacity: caps on a day, and taking and giving back what they leave. Pure.

The soft cap warns: automatic allocation stays within it, and passing it takes a manager and a
reason. The hard cap holds: passing it takes two people.
"""

from datetime import datetime, timedelta
from typing import Literal

from services.allocation.caseload.supervision import supervision_timer
from services.allocation.caseload.worker import (
    UNAVAILABLE,
    Case,
    Worker,
    WorkerEntry,
    day_of,
    load,
    resolved,
    stored_fields,
    worker_entry,
    worker_event,
)
from services.allocation.directory.rule import without_card
from services.allocation.hubs.hub import Hub
from shared.errors import Refused
from shared.events.workers import CapacityChanged, CaseloadChanged, CaseRelinked, WorkerRegistered
from shared.rules.calendars import midnight
from shared.storage.records import Change, changed, unchanged

Limit = Literal["soft", "hard", "exceed"]


def hard_cap(worker: Worker, at: datetime) -> int:
    """In points, rounded down: the cap less part-time, non-case work and reductions of that day."""
    day = day_of(at)
    off = sum(r.percent for r in worker.reductions if r.covers(day)) + worker.non_case_percent
    return worker.cap * worker.fte_percent * max(0, 100 - off) // 10_000


def soft_cap(worker: Worker, at: datetime) -> int:
    """In points, rounded down."""
    return hard_cap(worker, at) * worker.soft_percent // 100


def on_leave(worker: Worker, at: datetime) -> bool:
    """Whether the worker is away on that day."""
    return any(leave.covers(day_of(at)) for leave in worker.leave)


def available(worker: Worker, at: datetime) -> bool:
    """In post and not away."""
    return worker.active and not on_leave(worker, at)


def room(worker: Worker, at: datetime) -> int:
    """What automatic allocation may give, in points; negative over the soft cap."""
    return soft_cap(worker, at) - worker.caseload if available(worker, at) else UNAVAILABLE


def next_change(worker: Worker, at: datetime) -> datetime | None:
    """The start of the next day in London on which a leave or reduction begins or has ended."""
    today = day_of(at)
    periods = (*worker.leave, *worker.reductions)
    days = {p.start for p in periods} | {p.to + timedelta(days=1) for p in periods if p.to}
    coming = [day for day in days if day > today]
    return midnight(min(coming)) if coming else None


def register_worker(
    worker_id: str, entry: WorkerEntry, hub: Hub | None, at: datetime
) -> tuple[Worker, WorkerRegistered]:
    """A new worker, and the event."""
    worker = Worker.model_validate(
        {"id": worker_id, **stored_fields(entry, hub), "registered_on": day_of(at)}
    )
    worker = worker.but(
        room=room(worker, at),
        capacity_at=next_change(worker, at),
        supervision_at=supervision_timer(worker, at),
    )
    return worker, worker_event(worker)


def amend_worker(
    worker: Worker, entry: WorkerEntry, hub: Hub | None, at: datetime
) -> Change[Worker]:
    """The entry as it should be; open cases stay, also over a lowered cap."""
    if worker_entry(worker) == entry:
        return unchanged(worker)
    if entry.hub_id != worker.hub_id and worker.cases:
        raise Refused("worker_has_cases", "Hand over the open cases before the worker moves.")
    after = worker.but(**stored_fields(entry, hub), revision=worker.revision + 1)
    shown = without_card(worker, recounted(worker, after, at))
    return Change(shown.after, (worker_event(shown.after), *shown.events))


def follow_hub(worker: Worker, hub: Hub, at: datetime) -> Change[Worker]:
    """What the Hub's policy says now about this worker; nothing, if it said so before."""
    after = worker.but(**resolved(worker.own_cap, worker.worker_role, hub))
    after = recounted(worker, after, at)
    if after == worker:
        return unchanged(worker)
    return Change(after, (_capacity_event(after, at),))


def refresh(worker: Worker, at: datetime) -> Change[Worker]:
    """The day has come on which capacity changes: say what it is now, and set the next such day."""
    if worker.capacity_at is None or worker.capacity_at > at:
        return unchanged(worker)
    after = worker.but(room=room(worker, at), capacity_at=next_change(worker, at))
    return Change(after, (_capacity_event(after, at),))


def reserve(worker: Worker, case: Case, *, limit: Limit, at: datetime) -> Change[Worker]:
    """Take capacity for a referral's placing. Twice is once; of two weights the greater holds.

    Raises `Refused` when it would add to the load and pass the limit: one more case of a young
    person may add nothing. Caps are those of `at`, not what is stored.
    """
    referral_id = case.referral_id
    held = next((c for c in worker.cases if c.referral_id == referral_id), None)
    if held and (held.round > case.round or _covers(held, case)):
        return unchanged(worker)
    others = tuple(c for c in worker.cases if c.referral_id != referral_id)
    cases = (*others, case)
    after = load(cases)
    most = {"soft": soft_cap(worker, at), "hard": hard_cap(worker, at), "exceed": after}[limit]
    if not worker.active or load(others) < after > most:
        raise Refused("no_capacity", "The worker has no room for this case.")
    return _with_cases(worker, cases, case, "reserved", at)


def release(worker: Worker, referral_id: str, up_to_round: int, at: datetime) -> Change[Worker]:
    """Give back what was reserved for a referral in placings up to this one; nothing otherwise."""
    held = [c for c in worker.cases if c.referral_id == referral_id and c.round <= up_to_round]
    if not held:
        return unchanged(worker)
    cases = tuple(case for case in worker.cases if case not in held)
    return _with_cases(worker, cases, held[0], "released", at)


def keep(worker: Worker, referral_id: str, weight: int, at: datetime) -> Change[Worker]:
    """The case is theirs with this weight: give back what was reserved beyond it."""
    held = next((case for case in worker.cases if case.referral_id == referral_id), None)
    if held is None or held.weight <= weight:
        return unchanged(worker)
    less = held.model_copy(update={"weight": weight})
    cases = tuple(less if case is held else case for case in worker.cases)
    given_back = held.model_copy(update={"weight": held.weight - weight})
    return _with_cases(worker, cases, given_back, "released", at)


def count_for(worker: Worker, referral_id: str, subject_id: str, at: datetime) -> Change[Worker]:
    """The case is of another young person than was thought, and counts with theirs. It stays with
    the worker, also over the cap; what is more than one's room is given to nobody new."""
    held = next((c for c in worker.cases if c.referral_id == referral_id), None)
    if held is None or held.subject_id == subject_id:
        return unchanged(worker)
    case = held.model_copy(update={"subject_id": subject_id})
    cases = tuple(case if c is held else c for c in worker.cases)
    after = worker.but(cases=cases)
    event = CaseRelinked(
        worker_id=worker.id,
        referral_id=referral_id,
        subject_id=subject_id,
        caseload=after.caseload,
        cap=hard_cap(worker, at),
        exceeds=after.caseload > hard_cap(worker, at),
    )
    return changed(worker, event, cases=cases, room=room(after, at))


def _covers(held: Case, case: Case) -> bool:
    return held.round == case.round and held.weight >= case.weight


def _with_cases(
    worker: Worker,
    cases: tuple[Case, ...],
    moved: Case,
    change: Literal["reserved", "released"],
    at: datetime,
) -> Change[Worker]:
    after = worker.but(cases=cases)
    event = CaseloadChanged(
        worker_id=worker.id,
        referral_id=moved.referral_id,
        subject_id=moved.subject_id,
        change=change,
        weight=moved.weight,
        caseload=after.caseload,
        cap=hard_cap(worker, at),
        exceeds=after.caseload > hard_cap(worker, at),
    )
    return changed(worker, event, cases=cases, room=room(after, at))


def _capacity_event(worker: Worker, at: datetime) -> CapacityChanged:
    return CapacityChanged(
        worker_id=worker.id,
        hub_id=worker.hub_id,
        hard_cap=hard_cap(worker, at),
        soft_cap=soft_cap(worker, at),
        caseload=worker.caseload,
        available=available(worker, at),
    )


def recounted(before: Worker, after: Worker, at: datetime) -> Worker:
    """With the room and the timers that follow from the entry."""
    # A timer that says the same as before runs on: what is overdue is not flagged a second time.
    same = supervision_timer(before, at) == supervision_timer(after, at)
    return after.but(
        room=room(after, at),
        capacity_at=next_change(after, at),
        supervision_at=before.supervision_at if same else supervision_timer(after, at),
    )
