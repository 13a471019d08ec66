"""No agency fills the room of others, nor learns from what is left how much they have recorded."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from services.referral.documents import ConsentEntry
from services.referral.parents.request import ParentsEntry
from services.referral.parents.rule import record_parents_word
from services.referral.sharing.marking import Mark, mark_safety
from services.referral.sharing.room import MAX_OF_AGENCY, MAX_RECORDS
from services.referral.sharing.rule import record_consent
from services.referral.sharing.subject import Subject
from shared.errors import Refused
from shared.events.bounds import ENVELOPE, fit
from shared.events.codes import AGENCY_KINDS
from shared.rules.sharing import CATEGORIES
from shared.storage.records import Change
from tests.harness.young_people import SAID_AT, young_person

Say = Callable[[Subject, str, int], Subject]


def consent(status: str) -> Say:
    entry = ConsentEntry.model_validate(
        {"status": status, "categories": ["existence"], "given_by": "young_person"}
    )

    def say(subject: Subject, by: str, number: int) -> Subject:
        one = f"con_{by}_{number}"
        return record_consent(subject, "ref_1", one, entry, SAID_AT, by=by).after

    return say


def parents(tell: str) -> Say:
    other = {"yes": "not_asked", "no": "yes"}[tell]

    def say(subject: Subject, by: str, number: int) -> Subject:
        # Never twice the same in a row, which would be one word.
        entry = ParentsEntry.model_validate({"tell_parents": (tell, other)[number % 2]})
        one = f"par_{by}_{number}"
        return record_parents_word(
            subject, "ref_1", one, entry, SAID_AT, by=by, by_family=False
        ).after

    return say


SAYS = {
    "yes": lambda: consent("given"),
    "no": lambda: consent("refused"),
    "tell": lambda: parents("yes"),
    "do not tell": lambda: parents("no"),
}


def as_many(subject: Subject, say: Say, by: str) -> tuple[int, Subject]:
    """How many records of this recorder there is room for."""
    for number in range(3 * MAX_RECORDS):
        try:
            subject = say(subject, by, number)
        except Refused:
            return number, subject
    raise AssertionError("room without end")


def by_three_agencies(say: Say, count: int) -> Subject:
    """A young person of whom so many records are there, as the first ones that each would make."""
    subject = young_person()
    for number in range(min(count, 6)):
        subject = say(subject, f"agency:ag_{number % 3}", number)
    facts = subject.facts["ref_1"]
    for kept in ("consents", "about_parents"):
        first = getattr(facts, kept)
        more = [
            first[n % 6].model_copy(update={"id": f"{first[n % 6].id}_{n}"})
            for n in range(6, count if first else 0)
        ]
        subject = subject.told("ref_1", **{kept: (*first, *more)})
    return subject


@pytest.mark.parametrize("name", SAYS)
def test_how_much_an_agency_can_record_does_not_tell_what_others_have(name: str) -> None:
    say, counts = SAYS[name](), set()
    for others in (0, MAX_RECORDS - 2 * MAX_OF_AGENCY):
        subject = by_three_agencies(say, others)
        count, filled = as_many(subject, say, "agency:ag_curious")
        counts.add(count)
        for by in ("agency:ag_other", "worker:wk_one"):
            say(filled, by, 0)

    assert len(counts) == 1, counts
    assert counts <= set(range(MAX_OF_AGENCY, 2 * MAX_OF_AGENCY + 2))


# The room of an event: noes of distinct scope all travel, for each can still decide.

WIDEST: dict[str, Any] = {
    "agency_ids": [f"ag_{n:02d}_{'x' * 34}" for n in range(50)],
    "agency_kinds": sorted(AGENCY_KINDS)[:20],
    "categories": CATEGORIES,
    "said_at": SAID_AT.replace(microsecond=123456),
    "valid_to": SAID_AT.replace(year=2027, microsecond=123456),
}
NARROW = [
    {"agency_kinds": [kind], "categories": [category], "gillick_competent": able}
    for able in (True, False, None)
    for category in CATEGORIES
    for kind in sorted(AGENCY_KINDS)
][:150]
# The same agencies but one: none replaces another.
WIDE = [{**WIDEST, "agency_ids": [*WIDEST["agency_ids"][:-1], f"ag_{n}"]} for n in range(40)]


def says(subject: Subject, by: str, number: int, **fields: Any) -> Change[Subject]:
    """One consent more; raises what recording it raises, and what its event does."""
    coded: dict[str, Any] = {"status": "refused", "given_by": "young_person", **fields}
    change = record_consent(
        subject, "ref_1", f"con_{by[-20:]:_<20}_{number:05d}", ConsentEntry.model_validate(coded),
        SAID_AT.replace(microsecond=123456), by=by,
    )  # fmt: skip
    for event in change.events:
        fit(event.model_dump_json(), event.room() - ENVELOPE)
    return change


def filled(subject: Subject, by: str, said: Sequence[dict[str, Any]]) -> tuple[int, Subject]:
    """As much of it as there is room for, each asked for again and again."""
    kept = 0
    for number, fields in enumerate(said):
        try:
            subject = says(subject, by, number, **fields).after
            kept += 1
        except Refused:
            continue
    return kept, subject


FILLERS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "narrow noes": lambda: NARROW,
    "wide noes": lambda: WIDE,
    "narrow yeses, then noes": lambda: [{**n, "status": "given"} for n in NARROW] + NARROW,
    "wide yeses, then noes": lambda: [{**w, "status": "given"} for w in WIDE] + WIDE,
}


@pytest.mark.parametrize("name", FILLERS)
def test_however_an_agency_fills_the_event_everybody_else_says_no_at_the_widest(name: str) -> None:
    others = "agency:ag_" + "o" * 37, "agency:ag_another", "worker:wk_1", "hub_manager:account_1"
    kept, subject = filled(young_person(), "agency:ag_" + "f" * 37, FILLERS[name]())
    assert kept >= 2, "an agency's own widest word fits"

    for number, by in enumerate(others):
        subject = says(subject, by, 0, **WIDEST, status="withdrawn").after
        marked = Mark("agency", f"ag_{number}", "household_member", unsafe=True)
        mark = mark_safety(subject, "ref_1", marked, SAID_AT)
        (event,) = mark.events
        fit(event.model_dump_json(), event.room() - ENVELOPE)
        subject = mark.after


@pytest.mark.parametrize("status", ["given", "refused"])
def test_how_much_of_the_event_an_agency_fills_does_not_tell_what_others_have_said(
    status: str,
) -> None:
    said = [{**fields, "status": status} for fields in NARROW[:60]]
    alone, _ = filled(young_person(), "agency:ag_curious", said)
    _, known = filled(young_person(), "agency:ag_other", said)
    _, known = filled(known, "worker:wk_1", WIDE[:2])

    assert filled(known, "agency:ag_curious", said)[0] == alone < len(said)


def test_where_agencies_together_have_filled_it_the_hub_says_no_at_the_widest() -> None:
    subject = young_person()
    for number in range(9):
        about = [{**fields, "agency_ids": [f"ag_{number}"]} for fields in NARROW[:40]]
        _, subject = filled(subject, f"agency:ag_{number}", about)
    with pytest.raises(Refused, match="event_too_large"):
        says(subject, "agency:ag_last", 0, **WIDEST)

    says(subject, "worker:wk_1", 0, **WIDEST)
