"""What of a referral a viewer may see, by author: as it stands now, and as it was written. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue

from services.referral.authorship import SECTIONS, Writing, merge_patch, part, writings
from services.referral.disclosure.rule import INSIDE, Shown
from services.referral.documents import SafeContact, SubjectDetails
from services.referral.form.sections import PEOPLE
from services.referral.intake.facts import about_subject
from services.referral.records import SEALED, Referral
from shared.events.codes import Urgency
from shared.rules.sharing import Category

Contents = dict[str, dict[str, Any]]
# Beside the categories: what is for nobody but its author and the Hub.
SUBMISSION = "submission"
# Of these everything stays, each with its author.
PIECES = frozenset(
    {
        "concerns",
        "raw_indicators",
        "narrative",
        "own_words",
        "discussion",
        "intelligence",
        "set_aside",
        *PEOPLE,
    }
)
# What a section says where nobody has said it.
_BLANK: Mapping[str, dict[str, Any]] = {
    **{
        name: {n: v for n, v in json.loads(text).items() if n != "name"}
        for name, text in about_subject(SubjectDetails(name="nobody")).items()
    },
    "safe_contact": SafeContact().model_dump(mode="json"),
}


class Author(BaseModel):
    """Who wrote something, and when. Outside the Hub one learns of others only of which kind they
    are: `agency`, `worker`, `hub_manager`."""

    model_config = ConfigDict(frozen=True)

    by: str
    at: datetime


@dataclass(frozen=True)
class Item:
    """One thing written: a merge patch of a section, a piece, or a value that replaces another."""

    category: str
    name: str
    value: Any
    writing: Writing


def visible(referral: Referral, shown: Shown, opened: Mapping[str, Any]) -> Iterator[Item]:
    """Everything written that this viewer may see, in the order of writing."""
    for writing in writings(referral):
        for name, value in _coded(referral, writing):
            category = _CODED[name]
            if shown.sees(category, writing.by):
                yield Item(category or SUBMISSION, name, value, writing)
        for name in writing.sealed:
            value, category = opened.get(part(name, writing.number)), SEALED.get(name)
            if value not in ("", None) and shown.sees(category, writing.by):
                yield Item(category or SUBMISSION, name, value, writing)


# None: for nobody but its author and the Hub.
_CODED: Mapping[str, Category | None] = {
    "settings_avoided": "contact",
    "preferred_times": "contact",
    "languages": "contact",
    "concerns": "concerns",
    "linked_issues": "concerns",
    "nation": None,
    "requested_action": None,
}


def _coded(referral: Referral, writing: Writing) -> Iterator[tuple[str, Any]]:
    yield from ((n, list(v)) for n, v in writing.coded.items() if n in _CODED)
    if writing.number == 0:
        yield "linked_issues", list(referral.linked_issues)
        yield from (("nation", referral.nation), ("requested_action", referral.requested_action))
    for concern in writing.concerns:
        yield "concerns", concern.model_dump(mode="json")


def author(writing: Writing, shown: Shown) -> Author:
    """The author of something, as far as this viewer may know who it is."""
    known = shown.kind in INSIDE or writing.by == shown.own
    return Author(by=writing.by if known else writing.by.partition(":")[0], at=writing.at)


def piece(item: Item, shown: Shown) -> dict[str, Any]:
    """One piece of a text, or a document, with its author."""
    said = item.value if isinstance(item.value, dict) else {"text": item.value}
    return {**author(item.writing, shown).model_dump(mode="json"), **said}


def standing(
    referral: Referral, shown: Shown, opened: Mapping[str, Any]
) -> tuple[Contents, dict[str, Author]]:
    """What stands now, by category; and who wrote each value, by its JSON pointer in there."""
    found: Contents = {}
    written: dict[str, Author] = {}
    for item in visible(referral, shown, opened):
        place, pointer = found.setdefault(item.category, {}), f"/{item.category}/{item.name}"
        if item.name in SECTIONS:
            place[item.name] = merge_patch(place.get(item.name), item.value)
            for member, value in item.value.items():
                written.pop(f"{pointer}/{member}", None)
                if value is not None:
                    written[f"{pointer}/{member}"] = author(item.writing, shown)
        elif item.name in PIECES:
            place.setdefault(item.name, []).append(piece(item, shown))
        else:
            place[item.name] = item.value
            written[pointer] = author(item.writing, shown)
    return _whole(found), written


def _whole(found: Contents) -> Contents:
    """Sections with all their members."""
    return {
        category: {n: {**_BLANK[n], **v} if n in _BLANK else v for n, v in place.items()}
        for category, place in found.items()
    }


class Entry(BaseModel):
    """What one author wrote at one time: what was sent (`amended` is empty), or an amendment.

    Of a section it is the merge patch (RFC 7396), null where a value was removed: all entries
    applied in their order are what stands now, the first of them what stood then.
    """

    model_config = ConfigDict(frozen=True)

    by: str
    at: datetime
    amended: tuple[str, ...]
    urgency: Urgency | None
    categories: dict[str, dict[str, JsonValue]]


def history(referral: Referral, shown: Shown, opened: Mapping[str, Any]) -> list[Entry]:
    """Everything as it was written, oldest first; of an agency what it wrote itself."""
    found: dict[int, Contents] = {w.number: {} for w in writings(referral)}
    for item in visible(referral, shown, opened):
        place = found[item.writing.number].setdefault(item.category, {})
        if item.name == "concerns":
            place.setdefault(item.name, []).append(item.value)
        else:
            place[item.name] = item.value
    return [
        Entry(
            **dict(author(writing, shown)),
            amended=writing.fields,
            urgency=writing.coded.get("urgency"),
            categories=found[writing.number],
        )
        for writing in writings(referral)
        if shown.kind in INSIDE or writing.by == shown.own
    ]
