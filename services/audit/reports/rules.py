"""Curiosity reports: patterns an auditor would want to look into. A finding is a question, not a verdict.

Each report is a function from entries in order to findings; its docstring is its rule, and is what
the API shows.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property
from inspect import getdoc
from typing import Any

from services.audit.search.reading import data_of
from shared.events import EventData
from shared.events.accounts import AccessRefused
from shared.events.allocation import AllocationMade
from shared.events.casework import AllocationHandedOver
from shared.events.records import RecordRefused, RecordViewed
from shared.events.sharing import BasisEnded, BasisRecorded
from shared.events.trail import TrailQueried
from shared.rules.calendars import LONDON, is_working_day

VIEWED, REFUSED = RecordViewed.event_type, RecordRefused.event_type
ALLOCATED, HANDED_OVER = AllocationMade.event_type, AllocationHandedOver.event_type
BASIS, ENDED = BasisRecorded.event_type, BasisEnded.event_type
OPENS, CLOSES = time(8), time(18)
REFUSALS, REFUSALS_WITHIN = 3, timedelta(hours=24)
BULK, BULK_WITHIN = 20, timedelta(hours=1)


@dataclass(frozen=True)
class Seen:
    """An entry as a report reads it."""

    seq: int
    at: datetime
    event: Mapping[str, Any]

    @property
    def type(self) -> str:
        return str(self.event.get("type"))

    @property
    def actor(self) -> str:
        return str(self.event.get("actor"))

    @cached_property
    def data(self) -> EventData | None:
        return data_of(self.event)

    @property
    def referral_id(self) -> str:
        return str(self.data.parties().referral_id if self.data else None)

    @property
    def refused(self) -> bool:
        disclosed = self.data.disclosure() if self.data else None
        return disclosed is not None and disclosed.kind == "refused"


@dataclass(frozen=True)
class Finding:
    """Who, what, and the entries that show it."""

    actor: str
    says: str
    entries: tuple[int, ...]


@dataclass(frozen=True)
class Report:
    """A named rule and the types of events it reads."""

    name: str
    rule: str
    types: tuple[str, ...]
    find: Callable[[Iterable[Seen], datetime], list[Finding]]


def viewed_without_allocation(entries: Iterable[Seen], _: datetime) -> list[Finding]:
    """A worker viewed a referral that had not been allocated to them when they looked.

    Hub managers and agencies are not judged by this rule: their ground is another."""
    allocated: set[tuple[str, str]] = set()
    found = []
    for seen in entries:
        if isinstance(seen.data, AllocationMade | AllocationHandedOver):
            allocated.add((f"worker:{seen.data.worker_id}", seen.referral_id))
        elif seen.event.get("actorrole") != "worker":
            continue
        elif (seen.actor, seen.referral_id) not in allocated:
            says = f"{seen.actor} viewed {seen.referral_id}, which was not theirs."
            found.append(Finding(seen.actor, says, (seen.seq,)))
    return found


def repeated_refusals(entries: Iterable[Seen], _: datetime) -> list[Finding]:
    """The same person or agency was refused three times or more within 24 hours, by a record, by the
    trail, or because they have left. Each run of refusals is told once."""
    refused = (e for e in entries if e.refused)
    return _runs(refused, REFUSALS, REFUSALS_WITHIN, "was refused {} times within 24 hours", _each)


def bulk_reading(entries: Iterable[Seen], _: datetime) -> list[Finding]:
    """The same person or agency viewed more than 20 different referrals within one hour."""
    views = (e for e in entries if e.type == VIEWED)
    says = "viewed {} different referrals within an hour"
    return _runs(views, BULK + 1, BULK_WITHIN, says, lambda e: e.referral_id)


def out_of_hours(entries: Iterable[Seen], _: datetime) -> list[Finding]:
    """A record was viewed outside 08:00 to 18:00 in London, or on a day that is no working day in
    England. Many have good reason; a duty rota answers for them."""
    found = []
    for seen in entries:
        if seen.type == VIEWED and not _in_hours(seen.at):
            local = seen.at.astimezone(LONDON)
            says = f"{seen.actor} viewed {seen.referral_id} on {local:%a %d %b %Y at %H:%M}."
            found.append(Finding(seen.actor, says, (seen.seq,)))
    return found


def overrides_never_reviewed(entries: Iterable[Seen], at: datetime) -> list[Finding]:
    """A lawful-basis decision (sharing without consent) whose review date has passed, and neither
    its end nor a new decision about the same referral (a review that upholds it is one) was
    recorded since."""
    waiting: dict[str, list[Seen]] = defaultdict(list)
    for seen in entries:
        if seen.type in (BASIS, ENDED):
            waiting.pop(seen.referral_id, None)
        if seen.type == BASIS:
            waiting[seen.referral_id].append(seen)
    found = []
    for decisions in waiting.values():
        for seen in decisions:
            decided = seen.data
            if not isinstance(decided, BasisRecorded) or decided.basis.review_at < at:
                says = f"{seen.actor}'s decision about {seen.referral_id} was never reviewed."
                found.append(Finding(seen.actor, says, (seen.seq,)))
    return found


def _report(find: Callable[[Iterable[Seen], datetime], list[Finding]], *types: str) -> Report:
    return Report(find.__name__, " ".join((getdoc(find) or "").split()), types, find)


REPORTS: Mapping[str, Report] = {
    report.name: report
    for report in (
        _report(viewed_without_allocation, VIEWED, ALLOCATED, HANDED_OVER),
        _report(repeated_refusals, REFUSED, AccessRefused.event_type, TrailQueried.event_type),
        _report(bulk_reading, VIEWED),
        _report(out_of_hours, VIEWED),
        _report(overrides_never_reviewed, BASIS, ENDED),
    )
}


def _runs(
    entries: Iterable[Seen],
    least: int,
    within: timedelta,
    says: str,
    counted: Callable[[Seen], object],
) -> list[Finding]:
    """A finding for each run of one actor that reaches `least` different counted things `within`."""
    recent: dict[str, deque[Seen]] = defaultdict(deque)
    runs: dict[str, list[Seen]] = {}
    found: list[Finding] = []

    def close(actor: str) -> None:
        if run := runs.pop(actor, None):
            number = len({counted(e) for e in run})
            found.append(
                Finding(actor, f"{actor} {says.format(number)}.", tuple(e.seq for e in run))
            )

    for seen in entries:
        window = recent[seen.actor]
        while window and seen.at - window[0].at > within:
            window.popleft()
        if seen.actor in runs and not window:
            close(seen.actor)
        window.append(seen)
        if seen.actor in runs:
            runs[seen.actor].append(seen)
        elif len({counted(e) for e in window}) >= least:
            runs[seen.actor] = list(window)
    for actor in list(runs):
        close(actor)
    return sorted(found, key=lambda finding: finding.entries)


def _each(seen: Seen) -> object:
    return seen.seq


def _in_hours(at: datetime) -> bool:
    local = at.astimezone(LONDON)
    return OPENS <= local.time() < CLOSES and is_working_day(local.date(), "england")
