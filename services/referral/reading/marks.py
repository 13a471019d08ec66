"""What was not taken as it was sent: where, why, as what it was taken, and what was sent. Pure."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Path = tuple[str | int, ...]

MarkCode = Literal[
    "unknown_member",
    "unknown_code",
    "unknown_form",
    "too_long",
    "too_many",
    "blank",
    "none_given",
    "missing",
    "null",
    "out_of_range",
    "not_a_date",
    "control_characters",
    "understood",
    "partly_understood",
    "incomplete",
    "yes_not_taken",
    "taken_as_a_no",
    "not_understood",
]

# What each means: the page of rules is made of it.
MEANINGS: dict[MarkCode, str] = {
    "unknown_member": "No field of ours has this name. Kept as sent.",
    "unknown_code": "None of the codes of this field. Kept as sent; `taken_as` says what counts.",
    "unknown_form": "Not in the form of this field. Kept as sent.",
    "too_long": "Longer than the field: its beginning is in the field, the whole is kept.",
    "too_many": "More than the list takes: the first are in it, the others are kept.",
    "blank": "Nothing but spaces: as if it was not said.",
    "none_given": "An empty list where something was needed.",
    "missing": "Not said. `taken_as` says what counts.",
    "null": "Null: as if it was not said.",
    "out_of_range": "Outside what the field takes. Kept as sent.",
    "not_a_date": "No day or time that we can read for sure. Kept as sent.",
    "control_characters": "NUL, other control characters and halves of characters were taken out.",
    "understood": "Understood, and written in our form; what was sent is kept.",
    "partly_understood": "Only what is sure was taken (of a date: the year); the rest is kept.",
    "incomplete": "Something that is needed was missing in it: kept whole as sent.",
    "yes_not_taken": "A yes that we don't understand whole opens nothing. Kept as sent: ask, "
    "and record the consent.",
    "taken_as_a_no": "A no that we don't understand whole counts as widely as it may be meant.",
    "not_understood": "Not taken; kept as sent.",
}

# What of pydantic's kinds of faults is one of content, and how we call it. The others are faults of
# type, and are refused.
_OF_CONTENT: dict[str, MarkCode] = {
    "extra_forbidden": "unknown_member",
    "literal_error": "unknown_code",
    "string_pattern_mismatch": "unknown_form",
    "string_unicode": "control_characters",
    "string_too_long": "too_long",
    "too_long": "too_many",
    "string_too_short": "blank",
    "too_short": "none_given",
    "missing": "missing",
}
_RANGES = re.compile(r"(greater|less)_than(_equal)?|multiple_of|finite_number")
_DATES = re.compile(r"(date|datetime|timezone|time)_(?!type)\w+")


class Mark(BaseModel):
    """Something that was not taken as it was sent: where (JSON Pointer, RFC 6901) and why; `taken_as`
    is the code that counts instead. What was sent is never quoted here; `GET` shows it to you."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    code: MarkCode
    taken_as: str | None = None


class Aside(Mark):
    """A mark with what was sent, as JSON: it is sealed with the referral."""

    sent: str | None = None

    def mark(self) -> Mark:
        return Mark(pointer=self.pointer, code=self.code, taken_as=self.taken_as)


def aside(path: Path, code: MarkCode, sent: Any = None, taken_as: str | None = None) -> Aside:
    return Aside(
        pointer=pointer(path),
        code=code,
        taken_as=taken_as,
        # In letters of ASCII: half of a pair of surrogates has no bytes.
        sent=json.dumps(sent, default=str),
    )


def pointer(path: Path) -> str:
    """A JSON Pointer that can be told whatever the members are called."""
    parts = (str(part).replace("~", "~0").replace("/", "~1")[:80] for part in path)
    return "".join(f"/{part}" for part in parts).encode(errors="replace").decode()


def code_of(error: Any) -> MarkCode | None:
    """The code of a fault of content; None of a fault of type, which is refused."""
    kind, value = error["type"], error["input"]
    if value is None and kind not in ("missing", "not_removable", "extra_forbidden"):
        return "null" if error["loc"] else None
    if kind == "literal_error" and not isinstance(value, str):
        return None
    if kind in _OF_CONTENT:
        return _OF_CONTENT[kind]
    if _RANGES.fullmatch(kind):
        return "out_of_range"
    return "not_a_date" if _DATES.fullmatch(kind) and isinstance(value, str) else None


def in_order(asides: Iterable[Aside]) -> tuple[Aside, ...]:
    """By their places in the document."""
    return tuple(sorted(asides, key=lambda one: (one.pointer, one.code)))


def marks(asides: Sequence[Aside]) -> tuple[Mark, ...]:
    return tuple(one.mark() for one in asides)


def as_text(asides: Sequence[Aside]) -> str:
    """What is sealed of them."""
    return json.dumps({"members": [one.model_dump() for one in asides]}) if asides else ""
