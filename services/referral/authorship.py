"""Who wrote which part of a referral, and what stands now. Pure.

A referral is what was sent, and what was written since, in order: nothing is overwritten. A section
is changed by merge patches (RFC 7396); of texts and indicators every piece stays."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from services.referral.documents import SUBJECT_SECTIONS
from services.referral.form.sections import FORM, PEOPLE
from services.referral.records import Referral
from shared.events.referral import Concern

SECTIONS = frozenset({*SUBJECT_SECTIONS, "safe_contact", *FORM})
# Coded fields that an amendment replaces whole.
REPLACED = ("settings_avoided", "preferred_times", "languages", "urgency", "area")
READ_AS_JSON = frozenset(
    {*SECTIONS, "referrer", "discussion", "sharing_said", "set_aside", *PEOPLE}
)

V = TypeVar("V")


@dataclass(frozen=True)
class Writing:
    """What one author wrote at one time: what was sent (number 0), or the amendment of that number.

    `sealed` has merge patches of sections and pieces, by field; `coded` the values of fields that
    are replaced whole; `concerns` what was added.
    """

    number: int
    by: str
    at: datetime
    fields: tuple[str, ...] = ()
    sealed: dict[str, bytes] = field(default_factory=dict)
    coded: dict[str, Any] = field(default_factory=dict)
    concerns: tuple[Concern, ...] = ()


def writings(referral: Referral) -> tuple[Writing, ...]:
    """All that was ever written, in the order of writing. The first is what was sent."""
    amendments = referral.amendments
    concerns = _concerns_in_turn(referral)
    sent = Writing(0, f"agency:{referral.agency_id}", referral.received_at, concerns=concerns[0])
    since = (
        Writing(number, a.by, a.at, a.fields, concerns=concerns[number])
        for number, a in enumerate(amendments, start=1)
    )
    found = (sent, *since)
    for key, value in referral.sealed.items():
        name, _, number = key.partition("~")
        replaced = {} if number else _in_turn([a.previous for a in amendments], name, value)
        for at, one in (replaced or {int(number): value}).items():
            found[at].sealed[name] = one
    for name in REPLACED:
        was = [a.was for a in amendments]
        for at, now in _in_turn(was, name, getattr(referral, name)).items():
            found[at].coded[name] = now
    return found


def _concerns_in_turn(referral: Referral) -> list[tuple[Concern, ...]]:
    """What each writing added; what no amendment added was sent."""
    counts = [a.concerns for a in referral.amendments]
    left, found = iter(referral.concerns), []
    for count in (len(referral.concerns) - sum(counts), *counts):
        found.append(tuple(islice(left, count)))
    return found


def _in_turn(replaced: Sequence[Mapping[str, V]], name: str, now: V) -> dict[int, V]:
    """The values that a field had, by the number of the writing that set each."""
    numbers = [n for n, was in enumerate(replaced) if name in was]
    values = [*(replaced[n][name] for n in numbers), now]
    return dict(zip([0, *(n + 1 for n in numbers)], values, strict=True))


def part(name: str, number: int) -> str:
    """The name of one sealed part among all that were ever written."""
    return f"{name}~{number}"


def sealed_parts(referral: Referral, names: Collection[str]) -> dict[str, bytes]:
    """The sealed parts of these fields, in the order of writing."""
    return {
        part(name, writing.number): value
        for writing in writings(referral)
        for name, value in writing.sealed.items()
        if name in names
    }


def read(opened: Mapping[str, str]) -> dict[str, Any]:
    """Opened parts, those that are documents parsed."""
    return {
        name: json.loads(text) if name.partition("~")[0] in READ_AS_JSON and text else text
        for name, text in opened.items()
    }


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396 §2: what the patch names is replaced, what it says is null is removed."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def merged(patches: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What stands after these patches, in their order. None of the members is null."""
    standing: dict[str, Any] = {}
    for patch in patches:
        standing = merge_patch(standing, patch)
    return standing
