"""How what a report mentions is written before it is compared. Pure.

`keys_of` turns the values of a mention into keys. The caller hashes them with a secret key
(`vault.fingerprint`) and keeps the hashes only. Two mentions with a `certain` key in common mean the
same thing; with a `possible` one a person looks at both and decides.

Numbers of phones are E.164 (ITU-T) by Google's libphonenumber. The shapes of registrations are the
DVLA's (INF104, and Northern Ireland's). Names meet by their sounds, as in `people.sounds`.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import phonenumbers

from services.referral.people.normal import normalise
from services.referral.people.placeholders import is_placeholder
from services.referral.people.places import postcode_in
from services.referral.people.sounds import sound

MentionKind = Literal["person", "phone", "vehicle", "place", "online_handle", "business"]
KeyKind = Literal["name", "phone", "vehicle", "handle", "place"]
Strength = Literal["certain", "possible"]

# What a mention of each kind may say that it can be found by. Each is one text.
VALUES: dict[MentionKind, tuple[str, ...]] = {
    "person": ("name", "nickname"),
    "phone": ("number",),
    "vehicle": ("registration",),
    "place": ("name", "number", "postcode", "town"),
    "online_handle": ("platform", "handle"),
    "business": ("name", "number", "postcode", "town"),
}

# A country's own numbers have so many digits, with or without those of its trunk. Shorter ones are
# often only the end of one, or belong to a network.
WHOLE_NUMBER, PART_OF_NUMBER, MOST_DIGITS = 9, 6, 15
SHORTEST_PLATE, LONGEST_PLATE = 4, 10

_PLATES = re.compile(
    r"[A-Z]{2}\d{2}[A-Z]{3}"  # since 2001
    r"|[A-Z]\d{1,3}[A-Z]{3}"  # since 1983
    r"|[A-Z]{3}\d{1,3}[A-Z]"  # since 1963
    r"|[A-Z]{1,3}\d{1,4}|\d{1,4}[A-Z]{1,3}"  # before, and Northern Ireland
)
# Seen from a window, or written by somebody else.
_SEEN_ALIKE = str.maketrans("OI", "01")

_PLATFORMS = {
    "ig": "instagram",
    "insta": "instagram",
    "snap": "snapchat",
    "fb": "facebook",
    "wa": "whatsapp",
    "x": "twitter",
    "tg": "telegram",
    "yt": "youtube",
}
# Where somebody is found by the number of a phone.
_BY_NUMBER = frozenset({"whatsapp", "signal", "telegram", "viber", "imessage"})
_ADDRESS = re.compile(r"(?:https?://)?(?:www\.|m\.)?([a-z0-9-]+)\.(?:com|net|me|tv|gg)/(.+)")
_PATH = re.compile(r"(?:add/|profile/|user/|c/)?@?([^/?#]+)")
_A_NUMBER = re.compile(r"\d+[a-z]?")


@dataclass(frozen=True, order=True)
class Key:
    """What may be found by. `text` is personal data: it is hashed, never kept."""

    kind: KeyKind
    strength: Strength
    text: str


def keys_of(kind: MentionKind, values: Mapping[str, str | None]) -> tuple[Key, ...]:
    """The keys of a mention, sorted; none where its values tell nothing apart. The same, however
    the values are written."""
    said = {name: value for name in VALUES[kind] if (value := (values.get(name) or "").strip())}
    return tuple(sorted(set(_FINDERS[kind](said))))


def phone(number: str) -> tuple[str, Strength] | None:
    """A number as E.164, of the United Kingdom where no country is said, without an extension.
    `possible` where it seems to be a part; None where it is none. E.164 stays as it is."""
    try:
        read = phonenumbers.parse(number, "GB")
        written = phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164)
        again = phonenumbers.parse(written)
    except phonenumbers.NumberParseException:
        return None
    digits = len(phonenumbers.national_significant_number(read))
    if again.national_number != read.national_number or not PART_OF_NUMBER <= digits <= MOST_DIGITS:
        return None
    whole = digits >= WHOLE_NUMBER and phonenumbers.is_possible_number(read)
    sure = whole or phonenumbers.is_valid_number(read)
    return written, "certain" if sure else "possible"


def plate(registration: str) -> str:
    """A registration in capitals, without what stands between them. Idempotent."""
    wide = unicodedata.normalize("NFKC", registration).upper()
    return "".join(char for char in wide if char.isascii() and char.isalnum())


def account(platform: str, handle: str) -> tuple[str, str]:
    """The platform by its usual name, or empty, and the handle without @ and case. An address on the
    web tells both. Idempotent."""
    where, who = normalise(platform).replace(" ", ""), _folded(handle)
    if found := _ADDRESS.fullmatch(who):
        where, who = found[1], found[2]
    rest = _PATH.match(who.lstrip("@"))
    return _PLATFORMS.get(where, where), rest[1].rstrip(". ") if rest else ""


def house(number: str) -> str:
    """The numbers of a house and of the flat in it, as they come; its name, where it has none.
    Idempotent."""
    words = re.sub(r"(\d) ([a-z])\b", r"\1\2", normalise(number))
    return " ".join(_A_NUMBER.findall(words)) or words


def called(name: str) -> str:
    """The sounds of a whole name, in any order of its words; empty where it stands for nobody."""
    if is_placeholder(name):
        return ""
    words = normalise(name).split()
    return " ".join(sorted(w if any(map(str.isdigit, w)) else sound(w) for w in words))


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split())


def _of_person(said: Mapping[str, str]) -> Iterator[Key]:
    for name in said.values():
        if sounds := called(name):
            yield Key("name", "possible", sounds)


def _of_phone(said: Mapping[str, str]) -> Iterator[Key]:
    if found := phone(said.get("number", "")):
        yield Key("phone", found[1], found[0])


def _of_vehicle(said: Mapping[str, str]) -> Iterator[Key]:
    seen = plate(said.get("registration", ""))
    if not seen:
        return
    if of_this_country := _PLATES.fullmatch(seen):
        yield Key("vehicle", "certain", seen)
    if of_this_country or SHORTEST_PLATE <= len(seen) <= LONGEST_PLATE:
        yield Key("vehicle", "possible", seen.translate(_SEEN_ALIKE))


def _of_handle(said: Mapping[str, str]) -> Iterator[Key]:
    platform, handle = account(said.get("platform", ""), said.get("handle", ""))
    if not handle:
        return
    if platform in _BY_NUMBER and (found := phone(handle)):
        yield Key("phone", found[1], found[0])
        return
    if platform:
        yield Key("handle", "certain", f"{platform} {handle}")
    yield Key("handle", "possible", handle)


def _of_place(said: Mapping[str, str]) -> Iterator[Key]:
    postcode, number = postcode_in(said.get("postcode")), house(said.get("number", ""))
    if postcode and number:
        yield Key("place", "certain", f"{postcode} {number}")
    name, town = _without_article(said.get("name", "")), normalise(said.get("town", ""))
    if name and postcode:
        yield Key("place", "possible", f"{postcode} {name}")
    if name and town:
        yield Key("place", "possible", f"{town}, {name}")


def _without_article(name: str) -> str:
    return normalise(name).removeprefix("the ")


_FINDERS = {
    "person": _of_person,
    "phone": _of_phone,
    "vehicle": _of_vehicle,
    "online_handle": _of_handle,
    "place": _of_place,
    "business": _of_place,
}
