"""The rules of the referral service: intake, amendments, ages, clocks."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import pytest

from services.referral.areas.rule import Place
from services.referral.corrections.request import AmendReferral
from services.referral.corrections.rule import amend, patches
from services.referral.documents import SubjectDetails
from services.referral.form.sections import FORM, PEOPLE
from services.referral.intake.request import ReceiveReferral
from services.referral.intake.rule import fields_to_seal, receive
from services.referral.lifecycle.states import overdue
from services.referral.people.age import (
    age_band,
    milestones,
    next_check,
    turning_18_ahead,
)
from services.referral.people.numbers import is_nhs_number
from services.referral.records import ENDED, RESPONSE_DUE, SEALED, Referral
from services.referral.retention.rule import erase
from shared.errors import Refused
from shared.events.codes import UNKNOWN_AREA, ReferralStatus, Urgency
from shared.events.referral import ReferralReceived
from shared.rules.calendars import due_at
from tests.harness.faulty import schema_of, whole
from tests.harness.network import a_referral

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # a Monday
HERE = Place("northtown")


def taken_in(at: datetime = AT, **changes: Any) -> tuple[Referral, ReferralReceived]:
    return receive(
        ReceiveReferral.model_validate(a_referral(**changes)),
        referral_id="ref_1",
        agency_id="ag_1",
        subject=("sub_1", 1),
        hashes=("reference", "request", "area"),
        here=HERE,
        sealed={"narrative": b"sealed"},
        blocks=(),
        reply=True,
        at=at,
    )


def received(**changes: Any) -> Referral:
    return taken_in(**changes)[0]


@pytest.mark.parametrize(
    ("urgency", "at", "due"),
    [
        ("immediate", "2026-03-02T09:30", "2026-03-02T11:30"),
        ("same_day", "2026-03-01T22:00", "2026-03-01T23:59:59"),  # a Sunday
        ("same_day", "2026-07-05T22:30", "2026-07-05T22:59:59"),  # a Sunday in summer time
        ("one_working_day", "2026-03-06T16:59", "2026-03-09T17:00"),  # Friday to Monday
        ("one_working_day", "2026-04-02T12:00", "2026-04-07T16:00"),  # over Easter, in summer time
        ("five_working_days", "2026-03-02T09:30", "2026-03-09T17:00"),
        ("ten_working_days", "2026-12-21T09:30", "2027-01-07T17:00"),  # Christmas and New Year
    ],
)
def test_the_response_clock_counts_working_days(urgency: Urgency, at: str, due: str) -> None:
    start = datetime.fromisoformat(at).replace(tzinfo=UTC)

    assert due_at(urgency, start, "england") == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_each_nation_has_its_own_holidays() -> None:
    before_new_year = datetime(2026, 12, 31, 12, tzinfo=UTC)

    # The second of January is a holiday in Scotland; in 2027 it falls on a Saturday, so Monday is.
    assert due_at("one_working_day", before_new_year, "england").date() == date(2027, 1, 4)
    assert due_at("one_working_day", before_new_year, "scotland").date() == date(2027, 1, 5)


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        ("9476719931", True),
        ("9912003888", True),
        ("947 671 9931", True),
        ("3478526985", False),  # in published examples, yet its check digit is wrong
        ("7778521234", False),
        ("947671993", False),
        ("９476719931", False),
        ("", False),
    ],
)
def test_nhs_numbers_are_checked_by_modulus_11(number: str, valid: bool) -> None:
    assert is_nhs_number(number) is valid


@pytest.mark.parametrize(
    ("born", "estimated", "band"),
    [
        (None, None, "not_known"),
        (None, 15, "13_to_15"),
        (date(2013, 3, 3), 17, "under_13"),
        (date(2013, 3, 2), None, "13_to_15"),
        (date(2010, 3, 2), None, "16_to_17"),
        (date(2008, 3, 3), None, "16_to_17"),
        (date(2008, 3, 2), None, "18_and_over"),
        (date(1900, 1, 1), None, "not_known"),
        (date(2028, 1, 1), None, "not_known"),
    ],
)
def test_the_age_band_changes_on_the_birthday(
    born: date | None, estimated: int | None, band: str
) -> None:
    subject = SubjectDetails(name="S", date_of_birth=born, estimated_age=estimated)

    assert age_band(subject, AT) == band


def test_the_event_carries_codes_and_no_free_text() -> None:
    changes: dict[str, Any] = {
        "indicators": [{"code": "MARKER in free text", "recency": "current"}]
    }
    document = ReceiveReferral.model_validate(a_referral(**changes))

    _, event = taken_in(**changes)

    assert [c.code for c in event.concerns] == ["unknown"]
    for text in filter(None, fields_to_seal(document, HERE).values()):
        assert text not in event.model_dump_json()


PEOPLE_OF_ALL_KINDS = [{"kind": kind} for kind in ("parent", "professional", "suspect")]
EVERYTHING = {
    **whole(schema_of(ReceiveReferral)),
    "people": PEOPLE_OF_ALL_KINDS,
    "surprise": 1,
}


def test_every_sealed_field_belongs_to_a_category_or_to_nobody() -> None:
    document = ReceiveReferral.model_validate(a_referral())
    amendment = AmendReferral.model_validate(
        {
            "subject": {"name": "S"},
            "safe_contact": {},
            "indicators": [{"code": "x", "recency": "current"}],
            "narrative": "n",
            "own_words": "o",
            "discussion": {"discussed": True},
        }
    )

    odd = ReceiveReferral.model_validate(EVERYTHING)
    assert set(fields_to_seal(odd, Place(UNKNOWN_AREA))) == set(SEALED)
    beside = {"area_word", "sharing_said", "set_aside", *FORM, *PEOPLE}
    assert set(fields_to_seal(document, HERE)) == set(SEALED) - beside
    assert set(patches(amendment)) <= set(SEALED)


def test_dubious_details_are_marked_and_kept() -> None:
    changes = {
        "subject": {"name": "Sample", "nhs_number": "123"},
        "indicators": [{"code": "by the lake", "recency": "older"}],
    }

    marked = received(**changes).warnings

    assert marked == ("age_unknown", "indicator_unknown", "nhs_number_invalid", "not_discussed")
    document = ReceiveReferral.model_validate(a_referral(**changes))
    assert "by the lake" in fields_to_seal(document, HERE)["raw_indicators"]


def test_an_amendment_adds_and_keeps_what_was_there() -> None:
    more = [{"code": "older_partner", "recency": "current"}]
    amendment = AmendReferral.model_validate({"indicators": more, "narrative": "new"})

    after = amend(received(), amendment, {"narrative": b"new"}, "agency:ag_1", AT).after

    assert [c.code for c in after.concerns] == ["missing_episodes", "older_partner"]
    assert after.sealed == {"narrative": b"sealed", "narrative~1": b"new"}
    assert after.amendments[0].concerns == 1


def test_an_amendment_raises_urgency_and_never_lowers_it() -> None:
    soon = received(urgency="five_working_days")
    raised = AmendReferral(urgency="same_day")
    lowered = AmendReferral(urgency="ten_working_days")

    up = amend(soon, raised, {}, "agency:ag_1", AT)
    down = amend(soon, lowered, {}, "agency:ag_1", AT)

    assert up.after.urgency == "same_day"
    assert up.after.timers()[RESPONSE_DUE] == up.after.due_at
    assert down.after.urgency == "five_working_days"


def test_a_missed_response_clock_fires_once_and_closes_nothing() -> None:
    late = received(urgency="one_working_day")

    early = overdue(late, AT)
    missed = overdue(late, late.due_at)
    again = overdue(missed.after, late.due_at + timedelta(days=9))
    answered = overdue(late.but(status="accepted"), late.due_at)

    assert (early.events, again.events, answered.events) == ((), (), ())
    assert [e.event_type for e in missed.events] == ["referral.overdue"]
    assert missed.after.status == "received"


@pytest.mark.parametrize("status", get_args(ReferralStatus))
def test_only_what_has_ended_is_erased(status: ReferralStatus) -> None:
    referral = received().but(status=status)

    if status in ENDED:
        assert erase(referral, "right_to_erasure", AT).after.sealed == {}
    else:
        with pytest.raises(Refused, match="still_open"):
            erase(referral, "right_to_erasure", AT)


def test_erasing_leaves_the_coded_record_only() -> None:
    change = erase(received().but(status="closed"), "retention_ended", AT)

    assert change.after.sealed == {}
    assert change.after.concerns
    assert erase(change.after, "retention_ended", AT).events == ()


def test_birthdays_are_looked_at_without_writing_them_down() -> None:
    born = date(2010, 6, 17)

    sixteen, notice, eighteen = milestones(born)
    assert (sixteen, eighteen) == (date(2026, 6, 17), date(2028, 6, 17))
    first = next_check(born, AT)
    assert first is not None
    assert first.date() == date(2026, 5, 31)  # five past midnight in London, in UTC
    in_june = next_check(born, datetime(2026, 6, 10, tzinfo=UTC))
    assert in_june is not None
    assert in_june.date() == date(2026, 6, 10)  # tomorrow in London
    assert next_check(born, datetime(2028, 6, 18, tzinfo=UTC)) is None
    assert not turning_18_ahead(born, AT)
    assert turning_18_ahead(born, datetime.combine(notice, datetime.min.time(), UTC))
    assert milestones(date(2008, 2, 29))[2] == date(2026, 3, 1)
