"""Supervision: when it is due, and nothing of what is said in it. Pure.

Newly qualified weekly for six weeks, fortnightly to six months, then as the Hub says, at least
monthly; a worker whose line manager is not of the profession (hosted by police, a school …) also
needs professional supervision by their Hub (LGA standards for employers of social workers,
standard 5).
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta

from services.allocation.caseload.worker import Noted, Worker, day_of, due_on, kinds
from shared.errors import Refused
from shared.events import EventData
from shared.events.codes import SupervisionKind
from shared.events.workers import SupervisionOverdue, SupervisionTakenBack, WorkerSupervised
from shared.storage.records import Change, changed, unchanged

REMIND = timedelta(days=7)
MOST_KEPT = 12


def overdue(worker: Worker, at: datetime) -> tuple[SupervisionKind, ...]:
    """The kinds that are overdue on that day."""
    today = day_of(at)
    return tuple(kind for kind in kinds(worker) if due_on(worker, kind) < today)


def supervision_timer(worker: Worker, at: datetime) -> datetime | None:
    """The start of the first day on which something is overdue; soon, if it is so already."""
    return None if worker.overdue_from is None else max(worker.overdue_from, at)


def supervise(
    worker: Worker, kind: SupervisionKind, held_on: date, at: datetime, account: str | None = None
) -> Change[Worker]:
    """Note that a supervision took place, and by whose account. An earlier date than the last one
    changes nothing."""
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
    before = worker.supervisions.get(kind, (Noted(held_on=last),) if last else ())
    noted = (*before, Noted(held_on=held_on, account=account))[-MOST_KEPT:]
    return changed(
        worker,
        event,
        supervised_on=after.supervised_on,
        supervisions={**worker.supervisions, kind: noted},
        supervision_at=supervision_timer(after, at),
    )


def take_back(worker: Worker, accounts: Collection[str], at: datetime) -> Change[Worker]:
    """What these accounts noted last was not held: the one before counts. Safe to repeat."""
    after, events = worker, list[EventData]()
    for kind, noted in worker.supervisions.items():
        kept = noted
        while kept and kept[-1].account in accounts:
            kept = kept[:-1]
        if kept == noted:
            continue
        days = {each: day for each, day in after.supervised_on.items() if each != kind}
        days |= {kind: kept[-1].held_on} if kept else {}
        after = after.but(supervised_on=days, supervisions={**after.supervisions, kind: kept})
        events.append(_taken_back(after, kind, noted[-1].held_on))
    if not events:
        return unchanged(worker)
    return Change(after.but(supervision_at=supervision_timer(after, at)), tuple(events))


def _taken_back(worker: Worker, kind: SupervisionKind, held_on: date) -> SupervisionTakenBack:
    return SupervisionTakenBack(
        worker_id=worker.id,
        hub_id=worker.hub_id,
        kind=kind,
        held_on=held_on,
        next_due_on=due_on(worker, kind),
    )


def flag_overdue(worker: Worker, at: datetime) -> Change[Worker]:
    """The timer has run out: tell the Hub manager, and again each week until it took place."""
    late = overdue(worker, at)
    due = worker.supervision_at
    if not late or due is None or due > at:  # it took place, or was flagged, meanwhile
        return unchanged(worker)
    event = SupervisionOverdue(
        worker_id=worker.id,
        hub_id=worker.hub_id,
        kinds=late,
        due_on=min(due_on(worker, kind) for kind in late),
    )
    return changed(worker, event, supervision_at=at + REMIND)
