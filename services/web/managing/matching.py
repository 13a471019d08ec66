"""Two referrals that may be about one young person, side by side. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from services.web.record import parts
from services.web.visit import Form
from services.web.words import label

# The kinds of data that say who somebody is and where they are to be found.
WHO = ("identity", "contact", "health", "education", "family")
FIELDS = {
    "nhs_number": "NHS number",
    "name": "Name",
    "date_of_birth": "Date of birth",
    "postcode": "Postcode",
}
HOW = {
    "exact": "the same",
    "other_order": "the same words in another order",
    "phonetic": "sounds the same",
    "known_as": "one is called what the other is known as",
    "both_unknown": "neither is known by a name",
    "part": "one is a part of the other",
    "close": "nearly the same",
    "day_month_swapped": "day and month exchanged",
    "one_digit_off": "one digit is different",
    "digits_swapped": "two digits exchanged",
    "year_only": "the same year; one is an estimate",
}
AGAINST = {
    "nhs_number": "Each has a valid NHS number, and they are not the same.",
    "gender": "The gender is not the same, and something else speaks against it, too.",
    "number_of_another": "One NHS number, but other names and other birth dates.",
}


@dataclass(frozen=True)
class Line:
    """What both say of one thing. `same`: in the same words."""

    name: str
    one: str
    other: str

    @property
    def same(self) -> bool:
        """Whether both say it, and alike."""
        return bool(self.one) and self.one == self.other


def agreeing(match: Mapping[str, Any]) -> list[str]:
    """What agrees, and how, in words."""
    found = (match["agrees"] or {}).items()
    return [
        f"{FIELDS.get(field, field)}: {HOW.get(how, label(how).lower())}" for field, how in found
    ]


def differing(match: Mapping[str, Any]) -> list[str]:
    """What both say, and not alike."""
    return [FIELDS.get(field, field) for field in match["differs"] or ()]


def contradicting(match: Mapping[str, Any]) -> list[str]:
    """Why nobody was linked by the rules."""
    return [AGAINST.get(code, label(code)) for code in match["contradicts"] or ()]


def beside(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Line]:
    """What the two records say of who somebody is, line by line; what neither says is left out."""
    mine, theirs = _said(one), _said(other)
    names = list(dict.fromkeys([*mine, *theirs]))
    return [
        Line(name, left, right)
        for name in names
        for left, right in zip_longest(mine.get(name, ()), theirs.get(name, ()), fillvalue="")
    ]


def _said(categories: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in parts({name: categories[name] for name in WHO if name in categories}):
        for line in part.lines:
            found.setdefault(line.name, []).append(line.said)
    return found


def before(match_id: str, decisions: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What was decided on this match, the newest first."""
    return [each for each in reversed(decisions) if each["match_id"] == match_id]


def held(decisions: Sequence[Mapping[str, Any]]) -> str:
    """The id of the newest that had an effect: who decides otherwise has read it."""
    real = (each for each in decisions if not each["proposed"] and each["decision"] != "undecided")
    return str(next((each["id"] for each in real), ""))


def decision(
    form: Form, match: Mapping[str, Any], mine: str
) -> tuple[dict[str, str], dict[str, str]]:
    """A decision as it is sent, and what is still to be said for it."""
    entry = {name: form.text(name) for name in ("decision", "ground", "reason")}
    asked = {
        "decision": "Say whether they are one person",
        "ground": "Say what you know it from",
        "reason": "Say why, in your words",
    }
    wrong = {name: said for name, said in asked.items() if not entry[name]}
    others = [each for each in match["referral_ids"] if each != mine]
    other = {"other_referral_id": others[0]} if others else {"match_id": match["id"]}
    instead = form.text("instead_of")
    return {**entry, **other, **({"instead_of": instead} if instead else {})}, wrong
