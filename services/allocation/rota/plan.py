"""A Hub's rota: a week of named spans, each with its people, and days that are different. Pure.

Times are those of the clock on the wall in London. A span belongs to the day on which it starts and
may run over midnight. A bank holiday is a day of its own kind, whatever day of the week it is.
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.allocation.documents import Code, Incoming
from shared.errors import Malformed
from shared.rules.calendars import Nation, is_bank_holiday
from shared.rules.values import Day

DAY = 24 * 60
WallTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Desk = Annotated[
    str, StringConstraints(pattern=r"^(operators|(hub|worker):[a-z0-9][a-z0-9_-]{0,39})$")
]
DayKind = Literal[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "bank_holiday",
]
KINDS: tuple[DayKind, ...] = get_args(DayKind)


class Posted(Incoming):
    """Who is on duty: the worker, else the stand-in, else the cover: a worker of another Hub
    (`worker:…`), another Hub's managers (`hub:…`) or the operators' desk, which is always there."""

    worker_id: Code | None = None
    stand_in_id: Code | None = None
    cover: Desk | None = None

    @property
    def covering_id(self) -> str | None:
        """The worker who covers, if it is one."""
        kind, _, one = (self.cover or "").partition(":")
        return one if kind == "worker" else None


class KnownGap(BaseModel):
    """A gap that was told of, as it was known; it was looked up to `reach`."""

    model_config = ConfigDict(frozen=True)

    start: datetime
    until: datetime | None = None
    reach: datetime


class Span(Posted):
    """From a time to a time on each of these days; an end that is not later is one of the next day."""

    name: Code
    days: Annotated[tuple[DayKind, ...], Field(min_length=1, max_length=len(KINDS))]
    start: WallTime
    end: WallTime

    @property
    def minutes(self) -> tuple[int, int]:
        """Its minutes, counted from the midnight before it; the last one is not of it."""
        start, end = _minute(self.start), _minute(self.end)
        return start, end if end > start else end + DAY


class Exceptional(Posted):
    """On this day others have the span that starts on it."""

    on: Day
    span: Code


class Rota(Incoming):
    """A Hub's rota. `warn_days`: how long before a gap comes the managers hear of it."""

    nation: Nation = "england"
    warn_days: Annotated[int, Field(ge=1, le=28)] = 7
    spans: Annotated[tuple[Span, ...], Field(min_length=1, max_length=28)]
    exceptions: Annotated[tuple[Exceptional, ...], Field(max_length=200)] = ()

    def kind(self, day: date) -> DayKind:
        """A bank holiday, or its day of the week."""
        return "bank_holiday" if is_bank_holiday(day, self.nation) else KINDS[day.weekday()]

    def on(self, day: date) -> list[Span]:
        """The spans that start on that day."""
        kind = self.kind(day)
        return [span for span in self.spans if kind in span.days]

    def posted(self, span: Span, day: date) -> Posted:
        """Who has the span that starts on that day."""
        instead = (e for e in self.exceptions if e.on == day and e.span == span.name)
        return next(instead, span)

    def own_ids(self) -> frozenset[str]:
        """Everybody whom it names of the Hub."""
        named = ((one.worker_id, one.stand_in_id) for one in self._posted())
        return frozenset(one for ids in named for one in ids if one)

    def worker_ids(self) -> frozenset[str]:
        """Everybody whom it names, also to cover."""
        covering = (one.covering_id for one in self._posted())
        return self.own_ids() | {one for one in covering if one}

    def desks(self) -> frozenset[str]:
        """Whoever covers."""
        return frozenset(one.cover for one in self._posted() if one.cover)

    def covers(self) -> frozenset[str]:
        """The other Hubs, and the workers of theirs, that cover."""
        return self.desks() - {"operators"}

    def _posted(self) -> tuple[Posted, ...]:
        return (*self.spans, *self.exceptions)


def check(rota: Rota) -> None:
    """Returns if at every moment at most one span runs, each has somebody, and what is different on
    a day is about a span of that day. Raises `Malformed`, with the place and what it meets.

    Not asked of what is stored: bank holidays are moved.
    """
    for number, span in enumerate(rota.spans):
        _check_posted(span, f"/spans/{number}")
        for before, other in enumerate(rota.spans[:number]):
            if span.name == other.name:
                raise Malformed(f"/spans/{number}/name", "twice", f"As /spans/{before}.")
            if _overlap(other, span):
                raise Malformed(f"/spans/{number}", "overlaps", f"It overlaps /spans/{before}.")
    seen: set[tuple[date, str]] = set()
    for number, one in enumerate(rota.exceptions):
        _check_posted(one, where := f"/exceptions/{number}")
        if one.span not in {span.name for span in rota.on(one.on)}:
            raise Malformed(f"{where}/span", "not_that_day", "No such span starts on that day.")
        if (one.on, one.span) in seen:
            raise Malformed(where, "twice", "Another exception is about this span on that day.")
        seen.add((one.on, one.span))


def _check_posted(posted: Posted, where: str) -> None:
    if posted.worker_id is None and posted.cover is None:
        raise Malformed(where, "nobody", "Name a worker or a cover.")
    if posted.stand_in_id is not None and posted.stand_in_id == posted.worker_id:
        raise Malformed(f"{where}/stand_in_id", "same", "Nobody stands in for themselves.")


def _overlap(one: Span, other: Span) -> bool:
    """On one day, or from a day to the next, either way. None is longer than a day, to meet itself."""
    return (
        (not set(one.days).isdisjoint(other.days) and _meet(one, other, 0))
        or (not _day_after(one.days).isdisjoint(other.days) and _meet(one, other, DAY))
        or (not _day_after(other.days).isdisjoint(one.days) and _meet(other, one, DAY))
    )


def _minute(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)


def _meet(one: Span, other: Span, later: int) -> bool:
    """Whether they overlap, the other one so many minutes later."""
    (start, end), (from_, to) = one.minutes, other.minutes
    return start < to + later and from_ + later < end


def _day_after(days: Collection[DayKind]) -> set[DayKind]:
    """Of which kind the day after one of these may be: any day may be, or follow, a bank holiday."""
    if "bank_holiday" in days:
        return set(KINDS)
    return {"bank_holiday", *(KINDS[(KINDS.index(day) + 1) % 7] for day in days)}
