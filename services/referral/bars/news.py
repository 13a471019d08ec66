"""What a later message says that its sender has not said before: an amendment. Pure.

Each message of the standard tells the whole story again. Taken as it is, it would say every text
twice, and undo what the Hub has corrected since."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from services.referral.authorship import Writing, merged, part, writings
from services.referral.documents import SUBJECT_SECTIONS
from services.referral.form.sections import FORM, PEOPLE
from services.referral.reading.marks import Aside
from services.referral.records import URGENCIES, Referral

Document = dict[str, Any]
Opened = Mapping[str, Any]
# What is compared: sections, pieces, and what was set aside.
READ = frozenset(
    {*SUBJECT_SECTIONS, *FORM, *PEOPLE, "narrative", "raw_indicators", "set_aside", "referrer"}
)
# Lists in which members of others stand beside the sender's: theirs stay.
SHARED_LISTS = (("contacts", "ways"), ("identifiers", "known"))
NOTHING: tuple[Any, ...] = ("", [], {}, None, "not_asked", "Unknown")


class Known(NamedTuple):
    """What stands, by whomever, and what the sender said last: the parts of each, by name."""

    standing: Mapping[str, list[Any]]
    own: Mapping[str, list[Any]]


def known_of(referral: Referral, opened: Opened) -> Known:
    """What is known, of the opened parts in the order of writing."""
    own = f"agency:{referral.agency_id}"
    standing: dict[str, list[Any]] = {}
    mine: dict[str, list[Any]] = {}
    for writing in writings(referral):
        for name, value in _parts(writing, opened):
            standing.setdefault(name, []).append(value)
            if writing.by == own:
                mine.setdefault(name, []).append(value)
    return Known(standing, mine)


def _parts(writing: Writing, opened: Opened) -> Iterable[tuple[str, Any]]:
    for name in sorted(writing.sealed.keys() & READ):
        said = opened.get(part(name, writing.number))
        if said not in (None, ""):
            yield name, said


def news(referral: Referral, said: Opened, coded: Document, known: Known) -> Document:
    """The members of an amendment: `said` is what the message says, in parts as they are sealed,
    `coded` what of it is in codes. What it does not say stays, and removes nothing."""
    found: Document = {}
    subject = {n: v for name in SUBJECT_SECTIONS for n, v in _newer(name, said, known).items()}
    found["subject"] = subject
    for name in FORM:
        found[name] = _newer(name, said, known)
    for name, member in SHARED_LISTS:
        if member in found.get(name, {}):
            there = merged(known.standing.get(name, ())).get(member, [])
            new = [one for one in found[name][member] if not _has(there, one)]
            new = [one for one in new if one.get("kind") != "message"]  # the first one is kept
            found[name] = {**found[name], member: [*there, *new]} if new else {}
    found["people"] = _people(said, known)
    told = "\n\n".join(known.own.get("narrative", ()))
    pieces = [p for p in str(said.get("narrative") or "").split("\n\n") if p and p not in told]
    found["narrative"] = "\n\n".join(pieces)
    found |= _codes(referral, coded, known)
    return {name: value for name, value in found.items() if value not in NOTHING}


def _newer(name: str, said: Opened, known: Known) -> Document:
    before = merged(known.own.get(name, ()))
    section = said.get(name) or {}
    return {n: v for n, v in section.items() if v not in NOTHING and v != before.get(n)}


def _people(said: Opened, known: Known) -> list[Document]:
    found = []
    for name in PEOPLE:
        there = [one for told in known.own.get(name, ()) for one in told["people"]]
        found += [one for one in (said.get(name) or {}).get("people", ()) if one not in there]
    return found


def _codes(referral: Referral, coded: Document, known: Known) -> Document:
    found: Document = {}
    there = {line for told in known.own.get("raw_indicators", ()) for line in told.split("\n")}
    found["indicators"] = [one for one in coded["indicators"] if one["code"] not in there]
    languages = [one for one in coded["languages"] if one not in referral.languages]
    found["languages"] = [*referral.languages, *languages] if languages else []
    urgency = coded.get("urgency")
    if urgency and URGENCIES.index(urgency) < URGENCIES.index(referral.urgency):
        found["urgency"] = urgency
    if coded.get("area") and coded["area"][1] != _own_area(referral):
        found["area"] = coded["area"][0]
    return found


def _own_area(referral: Referral) -> str:
    """Where the sender said last that it is, by code."""
    own = f"agency:{referral.agency_id}"
    said = [w.coded["area"] for w in writings(referral) if w.by == own and "area" in w.coded]
    return str(said[-1]) if said else ""


def _has(there: list[Any], one: Any) -> bool:
    """Whether a list has it: the value is enough, whatever else somebody has said of it."""
    return any(one.get("value") == each.get("value") for each in there)


def new_asides(asides: Iterable[Aside], known: Known) -> list[Aside]:
    """Those that the sender has not sent before, in whatever place. What was not said is no news."""
    there = {
        (m["code"], m["sent"]) for told in known.own.get("set_aside", ()) for m in told["members"]
    }
    return [a for a in asides if a.code != "missing" and (a.code, a.sent) not in there]
