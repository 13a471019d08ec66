"""The rules of the referral service."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import ValidationError

from services.referral.domain import (
    AgreementEntry,
    ReceiveReferral,
    Referral,
    age_band,
    follow_allocation,
    is_nhs_number,
    personal_fields,
    receive,
    warnings,
)
from shared.calendars import due_at
from shared.events.codes import Urgency
from tests.harness.network import a_referral

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # a Monday


def received(**changes: object) -> Referral:
    referral, _ = receive(
        ReceiveReferral.model_validate(a_referral(**changes)),
        referral_id="ref_1",
        agency_id="ag_1",
        subject_id="sub_1",
        hashes=("reference", "request"),
        personal={},
        at=AT,
    )
    return referral


@pytest.mark.parametrize(
    ("urgency", "at", "due"),
    [
        ("immediate", "2026-03-02T09:30", "2026-03-02T09:30"),
        ("same_day", "2026-03-01T22:00", "2026-03-01T23:59:59"),  # a Sunday
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
    ("born", "band"),
    [
        (None, "not_known"),
        (date(2013, 3, 3), "under_13"),
        (date(2013, 3, 2), "13_to_15"),
        (date(2010, 3, 2), "16_to_17"),
        (date(2008, 3, 3), "16_to_17"),
        (date(2008, 3, 2), "18_and_over"),
        (date(1066, 1, 1), "not_known"),
        (date(2028, 1, 1), "not_known"),
    ],
)
def test_the_age_band_changes_on_the_birthday(born: date | None, band: str) -> None:
    assert age_band(born, AT) == band


def test_the_event_carries_codes_and_no_free_text() -> None:
    document = ReceiveReferral.model_validate(
        a_referral(indicators=[{"code": "MARKER in free text", "recency": "current"}])
    )

    _, event = receive(
        document,
        referral_id="ref_1",
        agency_id="ag_1",
        subject_id="sub_1",
        hashes=("reference", "request"),
        personal={},
        at=AT,
    )

    assert [c.code for c in event.concerns] == ["unknown"]
    for text in personal_fields(document).values():
        assert text not in event.model_dump_json()


def test_dubious_details_are_marked_and_kept() -> None:
    document = ReceiveReferral.model_validate(
        a_referral(
            subject={"name": "Sample", "nhs_number": "123"},
            indicators=[{"code": "by the lake", "recency": "older"}],
        )
    )

    assert warnings(document) == ("nhs_number_invalid", "indicator_unknown")
    assert "by the lake" in personal_fields(document)["indicators"]


def test_the_newest_decision_of_allocation_counts() -> None:
    waiting = follow_allocation(received(), "waiting", 2)
    late = follow_allocation(waiting.after, "allocated", 1)
    again = follow_allocation(waiting.after, "waiting", 2)
    newer = follow_allocation(waiting.after, "allocated", 4)

    assert waiting.after.status == "waiting"
    assert (late.events, again.events) == ((), ())
    assert newer.after.status == "allocated"


def test_an_agreement_ends() -> None:
    fields = {"parties": ["a", "b"], "purposes": ["p"], "categories": ["c"], "effective_from": AT}

    with pytest.raises(ValidationError, match="review_at"):
        AgreementEntry.model_validate(
            {**fields, "effective_to": AT + timedelta(days=1), "review_at": AT + timedelta(days=2)}
        )
    with pytest.raises(ValidationError, match="ten years"):
        AgreementEntry.model_validate(
            {
                **fields,
                "effective_to": AT + timedelta(days=4000),
                "review_at": AT + timedelta(days=2),
            }
        )
