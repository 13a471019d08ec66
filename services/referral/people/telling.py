"""Are two referrals about one child? What agrees enough to link them, and what forbids it. Pure.

What is compared are keyed hashes, so that a subject can keep them in the clear: they can be equal
or not, and say nothing else. Whoever compares opened fields gives the values themselves."""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations
from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.referral.documents import SubjectDetails
from services.referral.people.normal import normalise
from services.referral.people.numbers import is_nhs_number
from services.referral.people.placeholders import is_guess, is_placeholder
from services.referral.people.places import postcode_in

Contradiction = Literal["nhs_number", "gender", "number_of_another"]

# Descriptions that a subject keeps. One who is described in more ways is linked by people alone.
MANY = 50


class Description(BaseModel):
    """One way a child was described. None: not said, or a placeholder or a
    guessed date, which say nothing.

    `name_and_birth` is there only where it is enough to tell a child from others: two words or
    more that are no placeholder, and a date that is no guess.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    nhs_number: str | None = None
    name_and_birth: str | None = None
    name: str | None = None
    known_as: str | None = None
    born: str | None = None
    gender: str | None = None
    postcode: str | None = None
    address: str | None = None
    school: str | None = None


# Of a referral that says another child than the others about the same young person do: its words
# find nobody, and keep nobody from being found. No hash is written so.
ANOTHER = Description(school="another_child")


def describe(subject: SubjectDetails, hashed: Callable[..., str]) -> Description:
    """The description of a child; `hashed(kind, *parts)` makes what is kept of each value."""
    name = None if is_placeholder(subject.name) else normalise(subject.name)
    known_as = None if is_placeholder(subject.known_as) else normalise(subject.known_as or "")
    date = subject.date_of_birth
    born = date.isoformat() if date and not is_guess(date) else None
    number = subject.nhs_number or ""
    values = {
        "nhs_number": number.replace(" ", "").replace("-", "") if is_nhs_number(number) else None,
        "name": name,
        # One kind of hash for both: the name of one may be what the other is known as.
        "known_as": known_as,
        "born": born,
        "gender": None if subject.gender.startswith(("not_", "declined")) else subject.gender,
        "postcode": postcode_in(subject.address),
        "address": normalise(subject.address or "") or None,
        "school": normalise(subject.school or "") or None,
    }
    kinds = {"known_as": "name"}
    described = {n: hashed(kinds.get(n, n), v) for n, v in values.items() if v is not None}
    if name and born and len(name.split()) > 1:
        described["name_and_birth"] = hashed("name_and_birth", name, born)
    return Description(**described)


def contradictions(one: Description, other: Description) -> tuple[Contradiction, ...]:
    """What forbids to take the two for one child; the same whichever comes first."""
    found: list[Contradiction] = []
    if _differ(one.nhs_number, other.nhs_number):
        found.append("nhs_number")
    if _differ(one.gender, other.gender) and _another_sign(one, other):
        found.append("gender")
    if _same_number(one, other) and _differ(one.name, other.name) and _differ(one.born, other.born):
        found.append("number_of_another")
    return tuple(found)


def agree(one: Description, other: Description) -> bool:
    """Enough to link the two if nothing contradicts it: the same valid NHS number with the same
    name or birth date; or the same full name and birth date. Known_as only bears out a number."""
    if _same_number(one, other):
        return _same_name(one, other) or (one.born is not None and one.born == other.born)
    return one.name_and_birth is not None and one.name_and_birth == other.name_and_birth


def unlike(one: Description, other: Description) -> bool:
    """Whether they may be two, for all that is said: another full name or birth date, and no NHS
    number that both have. What a third one says, who is like each, makes them no more alike."""
    if _same_number(one, other):
        return False
    return _differ(one.name, other.name) or _differ(one.born, other.born)


def fits(new: Description, known: Sequence[Description], *, joined: bool = False) -> bool:
    """Whether a child described so is the one known so: it agrees with one of these descriptions,
    and contradicts none and is unlike none, for what is like one of two need not be like the other.

    `joined`: a person said of some of these that they are one child. Then it may be unlike those
    from whom what it agrees with was already.
    """
    if len(known) >= MANY and new not in known:
        return False
    if any(contradictions(new, k) for k in known):
        return False
    others = [k for k in known if unlike(new, k)]
    if others and not joined:
        return False
    return any(agree(new, one) and all(unlike(one, k) for k in others) for one in known)


def stands(new: Description, siblings: Sequence[Description], *, joined: bool = False) -> bool:
    """Whether a referral that was corrected so is still about the child whom these describe."""
    apart = any(contradictions(new, s) or unlike(new, s) for s in siblings)
    return not apart or fits(new, siblings, joined=joined)


def choose(
    new: Description,
    known: Mapping[str, Sequence[Description]],
    apart: Callable[[str, str], bool] = lambda *_: False,
    joined: Collection[str] = (),
) -> str | None:
    """The only one of these young people who fits. None where nobody does, or several do.

    An NHS number goes before a name: of two who fit, the one who has it; but not of two whom a
    person has told `apart`: what fits both is for a person again. `joined`: of whom a person said
    that their referrals are about one child.
    """
    fitting = [i for i, told in known.items() if fits(new, told, joined=i in joined)]
    if any(apart(one, other) for one, other in combinations(fitting, 2)):
        return None
    by_number = [i for i in fitting if any(_same_number(new, k) for k in known[i])]
    one_of = by_number or fitting
    return one_of[0] if len(one_of) == 1 else None


def _same_number(one: Description, other: Description) -> bool:
    return one.nhs_number is not None and one.nhs_number == other.nhs_number


def _another_sign(one: Description, other: Description) -> bool:
    """A place, a school or a name that differs. Alone they say nothing: children move."""
    lives = ("postcode", "address")
    place = next(
        ((a, b) for a, b in ((getattr(one, n), getattr(other, n)) for n in lives) if a and b),
        (None, None),
    )
    return _differ(*place) or _differ(one.school, other.school) or _names_differ(one, other)


def _names_differ(one: Description, other: Description) -> bool:
    known = one.name is not None and other.name is not None
    return known and not _same_name(one, other)


def _same_name(one: Description, other: Description) -> bool:
    return bool({one.name, one.known_as} & {other.name, other.known_as} - {None})


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other
