"""A young person's record as lines to read. Pure: it shows what an API gave, and leaves out nothing but
what was never said, and the moments of writing (the history has them).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from services.web.words import label
from shared.vocabularies import vocabularies

NEVER_SAID: tuple[Any, ...] = (None, "", [], {}, "not_asked")
# What somebody wrote in words of theirs: never taken for a code, whatever it looks like.
WORDS = frozenset(
    {
        *("text", "name", "known_as", "address", "details", "contact", "school", "notes"),
        *("value", "whose", "code_word", "never_contact", "hours", "aliases", "relationship"),
        *("agency_reference", "issued_by", "role", "what", "wishes", "words", "sent"),
        *("last_seen_with", "last_seen_place", "present_place", "police_reference"),
    }
)
IN_ORDER = (
    *("existence", "identity", "concerns", "narrative", "contact", "risk", "family", "health"),
    *("education", "worker", "outcome", "intelligence", "submission"),
)


@dataclass(frozen=True)
class Line:
    """What it is, what it says, and who wrote it, where the API says."""

    name: str
    said: str
    by: str = ""


@dataclass(frozen=True)
class Part:
    """One kind of data, and its lines."""

    title: str
    lines: tuple[Line, ...]


def parts(categories: Mapping[str, Any], written: Mapping[str, Any] | None = None) -> list[Part]:
    """The kinds of data that this person may see, those first that matter first. `written` has who wrote
    a value, by its JSON Pointer."""
    ordered = sorted(categories, key=lambda name: (name not in IN_ORDER, _place(name), name))
    by = {path: str(each.get("by", "")) for path, each in (written or {}).items()}
    found = [
        Part(label(name, "category"), tuple(_lines("", categories[name], f"/{name}", by)))
        for name in ordered
    ]
    return [part for part in found if part.lines]


def _place(name: str) -> int:
    return IN_ORDER.index(name) if name in IN_ORDER else 0


def _lines(name: str, value: Any, path: str, by: Mapping[str, str]) -> Iterator[Line]:
    if value in NEVER_SAID:
        return
    if isinstance(value, Mapping):
        if line := _one(name, value):
            yield line
            return
        for key, each in value.items():
            yield from _lines(label(str(key)), each, f"{path}/{key}", by)
    elif isinstance(value, list) and any(isinstance(each, Mapping | list) for each in value):
        for number, each in enumerate(value):
            yield from _lines(name, each, f"{path}/{number}", by)
    elif isinstance(value, list):
        said = ", ".join(_said(name, each) for each in value)
        yield Line(name, said, by.get(path, ""))
    else:
        yield Line(name, _said(name, value), by.get(path, ""))


def _one(name: str, value: Mapping[str, Any]) -> Line | None:
    """An entry that somebody wrote down, as one line; None for whatever says more than that."""
    by, known = str(value.get("by") or ""), value.keys() - {"by", "at"}
    if known == {"text"} and isinstance(value["text"], str):
        return Line(name or "Said", value["text"], by)
    if known == {"code", "recency", "agency_id", "reported_at"} and value["recency"]:
        said = f"{label(str(value['code']), 'indicator')}, {label(str(value['recency'])).lower()}"
        said += f" (reported {str(value['reported_at'])[:10]})"
        return Line(name, said, by or str(value["agency_id"]))
    return None


def _said(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    text = str(value)
    return label(text) if name.lower().replace(" ", "_") not in WORDS and _is_code(text) else text


def _is_code(text: str) -> bool:
    """Whether it is one of ours. Anything else is shown letter by letter: it may be an account or an
    address, and another letter in it somebody else's."""
    return text in _codes()


@cache
def _codes() -> frozenset[str]:
    return frozenset(each.code for known in vocabularies().values() for each in known.codes)
