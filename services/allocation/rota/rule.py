"""Who is on duty at a moment, when that may change, and where nobody is. Pure.

By the clock on the wall: where it is put forward nothing is between, and where it is put back the
hour that comes twice is the same people's twice.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from pydantic import BaseModel, ConfigDict

from services.allocation.caseload.capacity import available
from services.allocation.caseload.worker import Worker, day_of
from services.allocation.rota.plan import DAY, Posted, Rota
from services.allocation.safety.rule import is_unsafe
from shared.rules.calendars import LONDON

ONE_DAY = timedelta(days=1)


class OnDuty(BaseModel):
    """Who is there: a worker, or a desk that covers. Neither: it is a gap. `span` has its name
    also then, and is None where the rota has no span at all."""

    model_config = ConfigDict(frozen=True)

    span: str | None = None
    worker_id: str | None = None
    cover: str | None = None

    @property
    def nobody(self) -> bool:
        return self.worker_id is None and self.cover is None


class Gap(BaseModel):
    """From a moment to a moment nobody is on duty; without `until` for longer than was looked."""

    model_config = ConfigDict(frozen=True)

    start: datetime
    until: datetime | None = None


def on_duty(
    rota: Rota, workers: Mapping[str, Worker], at: datetime, unsafe: Collection[str] = ()
) -> OnDuty:
    """Who is on duty at that moment: never somebody who is away, has left, is in none of these
    `workers`, or is `unsafe` for the young person."""
    span, posted = _span_at(rota, at)
    there = in_turn(rota, workers, at, unsafe)
    if there:
        return OnDuty(span=span, worker_id=there[0])
    desk = posted.cover if posted.covering_id is None else None
    return OnDuty(span=span, cover=desk)


def in_turn(
    rota: Rota, workers: Mapping[str, Worker], at: datetime, unsafe: Collection[str] = ()
) -> tuple[str, ...]:
    """The workers of that moment who are there, the first one first: who is on duty, who stands in,
    who covers. The others are as good as on no rota."""
    found = [workers[one] for one in named_at(rota, at) if one in workers]
    return tuple(w.id for w in found if available(w, at) and not is_unsafe(w, unsafe))


def named_at(rota: Rota, at: datetime) -> tuple[str, ...]:
    """The workers of that moment, there or not, the first one first."""
    _, posted = _span_at(rota, at)
    named = (posted.worker_id, posted.stand_in_id, posted.covering_id)
    return tuple(one for one in named if one)


def _span_at(rota: Rota, at: datetime) -> tuple[str | None, Posted]:
    """The span of that moment, and who has it; nobody where there is none."""
    wall = at.astimezone(LONDON)
    minute = wall.hour * 60 + wall.minute
    for day, since in ((wall.date(), minute), (wall.date() - ONE_DAY, minute + DAY)):
        for span in rota.on(day):
            start, end = span.minutes
            if start <= since < end:
                return span.name, rota.posted(span, day)
    return None, Posted()


def turns(rota: Rota, start: datetime, end: datetime) -> list[datetime]:
    """Every moment after `start` and before `end` at which somebody else may be on duty: spans begin
    and end, days too, with leave that does, and the clock is put forward or back."""
    found: set[datetime] = set()
    day = day_of(start) - ONE_DAY
    while day <= day_of(end):
        found.update(_turns_of(rota, day))
        day += ONE_DAY
    return sorted(moment for moment in found if start < moment < end)


def _turns_of(rota: Rota, day: date) -> Iterator[datetime]:
    midnight = datetime.combine(day, time(0))
    for minute in {0, *(minute for span in rota.on(day) for minute in span.minutes)}:
        wall = midnight + timedelta(minutes=minute)
        for fold in (0, 1):  # a time that comes twice
            yield wall.replace(tzinfo=LONDON, fold=fold).astimezone(UTC)
    yield datetime.combine(day, time(1), UTC)  # when London's clock is put forward or back


def gaps(
    rota: Rota,
    workers: Mapping[str, Worker],
    start: datetime,
    end: datetime,
    planned_to: datetime | None = None,
) -> list[Gap]:
    """Where nobody is on duty between two moments: each gap whole, as far as they reach, in order.

    From `planned_to` on only where somebody is on the rota and all of them are away or gone.
    """

    def nobody(at: datetime) -> bool:
        there = on_duty(rota, workers, at)
        unplanned = there.span is None and planned_to is not None and at >= planned_to
        return there.nobody and not unplanned

    return _joined(rota, start, end, nobody)


def left_open(
    rota: Rota, workers: Mapping[str, Worker], away: Worker, start: datetime, end: datetime
) -> list[Gap]:
    """Where nobody is on duty if a worker is as `away`, and somebody would be as things are."""
    without = {**workers, away.id: away}

    def nobody_then(at: datetime) -> bool:
        return on_duty(rota, without, at).nobody and not on_duty(rota, workers, at).nobody

    return _joined(rota, start, end, nobody_then)


def _joined(
    rota: Rota, start: datetime, end: datetime, nobody: Callable[[datetime], bool]
) -> list[Gap]:
    found: list[Gap] = []
    for begins, ends in pairwise([start, *turns(rota, start, end), end]):
        if nobody(begins):
            goes_on = bool(found) and found[-1].until == begins
            found.append(Gap(start=found.pop().start if goes_on else begins, until=ends))
    if found and found[-1].until == end:
        found[-1] = Gap(start=found[-1].start)
    return found
