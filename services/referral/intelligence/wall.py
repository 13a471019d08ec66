"""The wall: what meets in many reports, and what of it is shown. Pure.

What was mentioned twice for certain is one thing. Only so many things are shown, with the children and
reports they are of: those where most meets. The others are counted. Nobody's name is needed for it: the
caller opens what is shown, and nothing else.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.referral.intelligence.normal import MentionKind, Strength

MOST_NODES = 60


@dataclass(frozen=True)
class Said:
    """One mention of one report. `child`: whom the report is about, if a child is known; `certain`
    and `possible` are the links by which it is found; `conditional`: conditions go with the report."""

    report_id: str
    number: int
    child: str | None
    at: datetime
    kind: MentionKind
    role: str
    certain: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()
    conditional: bool = False

    @property
    def id(self) -> str:
        """Which mention it is."""
        return f"{self.report_id}-{self.number}"

    @property
    def source(self) -> str:
        """What stands in the first column for it."""
        return self.child or self.report_id


@dataclass(frozen=True)
class Thing:
    """Mentions that are one for certain, the oldest first; named after that one."""

    id: str
    said: tuple[Said, ...]

    @property
    def sources(self) -> set[str]:
        return {one.source for one in self.said}

    @property
    def newest(self) -> Said:
        return self.said[-1]


@dataclass(frozen=True)
class Shown:
    """What there is room for, how it is tied, and what is left out."""

    things: tuple[Thing, ...]
    sources: frozenset[str]
    ties: tuple[tuple[str, str, str], ...]
    more: dict[str, int]


def chosen(
    said: Sequence[Said],
    confirmed: Collection[str],
    rejected: Collection[str],
    strength: Strength | None,
) -> Shown:
    """What the picture shows of these mentions. Links that somebody confirmed count as certain, those
    rejected as none. `certain` shows no other links; `possible` only what has one of them."""
    things = _things(said, confirmed)
    ties = () if strength == "certain" else tuple(_ties(things, {*confirmed, *rejected}))
    tied = Counter(end for _, one, other in ties for end in (one, other))
    ranked = sorted(things, key=lambda t: (-len(t.sources), -tied[t.id], t.id))
    if strength == "possible":
        ranked = [thing for thing in ranked if tied[thing.id]]
    shown: list[Thing] = []
    sources: set[str] = set()
    for thing in ranked:
        if len(shown) + 1 + len(sources | thing.sources) <= MOST_NODES:
            shown.append(thing)
            sources |= thing.sources
    there = {thing.id for thing in shown}
    both = tuple(tie for tie in ties if {tie[1], tie[2]} <= there)
    left = [thing for thing in ranked if thing.id not in there]
    return Shown(tuple(shown), frozenset(sources), both, _more(left, sources))


def _things(said: Iterable[Said], confirmed: Collection[str]) -> list[Thing]:
    """Mentions that share a link that is certain, or was confirmed, together."""
    first: dict[str, str] = {}

    def root(name: str) -> str:
        while first.setdefault(name, name) != name:
            first[name] = name = first[first[name]]
        return name

    ordered = sorted(said, key=lambda one: (one.at, one.report_id, one.number))
    for one in ordered:
        for link in (*one.certain, *(p for p in one.possible if p in confirmed)):
            first[root(link)] = root(one.id)
    together: dict[str, list[Said]] = defaultdict(list)
    for one in ordered:
        together[root(one.id)].append(one)
    return [Thing(ones[0].id, tuple(ones)) for ones in together.values()]


def _ties(things: Iterable[Thing], decided: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """The link, and the two things that are possibly one by it: each with the first."""
    by: dict[str, list[str]] = defaultdict(list)
    for thing in things:
        for link in {link for one in thing.said for link in one.possible} - set(decided):
            by[link].append(thing.id)
    for link, ids in sorted(by.items()):
        one, *others = sorted(ids)
        yield from ((link, one, other) for other in others)


def _more(left: Iterable[Thing], sources: Collection[str]) -> dict[str, int]:
    counted: Counter[str] = Counter()
    beyond: dict[str, str] = {}
    for thing in left:
        counted[thing.newest.kind] += 1
        beyond |= {one.source: "child" if one.child else "report" for one in thing.said}
    counted.update(kind for source, kind in beyond.items() if source not in sources)
    return dict(sorted(counted.items()))
