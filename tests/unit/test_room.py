"""No agency fills the room of others, nor learns from what is left how much they have recorded."""

from collections.abc import Callable

import pytest

from services.referral.documents import ConsentEntry
from services.referral.parents.request import ParentsEntry
from services.referral.parents.rule import record_parents_word
from services.referral.sharing.room import MAX_OF_AGENCY, MAX_RECORDS
from services.referral.sharing.rule import record_consent
from services.referral.sharing.subject import Subject
from shared.errors import Refused
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


@pytest.mark.parametrize("name", SAYS)
def test_how_much_an_agency_can_record_does_not_tell_what_others_have(name: str) -> None:
    say, counts = SAYS[name](), set()
    for others in (0, 1, 7, MAX_RECORDS - 2 * MAX_OF_AGENCY):
        subject = young_person()
        for number in range(others):
            subject = say(subject, f"agency:ag_{number % 3}", number)
        count, filled = as_many(subject, say, "agency:ag_curious")
        counts.add(count)
        for by in ("agency:ag_other", "worker:wk_one"):
            say(filled, by, 0)

    assert len(counts) == 1, counts
    assert counts <= set(range(MAX_OF_AGENCY, 2 * MAX_OF_AGENCY + 2))
