"""What happens because time has passed. Any replica may run this; each timer fires one effect.

A timer is a due-time field of the record. Claiming it is a lease, so two replicas don't run one
effect at once; and every effect is a rule that looks again and moves the timer in the same write,
so a second run finds nothing to do.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from services.allocation.absence.rule import remind
from services.allocation.assignment.duty import follow_turn
from services.allocation.assignment.waiting import escalate, review_missed
from services.allocation.caseload.capacity import refresh
from services.allocation.caseload.supervision import flag_overdue
from services.allocation.caseload.worker import (
    CAPACITY_DUE,
    LEAVE_DUE,
    SUPERVISION_DUE,
    Worker,
)
from services.allocation.casework.transitions import lapse
from services.allocation.hubs.hub import DUTY_DUE, Hub
from services.allocation.leaving.rule import still_left
from services.allocation.records import ANSWER_DUE, ESCALATE_DUE, REVIEW_DUE, Allocation
from services.allocation.risk.looking import remind_to_reassess
from services.allocation.risk.subject import REASSESS_DUE, Subject
from services.allocation.store import Stores
from shared.clock import now
from shared.origin import Origin
from shared.storage.records import Change
from shared.storage.store import Store
from shared.storage.timers import run_out

LEASE = 30.0
ME = Origin.of_service("allocation")


class Timer(NamedTuple):
    """A timer of one kind of record, and what happens when it has run out."""

    name: str
    store: Store[Any]
    effect: Callable[[Any], Awaitable[object]]


async def run_timers(stores: Stores, lease: float = LEASE) -> None:
    """Look after every timer for ever. Any replica may, any number of them."""
    async with asyncio.TaskGroup() as tasks:
        for name, store, effect in timers(stores):
            tasks.create_task(run_out(store, name, effect, lease=lease))


def timers(stores: Stores) -> Iterator[Timer]:
    """The table of all timers."""
    for name, overdue in ((REVIEW_DUE, review_missed), (ESCALATE_DUE, _still_nobodys)):
        yield Timer(name, stores.allocations, partial(_waiting_too_long, stores, overdue))
    yield Timer(ANSWER_DUE, stores.allocations, partial(_unanswered, stores))
    yield Timer(CAPACITY_DUE, stores.workers, partial(_capacity_changes, stores))
    yield Timer(SUPERVISION_DUE, stores.workers, partial(_supervision_overdue, stores))
    yield Timer(LEAVE_DUE, stores.workers, partial(_leave_undecided, stores))
    yield Timer(DUTY_DUE, stores.hubs, partial(follow_turn, stores, by=ME))
    yield Timer(REASSESS_DUE, stores.subjects, partial(_to_be_reassessed, stores))


async def _waiting_too_long(
    stores: Stores,
    overdue: Callable[[Allocation, Hub | None, Any], Change[Allocation]],
    allocation: Allocation,
) -> None:
    hub, by = await stores.hub(allocation.hub_id), _about(allocation)
    await stores.allocations.change(allocation.id, lambda a: overdue(a, hub, now()), by=by)


def _still_nobodys(allocation: Allocation, hub: Hub | None, at: datetime) -> Change[Allocation]:
    waits = allocation.status == "waiting"
    return (escalate if waits else still_left)(allocation, hub, at)


async def _unanswered(stores: Stores, allocation: Allocation) -> None:
    hub, by = await stores.hubs.get(allocation.hub_id or ""), _about(allocation)
    await stores.allocations.change(allocation.id, lambda a: lapse(a, hub, now()), by=by)


async def _capacity_changes(stores: Stores, worker: Worker) -> None:
    await stores.workers.change(worker.id, lambda w: refresh(w, now()), by=ME)


async def _supervision_overdue(stores: Stores, worker: Worker) -> None:
    await stores.workers.change(worker.id, lambda w: flag_overdue(w, now()), by=ME)


async def _leave_undecided(stores: Stores, worker: Worker) -> None:
    await stores.workers.change(worker.id, lambda w: remind(w, now()), by=ME)


async def _to_be_reassessed(stores: Stores, subject: Subject) -> None:
    still_open = tuple(await stores.open_of_subject(subject.id))

    def rule(known: Subject) -> Change[Subject]:
        return remind_to_reassess(known, still_open, stores.policy, now())

    await stores.subjects.change(subject.id, rule, by=ME)


def _about(allocation: Allocation) -> Origin:
    return Origin.of_service("allocation", allocation.id)
