"""Safety marks: who is unsafe for a young person, until it is lifted. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Literal

from services.referral.sharing.facts import Marked, newest
from services.referral.sharing.rule import still_about
from services.referral.sharing.subject import Subject, about
from shared.errors import Refused
from shared.events.codes import SafetyRelation
from shared.events.sharing import SafetyMarked
from shared.storage.records import Change, in_turn, unchanged


@dataclass(frozen=True)
class Mark:
    """Who is unsafe, or no longer: an agency where somebody works, a worker, or an account."""

    kind: Literal["agency", "worker", "account"]
    id: str
    relation: SafetyRelation
    unsafe: bool

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
    if (mark.name in subject.unsafe) == mark.unsafe:
        return unchanged(subject)
    if not mark.unsafe and not lifts:
        raise Refused("manager_lifts", "A manager of the Hub lifts a mark.")
    said = (m.at for f in subject.facts.values() for m in f.marks if m.name == mark.name)
    others = (m for m in subject.facts[referral_id].marks if m.name != mark.name)
    new = Marked(name=mark.name, unsafe=mark.unsafe, at=newest(said, at), relation=mark.relation)
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
    """All these names are of one person: where one is marked, each is, through the same referral.
    Repeating it changes nothing."""
    found = [
        (referral_id, mark)
        for referral_id, facts in subject.facts.items()
        for mark in facts.marks
        if mark.name in names and mark.name in subject.unsafe
    ]
    if not found:
        return unchanged(subject)
    referral_id, known = found[0]
    rules = [
        partial(mark_safety, referral_id=referral_id, mark=_alike(known, name), at=at)
        for name in sorted(set(names) - set(subject.unsafe))
    ]
    return in_turn(subject, *rules)


def named(mark: Mark, name: str) -> Mark:
    """The same mark under another name of the same person."""
    kind, _, one = name.partition(":")
    of_kind: Literal["worker", "account"] = "worker" if kind == "worker" else "account"
    return replace(mark, kind=of_kind, id=one)


def _alike(known: Marked, name: str) -> Mark:
    mark = Mark("account", "", known.relation or "close_associate", unsafe=True)
    return named(mark, name)
