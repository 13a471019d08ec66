"""Might these be the same person? Fields that agree, and how; a practitioner decides. Pure.

No score decides and nothing is merged: `possible_match` says what to look at, in codes without any
personal data. `blocking_keys` gives strings that the caller hashes with a secret key (HMAC) and
indexes, so that candidates are found although no name or date is stored in the clear.

Names in any script are compared as written. Not caught, because it would need a dictionary: a
nickname (Kate, Catherine), a changed name, one name written in two scripts (Мария, Maria). An
NHS number finds these people all the same. Sounds are English Metaphone (Lawrence Philips 1990);
closeness is Jaro–Winkler (Winkler 1990) and Damerau–Levenshtein, all from jellyfish."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import jellyfish

from services.referral.people.normal import normalise
from services.referral.people.placeholders import is_placeholder
from services.referral.people.sounds import sound

CLOSE = 0.9  # Jaro–Winkler; a longer list costs a look, a missed child costs more

Field = Literal["nhs_number", "name", "date_of_birth", "postcode"]

How = Literal[
    "exact",
    "other_order",  # the same words: given and family name exchanged
    "phonetic",
    "known_as",  # one is called what the other is known as
    "both_unknown",  # neither has a name that means somebody
    "part",  # every word of the shorter name is in the longer one
    "close",
    "day_month_swapped",
    "one_digit_off",
    "digits_swapped",  # two neighbours exchanged
    "year_only",  # one of the two is the first of January: an estimate
]

_SURE_NAME: frozenset[How | None] = frozenset({"exact", "other_order", "phonetic", "known_as"})

_SURE_DATE: frozenset[How | None] = frozenset({"exact", "day_month_swapped"})

_SURE = _SURE_NAME | _SURE_DATE
_POINTS: dict[Field, int] = {"nhs_number": 40, "name": 25, "date_of_birth": 25, "postcode": 10}


@dataclass(frozen=True)
class Identity:
    """Who someone is said to be. Any part may be wrong."""

    name: str
    date_of_birth: date | None = None
    nhs_number: str | None = None
    postcode: str | None = None
    known_as: str | None = None


@dataclass(frozen=True)
class PossibleMatch:
    """What agrees and how, and what is known of both but differs. No values, only codes."""

    agrees: tuple[tuple[Field, How], ...]
    differs: tuple[Field, ...]

    @property
    def explanation(self) -> tuple[str, ...]:
        """For people and records, such as `name_phonetic`, `date_of_birth_exact`."""
        return (
            *(f"{field}_{how}" for field, how in self.agrees),
            *(f"{field}_differs" for field in self.differs),
        )

    @property
    def score(self) -> int:
        """From 0 to 100, to sort a list by. Nothing is decided on it: no rule reads it."""
        points = sum(_POINTS[f] if how in _SURE else _POINTS[f] // 2 for f, how in self.agrees)
        return max(points - sum(_POINTS[f] // 2 for f in self.differs), 0)


def possible_match(one: Identity, other: Identity) -> PossibleMatch | None:
    """What agrees, if it is enough for a person to look at; the same whichever comes first.

    Enough is: the same NHS number; one nearly the same, with name or birth date; name and birth
    date, of which one may be uncertain, or both with the same postcode; or, where a birth date
    is missing, a sure name and the same postcode. A name alone is never enough. Names that mean
    nobody are looked at with the same birth date, or the same NHS number.
    """
    match = compared(one, other)
    return match if _enough({**dict(match.agrees), **dict.fromkeys(match.differs)}) else None


def compared(one: Identity, other: Identity) -> PossibleMatch:
    """What agrees and what differs, whether it is enough or not; the same whichever comes first."""
    found: dict[Field, How | None] = {}
    if _digits(one.nhs_number) and _digits(other.nhs_number):
        found["nhs_number"] = _digits_agree(_digits(one.nhs_number), _digits(other.nhs_number))
    unknown = is_placeholder(one.name), is_placeholder(other.name)
    if all(unknown):
        found["name"] = "both_unknown"
    elif not any(unknown) or _called_alike(one, other):
        found["name"] = _called_alike(one, other) or _names_agree(
            normalise(one.name), normalise(other.name)
        )
    if one.date_of_birth and other.date_of_birth:
        found["date_of_birth"] = _dates_agree(one.date_of_birth, other.date_of_birth)
    if _postcode(one.postcode) and _postcode(other.postcode):
        found["postcode"] = _postcodes_agree(_postcode(one.postcode), _postcode(other.postcode))
    return PossibleMatch(
        agrees=tuple((field, how) for field, how in found.items() if how),
        differs=tuple(field for field, how in found.items() if how is None),
    )


def _enough(found: Mapping[Field, How | None]) -> bool:
    number, name, born = (found.get(f) for f in ("nhs_number", "name", "date_of_birth"))
    same_place = found.get("postcode") == "exact"
    if number == "exact":
        return True
    if name == "both_unknown":
        return born == "exact"
    if number is not None:
        return name is not None or born is not None
    if name is None:
        return False
    if "date_of_birth" not in found:
        return name in _SURE_NAME and same_place
    return born is not None and (name in _SURE_NAME or born in _SURE_DATE or same_place)


def blocking_keys(identity: Identity) -> tuple[str, ...]:
    """Strings, sorted, of which two records share one if they may match. To be HMACed, not kept.

    | key | finds, whatever else is wrong |
    |---|---|
    | birth date, day and month in either order | any misspelling of the name |
    | sound of one word of the name, birth year | exchanged names, a typo in one of the words, a missing word, a wrong day or month, an estimated date |
    | initials in any order, birthday without year | a wrong year |
    | sound of one word of the name, postcode | a missing or wrong birth date |
    | the NHS number, and each of its halves | anything; a digit off in the other half |

    Not found: a misspelling in every word together with a wrong date (unless the initials and the
    birthday, or the halves of the NHS number, hold). A person known by name alone has no keys.
    """  # noqa: E501
    names = [
        normalise(n) for n in (identity.name, identity.known_as) if n and not is_placeholder(n)
    ]
    sounds = {sound(word) for name in names for word in name.split()}
    keys: set[str] = set()
    if identity.date_of_birth:
        born = identity.date_of_birth
        birthday = "-".join(f"{part:02}" for part in sorted((born.day, born.month)))
        keys.add(f"born:{born.year}-{birthday}")
        keys.update(f"sound-year:{sound}:{born.year}" for sound in sounds)
        initials = {"".join(sorted(word[0] for word in name.split())) for name in names}
        keys.update(f"initials-birthday:{each}:{birthday}" for each in initials)
    if place := _postcode(identity.postcode):
        keys.update(f"sound-place:{sound}:{place}" for sound in sounds)
    if number := _digits(identity.nhs_number):
        keys.add(f"nhs:{number}")
        if len(number) == 10:
            keys.update((f"nhs-first:{number[:5]}", f"nhs-last:{number[5:]}"))
    return tuple(sorted(keys))


def _called_alike(one: Identity, other: Identity) -> How | None:
    """`known_as` where one of them is known by the name of the other, or both are by the same."""
    mine, theirs = (
        {normalise(n) for n in (who.name, who.known_as) if n and not is_placeholder(n)}
        for who in (one, other)
    )
    if normalise(one.name) == normalise(other.name) or not mine & theirs:
        return None
    return "known_as"


def _names_agree(one: str, other: str) -> How | None:
    first, second = sorted(one.split()), sorted(other.split())
    if one == other:
        return "exact"
    if first == second:
        return "other_order"
    if sorted(map(sound, first)) == sorted(map(sound, second)):
        return "phonetic"
    if set(first) <= set(second) or set(second) <= set(first):
        return "part"
    # Spaces are often left out or put in: Abdul Rahman, Abdulrahman.
    if one.replace(" ", "") == other.replace(" ", "") or _close(one, other):
        return "close"
    # Every word of one name is there, or nearly, in the other.
    rest = list((Counter(first) - Counter(second)).elements())
    others = list((Counter(second) - Counter(first)).elements())
    return "close" if _each_like_one(rest, others) or _each_like_one(others, rest) else None


def _each_like_one(words: list[str], others: list[str]) -> bool:
    return all(any(sound(w) == sound(o) or _close(w, o) for o in others) for w in words)


def _close(one: str, other: str) -> bool:
    """One letter wrong, missing, too many or exchanged with its neighbour; or nearly so."""
    typo = min(len(one), len(other)) >= 3 and jellyfish.damerau_levenshtein_distance(one, other) < 2
    return typo or jellyfish.jaro_winkler_similarity(one, other) >= CLOSE


def _dates_agree(one: date, other: date) -> How | None:
    if one == other:
        return "exact"
    if (one.year, one.month, one.day) == (other.year, other.day, other.month):
        return "day_month_swapped"
    if near := _digits_agree(_digits(one.isoformat()), _digits(other.isoformat())):
        return near
    estimated = (1, 1) in {(one.month, one.day), (other.month, other.day)}
    return "year_only" if estimated and one.year == other.year else None


def _digits(number: str | None) -> str:
    return "".join(char for char in number or "" if char.isascii() and char.isdigit())


def _digits_agree(one: str, other: str) -> How | None:
    if one == other:
        return "exact"
    if len(one) != len(other):
        return None
    wrong = [i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(wrong) == 1:
        return "one_digit_off"
    i = wrong[0]
    swapped = wrong == [i, i + 1] and one[i : i + 2] == other[i : i + 2][::-1]
    return "digits_swapped" if swapped else None


def _postcode(raw: str | None) -> str:
    return "".join(char for char in (raw or "").upper() if char.isalnum())


def _postcodes_agree(one: str, other: str) -> How | None:
    if one == other:
        return "exact"
    return "close" if jellyfish.damerau_levenshtein_distance(one, other) == 1 else None
