"""A young person's record as lines to read. Pure: it shows what an API gave, and leaves out nothing but
what was never said.
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
class Part:
    """One kind of data, and its lines: what it is, what it says."""

    title: str
    lines: tuple[tuple[str, str], ...]


def parts(categories: Mapping[str, Any]) -> list[Part]:
    """The kinds of data that this person may see, those first that matter first."""
    ordered = sorted(categories, key=lambda name: (name not in IN_ORDER, _place(name), name))
    found = [Part(label(name, "category"), tuple(_lines("", categories[name]))) for name in ordered]
    return [part for part in found if part.lines]


def _place(name: str) -> int:
    return IN_ORDER.index(name) if name in IN_ORDER else 0


def _lines(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if value in NEVER_SAID:
        return
    if isinstance(value, Mapping):
        if line := _one(value):
            yield (name or "Said", line)
            return
        for key, each in value.items():
            yield from _lines(label(str(key)), each)
    elif isinstance(value, list) and any(isinstance(each, Mapping | list) for each in value):
        for each in value:
            yield from _lines(name, each)
    elif isinstance(value, list):
        yield (name, ", ".join(_said(name, each) for each in value))
    else:
        yield (name, _said(name, value))


def _one(value: Mapping[str, Any]) -> str:
    """An entry that was written down by somebody, as one line."""
    by = str(value.get("by", ""))
    if isinstance(value.get("text"), str):
        return f"{value['text']}\n({by})" if by else str(value["text"])
    if isinstance(value.get("code"), str):
        since = f", {label(value['recency']).lower()}" if value.get("recency") else ""
        return f"{label(value['code'], 'indicator')}{since}"
    return ""


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
