"""What was recorded through one referral, and what the facts of several add up to. Pure.

Every fact belongs to the referral through which it was recorded, and goes where that goes. What
holds for a young person is derived from the referrals that are theirs now, in whatever order.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from services.referral.people.age import BANDS, Age
from services.referral.people.telling import Description
from shared.events.codes import AgeBand, SafetyRelation
from shared.rules.sharing import Basis, Consent, ParentsWord, SharingState

Answer = Literal["agreed", "declined", "not_asked"]
Said = TypeVar("Said", bound=Consent | Basis | ParentsWord)
AGENCY = "agency:"


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Marked(Value):
    """Somebody was marked as unsafe, or the mark was lifted: `name` is as in events. `relation`: what
    they are to the young person; marks from before that was kept have none. `through`: the agency
    that was marked, where they are only because they belong to it."""

    name: str
    unsafe: bool
    at: datetime
    relation: SafetyRelation | None = None
    through: str | None = None


class ServiceAnswer(Value):
    """What was said about the service itself, and when."""

    agreed: Answer
    at: datetime


class Facts(Value):
    """All that was recorded through one referral. `came_from` are the young people whom it was
    about before persons joined them, the latest last; `apart` the referrals that a person said are
    about somebody else; `sealed_reasons` the reasons of bases, encrypted; `described` is None where
    its referral has to be read before anybody is linked."""

    came_from: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    age: Age | None = None
    described: Description | None = None
    consents: tuple[Consent, ...] = ()
    bases: tuple[Basis, ...] = ()
    about_parents: tuple[ParentsWord, ...] = ()
    marks: tuple[Marked, ...] = ()
    service: ServiceAnswer | None = None
    sealed_reasons: dict[str, bytes] = Field(default_factory=dict)
    # Whose account recorded each consent and basis, or confirmed one (services/referral/sharing/speakers.py).
    accounts: dict[str, str] = Field(default_factory=dict)
    # Decision on a match that is doubted → the agencies to which nothing opens until somebody else
    # decides; None once somebody has (services/referral/matches/doubt.py).
    doubts: dict[str, tuple[str, ...] | None] = Field(default_factory=dict)

    def but(self, **fields: Any) -> "Facts":
        """A validated copy with some fields changed."""
        return Facts.model_validate({**dict(self), **fields})


def sharing_of(facts: Collection[Facts]) -> SharingState:
    """What the rules of sharing go by. Each consent says how old the young person was then."""
    ages = counting(f.age for f in facts)
    bands = tuple(sorted({age.band for age in ages}, key=BANDS.index))
    consents = (c for f in facts for c in f.consents)
    marks = (name.removeprefix(AGENCY) for name in unsafe_of(facts) if name.startswith(AGENCY))
    return SharingState(
        consents=tuple(_of_then(c, ages) for c in sorted(consents, key=_said)),
        bases=tuple(
            sorted((b for f in facts for b in f.bases), key=lambda b: (b.decided_at, b.id))
        ),
        about_parents=tuple(sorted((w for f in facts for w in f.about_parents), key=_said)),
        unsafe_agencies=tuple(marks),
        age_band=bands[0] if bands else "not_known",
        age_bands=bands if len(bands) > 1 else (),
        doubted=tuple(
            sorted({a for f in facts for those in f.doubts.values() for a in those or ()})
        ),
    )


def counting(ages: Iterable[Age | None]) -> list[Age]:
    """The ages that count: an exact birth date before any estimate, and, of the same kind, all of
    them. Where they differ, no later word changes alone whose consent counts."""
    known = [age for age in ages if age is not None and age.reached]
    exact = [age for age in known if age.source == "exact"]
    return exact or known


def unsafe_of(facts: Iterable[Facts]) -> tuple[str, ...]:
    """Everybody who is marked as unsafe, by name."""
    return tuple(sorted({mark.name for mark in standing(facts)}))


def standing(facts: Iterable[Facts]) -> list[Marked]:
    """The marks that count: of each name, by itself and through each agency, the newest word."""
    last: dict[tuple[str, str | None], Marked] = {}
    for mark in sorted((m for f in facts for m in f.marks), key=_marked):
        last[mark.name, mark.through] = mark
    return [mark for mark in last.values() if mark.unsafe]


def service_of(facts: Iterable[Facts]) -> Answer:
    """The newest answer about the service. Not to have asked is none."""
    said = [f.service for f in facts if f.service and f.service.agreed != "not_asked"]
    last = max(said, key=_answered, default=None)
    return last.agreed if last else "not_asked"


def newest(earlier: Iterable[datetime], at: datetime) -> datetime:
    """What is said last is the newest word, even where the clock of a replica was ahead."""
    return max((at, *(before + timedelta(milliseconds=1) for before in earlier)))


def merged(one: Facts, other: Facts) -> Facts:
    """What two copies of the facts of one referral hold together, whichever comes first: while it
    moves from one young person to another, either may have been added to."""
    return Facts(
        came_from=max(one.came_from, other.came_from, key=lambda ids: (len(ids), ids)),
        apart=tuple(sorted({*one.apart, *other.apart})),
        age=_later_age(one.age, other.age),
        described=one.described if one.described == other.described else None,
        consents=_each(one.consents, other.consents, _said, _reviewed),
        bases=_each(one.bases, other.bases, lambda b: (b.decided_at, b.id), _ended),
        about_parents=_each(one.about_parents, other.about_parents, _said, lambda _: 0),
        marks=tuple(sorted({*one.marks, *other.marks}, key=_marked)),
        service=max(one.service, other.service, key=_answered)
        if one.service and other.service
        else one.service or other.service,
        sealed_reasons={**one.sealed_reasons, **other.sealed_reasons},
        accounts={**one.accounts, **other.accounts},
        doubts={i: _doubt(one, other, i) for i in sorted({*one.doubts, *other.doubts})},
    )


def _doubt(one: Facts, other: Facts, decision_id: str) -> tuple[str, ...] | None:
    """What is over in one copy is over."""
    known = [f.doubts[decision_id] for f in (one, other) if decision_id in f.doubts]
    return None if None in known else tuple(sorted({a for those in known for a in those or ()}))


def _of_then(consent: Consent, ages: Iterable[Age]) -> Consent:
    # Of what was said at a time that is not known the age is sure at the latest then.
    said_at = min(consent.said_at or consent.recorded_at, consent.recorded_at)
    then = {band for age in ages if (band := age.band_at(said_at))}
    youngest: AgeBand | None = min(then, key=BANDS.index, default=None)
    return consent.model_copy(update={"age_band": youngest})


def _later_age(one: Age | None, other: Age | None) -> Age | None:
    known = [age for age in (one, other) if age is not None]
    return max(known, key=lambda a: (a.said_at, len(a.reached), a.ahead, str(a)), default=None)


def _each(
    one: Iterable[Said],
    other: Iterable[Said],
    order: Callable[[Said], Any],
    weight: Callable[[Said], Any],
) -> tuple[Said, ...]:
    """Each once; of two copies the one that weighs more."""
    found: dict[str, Said] = {}
    for item in sorted((*one, *other), key=weight):
        found[item.id] = item
    return tuple(sorted(found.values(), key=order))


def _said(word: Consent | ParentsWord) -> tuple[datetime, str]:
    return word.recorded_at, word.id


def _reviewed(consent: Consent) -> tuple[bool, bool, bool]:
    """One that was reviewed before one that was not, rejected before that, invalidated before all."""
    return consent.invalidation is not None, consent.rejected, consent.confirmation is not None


def _ended(basis: Basis) -> bool:
    """To end one must not get lost."""
    return basis.ended_at is not None


def _marked(mark: Marked) -> tuple[datetime, bool, str, str]:
    # Of two at the same moment the mark, not its lifting, counts.
    return mark.at, mark.unsafe, mark.name, mark.through or ""


def _answered(answer: ServiceAnswer) -> tuple[datetime, bool, str]:
    # Of two at the same moment a "declined" counts.
    return answer.at, answer.agreed == "declined", answer.agreed
