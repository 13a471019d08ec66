"""What a later message says that its sender has not said before: an amendment. Pure.

Each message of the standard tells the whole story again. Taken as it is, it would say every text
twice, and undo what the Hub has corrected since."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from services.referral.authorship import Writing, merged, part, writings
from services.referral.documents import SUBJECT_SECTIONS
from services.referral.form.sections import FORM, PEOPLE
from services.referral.reading.marks import Aside, aside
from services.referral.records import URGENCIES, Referral

Document = dict[str, Any]
Opened = Mapping[str, Any]
# What is compared: sections, pieces, and what was set aside.
READ = frozenset(
    {*SUBJECT_SECTIONS, *FORM, *PEOPLE, "narrative", "raw_indicators", "set_aside", "referrer"}
)
# Lists that an amendment replaces whole: what others wrote in one would be the sender's, and shown to it.
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
        new = _added(name, member, said, known)
        taken = new and not _beside(name, member, known)
        found[name].pop(member, None)
        if taken:
            found[name][member] = [*_own(name, known).get(member, []), *new]
    found["people"] = _people(said, known)
    told = "\n\n".join(known.own.get("narrative", ()))
    pieces = [p for p in str(said.get("narrative") or "").split("\n\n") if p and p not in told]
    found["narrative"] = "\n\n".join(pieces)
    found |= _codes(referral, coded, known)
    return {name: value for name, value in found.items() if value not in NOTHING}


def kept_beside(referral: Referral, said: Opened, coded: Document, known: Known) -> Iterator[Aside]:
    """What is new of lists in which somebody else has written since: kept for the Hub, and marked."""
    for name, member in SHARED_LISTS:
        if _beside(name, member, known):
            for one in _added(name, member, said, known):
                yield aside((name, member), "not_understood", one)
    own = own_code(referral, "languages", ())
    if tuple(own) != tuple(referral.languages):
        for code in coded["languages"]:
            if code not in own:
                yield aside(("languages",), "not_understood", code)


def _own(name: str, known: Known) -> Document:
    return merged(known.own.get(name, ()))


def _beside(name: str, member: str, known: Known) -> bool:
    """Whether somebody else has written this list since the sender."""
    return merged(known.standing.get(name, ())).get(member) != _own(name, known).get(member)


def _added(name: str, member: str, said: Opened, known: Known) -> list[Any]:
    """The members that the sender has not said before. Of a message the first one is kept."""
    there = _own(name, known).get(member) or []
    new = [one for one in (said.get(name) or {}).get(member) or [] if not _has(there, one)]
    return [one for one in new if one.get("kind") != "message"]


def _newer(name: str, said: Opened, known: Known) -> Document:
    before = _own(name, known)
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
    own = tuple(own_code(referral, "languages", ()))
    languages = [one for one in coded["languages"] if one not in own]
    alone = own == tuple(referral.languages)
    found["languages"] = [*own, *languages] if languages and alone else []
    urgency = coded.get("urgency")
    if urgency and URGENCIES.index(urgency) < URGENCIES.index(referral.urgency):
        found["urgency"] = urgency
    if coded.get("area") and coded["area"][1] != own_code(referral, "area", ""):
        found["area"] = coded["area"][0]
    return found


def own_code(referral: Referral, name: str, otherwise: Any) -> Any:
    """What the sender said last of something that is replaced whole."""
    own = f"agency:{referral.agency_id}"
    said = [w.coded[name] for w in writings(referral) if w.by == own and name in w.coded]
    return said[-1] if said else otherwise


def _has(there: list[Any], one: Any) -> bool:
    """Whether a list has it: the value is enough, whatever else somebody has said of it."""
    return any(one.get("value") == each.get("value") for each in there)


def new_asides(asides: Iterable[Aside], known: Known) -> list[Aside]:
    """Those that the sender has not sent before, in whatever place. What was not said is no news."""
    there = {
        (m["code"], m["sent"]) for told in known.own.get("set_aside", ()) for m in told["members"]
    }
    return [a for a in asides if a.code != "missing" and (a.code, a.sent) not in there]
