"""Supervision: when it is due, and nothing of what is said in it. Pure.

Newly qualified weekly for six weeks, fortnightly to six months, then as the Hub says, at least
monthly; a worker whose line manager is not of the profession (hosted by police, a school …) also
needs professional supervision by their Hub (LGA standards for employers of social workers,
standard 5).
"""

from datetime import date, datetime, timedelta

from services.allocation.domain.workers import Worker, day_of, midnight
from shared.errors import Refused
from shared.events.codes import SupervisionKind
from shared.events.workers import SupervisionOverdue, WorkerSupervised
from shared.records import Change, changed, unchanged

SUPERVISION_DUE = "supervision_due"
REMIND = timedelta(days=7)


def kinds(worker: Worker) -> tuple[SupervisionKind, ...]:
    """The kinds this worker needs."""
    hosted = worker.host_agency_id is not None or worker.host_setting != "hub"
    if worker.worker_role == "spoke_worker" and hosted:
        return ("case", "professional")
    return ("case",)


def interval(worker: Worker, day: date) -> timedelta:
    """How long after the last one the next is due."""
    if worker.newly_qualified_from is not None:
        since = day - worker.newly_qualified_from
        if since < timedelta(weeks=6):
            return timedelta(days=min(7, worker.supervision_days))
        if since < timedelta(days=183):
            return timedelta(days=min(14, worker.supervision_days))
    return timedelta(days=worker.supervision_days)


def due_on(worker: Worker, kind: SupervisionKind) -> date:
    """The last day on which the next supervision of this kind is in time."""
    last = worker.supervised_on.get(kind, worker.registered_on)
    return last + interval(worker, last)


def overdue(worker: Worker, at: datetime) -> tuple[SupervisionKind, ...]:
    """The kinds that are overdue on that day."""
    today = day_of(at)
    return tuple(kind for kind in kinds(worker) if due_on(worker, kind) < today)


def supervision_clock(worker: Worker, at: datetime) -> datetime | None:
    """The start of the first day on which something is overdue; soon, if it is so already."""
    if not worker.active:
        return None
    first = min(due_on(worker, kind) for kind in kinds(worker)) + timedelta(days=1)
    return max(midnight(first), at)


def supervise(worker: Worker, kind: SupervisionKind, held_on: date, at: datetime) -> Change[Worker]:
    """Note that a supervision took place. An earlier date than the last one changes nothing."""
    if held_on > day_of(at):
        raise Refused("supervision_in_future", "Only a supervision that took place can be noted.")
    last = worker.supervised_on.get(kind)
    if last is not None and held_on <= last:
        return unchanged(worker)
    after = worker.but(supervised_on={**worker.supervised_on, kind: held_on})
    event = WorkerSupervised(
        worker_id=worker.id,
        hub_id=worker.hub_id,
        kind=kind,
        held_on=held_on,
        next_due_on=due_on(after, kind),
    )
    clock = supervision_clock(after, at)
    return changed(
        worker,
        event,
        supervised_on=after.supervised_on,
        supervision_at=clock,
        due={SUPERVISION_DUE: clock},
    )


def flag_overdue(worker: Worker, at: datetime) -> Change[Worker]:
    """The clock has run out: tell the Hub manager, and again each week until it took place."""
    late = overdue(worker, at)
    clock = worker.supervision_at
    if not late or clock is None or clock > at:  # it took place, or was flagged, meanwhile
        return unchanged(worker)
    event = SupervisionOverdue(
        worker_id=worker.id,
        hub_id=worker.hub_id,
        kinds=late,
        due_on=min(due_on(worker, kind) for kind in late),
    )
    again = at + REMIND
    return changed(worker, event, supervision_at=again, due={SUPERVISION_DUE: again})
