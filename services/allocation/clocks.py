"""What happens because time has passed. Any replica may run this; each clock fires one effect.

A clock is a due-time field of the record. Claiming it is a lease, so two replicas don't run one
effect at once; and every effect is a rule that looks again and moves the clock in the same write,
so a second run finds nothing to do.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from services.allocation.domain.allocations import ANSWER_DUE, ESCALATE_DUE, REVIEW_DUE, Allocation
from services.allocation.domain.capacity import CAPACITY_DUE, refresh
from services.allocation.domain.life import lapse
from services.allocation.domain.subjects import REASSESS_DUE, Subject, remind_to_reassess
from services.allocation.domain.supervision import SUPERVISION_DUE, flag_overdue
from services.allocation.domain.waiting import escalate, review_missed
from services.allocation.domain.workers import Worker
from services.allocation.store import Desk
from shared.cancellation import heed
from shared.clock import now
from shared.origin import Origin
from shared.store import Store

LEASE = 30.0


@dataclass(frozen=True)
class Clock:
    """A clock of one kind of record, and what happens when it has run out."""

    name: str
    store: Store[Any]
    effect: Callable[[Any], Awaitable[object]]


def clocks(desk: Desk) -> tuple[Clock, ...]:
    """The table of all clocks."""
    by = Origin.of_service

    async def answer(allocation: Allocation) -> object:
        hub = await desk.hubs.get(allocation.hub_id or "")
        origin = by("allocation", allocation.id)
        return await desk.allocations.change(
            allocation.id, lambda a: lapse(a, hub, now()), by=origin
        )

    async def review(allocation: Allocation) -> object:
        hub = await desk.hub(allocation.hub_id)
        origin = by("allocation", allocation.id)
        return await desk.allocations.change(
            allocation.id, lambda a: review_missed(a, hub, now()), by=origin
        )

    async def waiting(allocation: Allocation) -> object:
        hub = await desk.hub(allocation.hub_id)
        origin = by("allocation", allocation.id)
        return await desk.allocations.change(
            allocation.id, lambda a: escalate(a, hub, now()), by=origin
        )

    async def capacity(worker: Worker) -> object:
        return await desk.workers.change(
            worker.id, lambda w: refresh(w, now()), by=by("allocation")
        )

    async def supervision(worker: Worker) -> object:
        return await desk.workers.change(
            worker.id, lambda w: flag_overdue(w, now()), by=by("allocation")
        )

    async def reassessment(subject: Subject) -> object:
        still_open = tuple(await desk.open_of_subject(subject.id))
        return await desk.subjects.change(
            subject.id,
            lambda s: remind_to_reassess(s, still_open, desk.policy, now()),
            by=by("allocation"),
        )

    return (
        Clock(ANSWER_DUE, desk.allocations, answer),
        Clock(REVIEW_DUE, desk.allocations, review),
        Clock(ESCALATE_DUE, desk.allocations, waiting),
        Clock(CAPACITY_DUE, desk.workers, capacity),
        Clock(SUPERVISION_DUE, desk.workers, supervision),
        Clock(REASSESS_DUE, desk.subjects, reassessment),
    )


async def sweep(desk: Desk, lease: float = LEASE) -> int:
    """Fire every clock that has run out. Returns how many were claimed."""
    fired = 0
    for clock in clocks(desk):
        while (record := await clock.store.claim(clock.name, lease)) is not None:
            fired += 1
            await clock.effect(record)
    return fired


async def keep_sweeping(desk: Desk, every: float) -> None:
    """Sweep again and again, about every so many seconds; replicas drift apart by themselves."""
    while True:
        heed()
        await sweep(desk)
        await asyncio.sleep(every * random.uniform(0.5, 1.5))  # noqa: S311
