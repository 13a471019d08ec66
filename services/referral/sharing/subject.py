"""The young person: the referrals about them, each with what was recorded through it. Pure.

No name, no birth date: those are sealed in the referrals."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field, computed_field

from services.referral.people.age import BIRTHDAY_DUE
from services.referral.people.telling import ANOTHER, Description, stands
from services.referral.sharing.facts import (
    AGENCY,
    Answer,
    Facts,
    counting,
    service_of,
    sharing_of,
    unsafe_of,
)
from shared.rules.parents import OF_KIND, closed_to
from shared.rules.sharing import SharingState
from shared.storage.records import Record


class Subject(Record):
    """One young person, by a random id. What holds for them is derived from `facts`."""

    # Referral → what was recorded through it, in the order in which they were linked.
    facts: dict[str, Facts] = Field(default_factory=dict)
    told_ahead: bool = False
    # Referral → the young person it is on its way to, from the decision until the move is done.
    moving: dict[str, str] = Field(default_factory=dict)
    # Referral → the young person it came from with its last move, which may not be done there.
    arrived: dict[str, str] = Field(default_factory=dict)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def unsafe(self) -> tuple[str, ...]:
        """Everybody who reads and hears nothing of this young person, by name: who is marked as
        unsafe, and accounts of parents where those are not told. Stored, to be searched by."""
        words = (word for facts in self.facts.values() for word in facts.about_parents)
        return tuple(sorted({*unsafe_of(self.facts.values()), *closed_to(tuple(words))}))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def speakers(self) -> tuple[str, ...]:
        """The accounts whose word opens something. Stored, to be searched by."""
        return tuple(sorted({a for facts in self.facts.values() for a in facts.accounts.values()}))

    @property
    def referral_ids(self) -> tuple[str, ...]:
        """The referrals that are about this young person."""
        return tuple(self.facts)

    @property
    def sharing(self) -> SharingState:
        """What the rules of sharing go by."""
        return sharing_of(self.facts.values())

    @property
    def unsafe_persons(self) -> tuple[str, ...]:
        """Workers and accounts marked as unsafe."""
        return tuple(name for name in self.unsafe if not name.startswith((AGENCY, OF_KIND)))

    @property
    def service_agreement(self) -> Answer:
        """Whether they want the service, by the newest word."""
        return service_of(self.facts.values())

    def said_through(self, referral_id: str) -> Answer:
        """What they said about the service through this referral alone."""
        return service_of([self.facts[referral_id]])

    @property
    def sealed_reasons(self) -> dict[str, bytes]:
        """The encrypted reasons of all lawful-basis decisions."""
        return {n: v for f in self.facts.values() for n, v in f.sealed_reasons.items()}

    @property
    def described(self) -> tuple[Description, ...]:
        """Keyed hashes of how the referrals describe them, each description once."""
        known = (f.described for f in self.facts.values() if f.described is not None)
        return tuple(dict.fromkeys(known))

    @property
    def undescribed(self) -> tuple[str, ...]:
        """The referrals that have to be read before anybody is linked."""
        return tuple(i for i, f in self.facts.items() if f.described is None)

    @property
    def joined(self) -> bool:
        """Whether a person said of some of these referrals that they are about one child."""
        return any(f.came_from for f in self.facts.values())

    def timers(self) -> Mapping[str, datetime | None]:
        """When an age has to be looked at again."""
        ages = [f.age for f in self.facts.values() if f.age is not None]
        due = [age.check_at for age in ages if age.check_at is not None]
        if not self.told_ahead:  # an age that was known late: the notice ahead is due at once
            due += [age.said_at for age in counting(ages) if age.ahead]
        return {BIRTHDAY_DUE: min(due, default=None)}

    def told(self, referral_id: str, **fields: object) -> "Subject":
        """With other facts of one referral."""
        return self.but(facts={**self.facts, referral_id: self.facts[referral_id].but(**fields)})

    def described_by(self, read: Mapping[str, Description]) -> "Subject":
        """With what these referrals say of them by now. One that says another child than the others
        do describes nobody here, until a person has parted them: it finds nobody, and keeps nobody
        from being found. While one of the others has to be read first, so have these."""
        facts = {i: f.but(described=read.get(i, f.described)) for i, f in self.facts.items()}
        said = {i: f.described for i, f in facts.items() if f.described is not None}
        if len(said) < len(facts):
            return self.but(facts={**self.facts, **{i: facts[i].but(described=None) for i in read}})
        for i, described in read.items():
            siblings = [d for other, d in said.items() if other != i]
            if not stands(described, siblings, joined=self.joined):
                facts[i] = facts[i].but(described=ANOTHER)
        return self.but(facts=facts)


def about(subject: Subject, referral_id: str) -> dict[str, Any]:
    return {
        "subject_id": subject.id,
        "referral_id": referral_id,
        "referral_ids": subject.referral_ids,
        "sharing": subject.sharing,
        "unsafe_names": subject.unsafe,
    }
