"""Safety marks: who is unsafe for a young person, until it is lifted. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Literal

from services.referral.sharing.facts import Marked, newest, standing
from services.referral.sharing.rule import still_about
from services.referral.sharing.subject import Subject, about
from shared.errors import Refused
from shared.events.codes import SafetyRelation
from shared.events.sharing import SafetyMarked
from shared.storage.records import Change, in_turn, unchanged


@dataclass(frozen=True)
class Mark:
    """Who is unsafe, or no longer: an agency where somebody works, a worker, or an account; these
    perhaps only `through` a marked agency that they belong to."""

    kind: Literal["agency", "worker", "account"]
    id: str
    relation: SafetyRelation
    unsafe: bool
    through: str | None = None

    @property
    def name(self) -> str:
        """`worker:wk_1`, as it stands in the state and in events."""
        return f"{self.kind}:{self.id}"


def mark_safety(
    subject: Subject, referral_id: str, mark: Mark, at: datetime, *, lifts: bool = False
) -> Change[Subject]:
    """An alleged perpetrator, a household member or a close associate is there, or not any more.
    Takes effect at once, everywhere; saying it again changes nothing. Raises `Refused` where who may
    only mark would lift one: `lifts`."""
    still_about(subject, referral_id)
    own = (mark.name, mark.through)
    there = any(own == (m.name, m.through) for m in standing(subject.facts.values()))
    if there == mark.unsafe:
        return unchanged(subject)
    if not mark.unsafe and not lifts:
        raise Refused("manager_lifts", "A manager of the Hub lifts a mark.")
    said = (m.at for f in subject.facts.values() for m in f.marks if own == (m.name, m.through))
    others = (m for m in subject.facts[referral_id].marks if own != (m.name, m.through))
    new = Marked(
        name=mark.name,
        unsafe=mark.unsafe,
        at=newest(said, at),
        relation=mark.relation,
        through=mark.through,
    )
    after = subject.told(referral_id, marks=(*others, new))
    event = SafetyMarked(
        **about(after, referral_id),
        marked_kind=mark.kind,
        marked_id=mark.id,
        relation=mark.relation,
        unsafe=mark.unsafe,
    )
    return Change(after, (event,))


def mark_person(subject: Subject, names: Collection[str], at: datetime) -> Change[Subject]:
    """All these names are of one person: where one is marked by itself, each is, through the same
    referral. Repeating it changes nothing."""
    found = [
        (referral_id, mark)
        for referral_id, mark in _standing(subject)
        if mark.name in names and mark.through is None
    ]
    if not found:
        return unchanged(subject)
    referral_id, known = found[0]
    rules = [
        partial(mark_safety, referral_id=referral_id, mark=_alike(known, name), at=at)
        for name in sorted(names)
    ]
    return in_turn(subject, *rules)


def mark_members(
    subject: Subject, agencies: Collection[str], names: Collection[str], at: datetime
) -> Change[Subject]:
    """All these names are of one person who belongs to these agencies: where one of those is marked,
    so are they, through it. Repeating it changes nothing."""
    rules = [
        partial(mark_safety, referral_id=referral_id, mark=_through(known, name), at=at)
        for referral_id, known in _standing(subject)
        if known.name in agencies
        for name in sorted(names)
    ]
    return in_turn(subject, *rules)


def lifted(subject: Subject, mark: Mark) -> list[Mark]:
    """What falls with this mark: those through other agencies that the same name has, and, of an
    agency, those of everyone who has theirs through it."""
    return [
        replace(named(mark, each.name), through=each.through)
        for each in standing(subject.facts.values())
        if each.through and mark.name in (each.name, each.through)
    ]


def _standing(subject: Subject) -> list[tuple[str, Marked]]:
    """The marks that count, each with the referral through which it was recorded."""
    marks = standing(subject.facts.values())
    return [
        (i, mark) for i, facts in subject.facts.items() for mark in facts.marks if mark in marks
    ]


def _through(known: Marked, name: str) -> Mark:
    return replace(_alike(known, name), through=known.name)


def named(mark: Mark, name: str) -> Mark:
    """The same mark under another name of the same person."""
    kind, _, one = name.partition(":")
    of_kind: Literal["worker", "account"] = "worker" if kind == "worker" else "account"
    return replace(mark, kind=of_kind, id=one)


def _alike(known: Marked, name: str) -> Mark:
    mark = Mark("account", "", known.relation or "close_associate", unsafe=True)
    return named(mark, name)
