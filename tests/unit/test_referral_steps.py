"""Steps of a referral, whole: what they change, what they say; and what leaves all as it is."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.referral.agencies.request import AgencyEntry
from services.referral.agencies.rule import Agency, amend_agency, register_agency
from services.referral.corrections.request import AmendReferral
from services.referral.corrections.rule import Corrected, amend, patches, record_discussion
from services.referral.documents import DiscussionEntry, SubjectDetails
from services.referral.lifecycle.states import Move, move, overdue
from services.referral.people.age import milestones, next_check, turning_18_ahead
from services.referral.people.numbers import is_nhs_number
from services.referral.records import Referral, awaits_answer
from services.referral.retention.rule import erase
from shared.errors import Malformed, Refused
from shared.events.agency import AgencyAmended, AgencyRegistered
from shared.events.codes import ReferralStatus
from shared.events.erasure import ReferralErased
from shared.events.referral import ReferralOverdue
from shared.rules.calendars import due_at
from shared.storage.records import Change
from tests.unit.test_referral_rules import AT, received

NOW = AT + timedelta(days=3)


def changed(before: Referral, change: Change[Referral]) -> dict[str, Any]:
    return {n: v for n, v in dict(change.after).items() if v != getattr(before, n)}


def test_an_answer_that_is_late_is_told_once_with_what_is_late() -> None:
    late = received()

    change = overdue(late, late.due_at)

    assert change == Change(
        late.but(overdue=True),
        (
            ReferralOverdue(
                referral_id="ref_1",
                agency_id="ag_1",
                urgency=late.urgency,
                due_at=late.due_at,
                status="received",
            ),
        ),
    )
    early = late.due_at - timedelta(seconds=1)
    assert overdue(late, early) == Change(late)
    assert overdue(change.after, late.due_at) == Change(change.after)


@pytest.mark.parametrize(
    ("status", "awaits"),
    [("received", True), ("screening", True), ("accepted", False), ("rejected", False)],
)
def test_an_answer_is_awaited_until_there_is_one(status: ReferralStatus, awaits: bool) -> None:
    assert awaits_answer(received().but(status=status)) is awaits


def test_what_is_erased_is_gone_with_all_that_held_it() -> None:
    ended = received().but(status="closed")
    ended = ended.but(blocks=("bl_1",))
    ended = amend(ended, AmendReferral(narrative="n"), {"narrative": b"n"}, "agency:ag_1", AT).after
    said = ended.amendments[0].model_copy(update={"was": {"languages": ()}, "concerns": 1})
    ended = ended.but(amendments=(said.model_copy(update={"previous": {"narrative": b"m"}}),))

    change = erase(ended, "retention_ended", NOW)

    assert changed(ended, change) == {
        "erased_at": NOW,
        "sealed": {},
        "blocks": (),
        "amendments": (said,),
        "reference_hash": "erased:ref_1",
    }
    assert change.events == (
        ReferralErased(referral_id="ref_1", agency_id="ag_1", reason="retention_ended"),
    )
    assert erase(change.after, "right_to_erasure", NOW) == Change(change.after)
    with pytest.raises(Refused) as refused:
        erase(received(), "retention_ended", NOW)
    assert (refused.value.code, refused.value.extra) == ("still_open", {"state": "received"})


def test_a_step_from_elsewhere_is_refused_with_the_state_and_one_done_changes_nothing() -> None:
    screening = move(received(), Move("screen"), "hub", AT).after

    with pytest.raises(Refused) as refused:
        move(screening, Move("resubmit"), "referrer", AT)
    assert (refused.value.code, refused.value.extra) == ("not_from_here", {"state": "screening"})
    assert move(screening, Move("screen"), "hub", NOW) == Change(screening)


def test_what_begins_again_is_to_be_answered_anew_from_now() -> None:
    rejected = move(received(), Move("reject", "out_of_area"), "hub", AT).after.but(overdue=True)

    change = move(rejected, Move("reopen", "new_information"), "referrer", NOW)

    assert changed(rejected, change) == {
        "status": "received",
        "reason": "new_information",
        "changed_at": NOW,
        "due_at": due_at(rejected.urgency, NOW, rejected.nation),
        "overdue": False,
        "reopenings": 1,
    }


@pytest.mark.parametrize(
    ("given", "pointer", "code", "says"),
    [
        (Move("reject"), "/reason", "missing", ""),
        (Move("return", "out_of_area"), "/reason", "reason_not_allowed", ": insufficient_information."),
        (Move("accept", "out_of_area"), "/reason", "reason_not_allowed", ": none."),
        (Move("enter_in_error", "other"), "/reason", "reason_not_allowed",
         ": duplicate_of, raised_in_error, wrong_person."),
        (Move("close"), "/outcome", "missing", ""),
        (Move("accept", outcome="other"), "/outcome", "outcome_not_allowed", ""),
    ],
)  # fmt: skip
def test_what_is_missing_or_does_not_fit_is_named(
    given: Move, pointer: str, code: str, says: str
) -> None:
    with pytest.raises(Malformed) as malformed:
        move(received(), given, "hub", AT)

    assert (malformed.value.pointer, malformed.value.code) == (pointer, code)
    assert malformed.value.message.endswith(says)


ENTRY = AgencyEntry.model_validate({"name": "North School", "kind": "6", "areas": ["northtown"]})


def test_an_agency_is_told_in_codes_and_its_name_stays_here() -> None:
    agency, event = register_agency("ag_1", ENTRY)
    wider = ENTRY.model_copy(update={"areas": ("northtown", "westby"), "name": "Other School"})

    change = amend_agency(agency, wider)

    coded = ENTRY.model_dump(exclude={"name"})
    assert agency == Agency(id="ag_1", name="North School", **coded)
    assert event == AgencyRegistered(agency_id="ag_1", **coded)
    assert change == Change(
        agency.but(areas=wider.areas, name="Other School"),
        (AgencyAmended(agency_id="ag_1", **wider.model_dump(exclude={"name"})),),
    )
    assert "School" not in event.model_dump_json() + change.events[0].model_dump_json()
    assert amend_agency(change.after, wider) == Change(change.after)


def test_an_amendment_reseals_just_what_it_names() -> None:
    amendment = AmendReferral.model_validate(
        {
            "subject": {"name": "S"},
            "safe_contact": {},
            "indicators": [{"code": "a", "recency": "current"}, {"code": "b", "recency": "older"}],
            "narrative": "n",
            "discussion": {"discussed": True},
        }
    )
    assert amendment.discussion

    assert patches(amendment) == {
        "identity": '{"name":"S"}',
        "raw_indicators": "a\nb",
        "narrative": "n",
        "discussion": amendment.discussion.model_dump_json(),
    }
    assert amendment.names == ("discussion", "indicators", "narrative", "subject")
    assert patches(AmendReferral(urgency="same_day")) == {}


def test_an_amendment_changes_what_it_says_and_nothing_else() -> None:
    before = received(urgency="ten_working_days").but(warnings=("not_discussed",), discussed=False)
    amendment = AmendReferral.model_validate(
        {"settings_avoided": ["school"], "preferred_times": ["evenings"], "urgency": "same_day"}
    )

    change = amend(before, amendment, {}, "agency:ag_1", NOW)

    assert {n: v for n, v in changed(before, change).items() if n != "amendments"} == {
        "settings_avoided": ("school",),
        "preferred_times": ("evenings",),
        "urgency": "same_day",
        "due_at": due_at("same_day", NOW, before.nation),
    }
    (kept,) = change.after.amendments
    assert (kept.at, kept.by, kept.previous, kept.concerns) == (NOW, "agency:ag_1", {}, 0)
    assert kept.was == {
        "settings_avoided": before.settings_avoided,
        "preferred_times": before.preferred_times,
        "urgency": "ten_working_days",
    }
    assert kept.fields == ("preferred_times", "settings_avoided", "urgency")
    same = amend(before, AmendReferral(urgency="ten_working_days"), {}, "agency:ag_1", NOW)
    assert same.after.due_at == before.due_at


@pytest.mark.parametrize(
    ("amendment", "warnings"),
    [
        ({"narrative": "n"}, ("age_unknown", "not_discussed")),
        ({"discussion": {"discussed": True}}, ("age_unknown",)),
        (
            {"indicators": [{"code": "by the lake", "recency": "older"}]},
            ("age_unknown", "indicator_unknown", "not_discussed"),
        ),
        (
            {"subject": {"name": "Sam Ple", "nhs_number": "123", "date_of_birth": "2012-01-02"}},
            ("nhs_number_invalid", "not_discussed"),
        ),
    ],
)
def test_a_warning_stays_until_what_it_is_about_was_discussed(
    amendment: dict[str, Any], warnings: tuple[str, ...]
) -> None:
    before = received().but(warnings=("age_unknown", "not_discussed"), discussed=False)

    said = AmendReferral.model_validate(amendment)
    details = SubjectDetails.model_validate(amendment["subject"]) if said.subject else None
    corrected = Corrected(details, ()) if details else None

    after = amend(before, said, {}, "agency:ag_1", AT, corrected).after

    assert after.warnings == warnings


def test_a_discussion_takes_away_its_warning_and_no_other() -> None:
    before = received().but(warnings=("age_unknown", "not_discussed"), discussed=False)
    entry = DiscussionEntry.model_validate({"discussed": True})

    change = record_discussion(before, entry, {"discussion": b"d"}, "agency:ag_1", NOW)

    assert (change.after.warnings, change.after.discussed) == (("age_unknown",), True)
    assert change.after.sealed == {**before.sealed, "discussion~1": b"d"}
    assert change.after.amendments[-1].fields == ("discussion",)


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        ("947-671-9931", True),
        ("947x671x9931", False),
        ("0000000000", True),
        ("1000000010", False),
        ("94767199310", False),
        *((f"947671993{last}", last == 1) for last in range(10)),
    ],
)
def test_an_nhs_number_may_be_written_in_groups_and_has_one_last_digit(
    number: str, valid: bool
) -> None:
    assert is_nhs_number(number) is valid


def test_ages_are_looked_at_by_the_day_in_london() -> None:
    born = date(2010, 6, 17)
    eve = datetime(2028, 6, 16, 23, 30, tzinfo=UTC)  # the birthday has begun in London

    assert next_check(born, eve) is None
    assert not turning_18_ahead(born, eve)
    assert turning_18_ahead(born, eve - timedelta(hours=1))
    assert milestones(born) == (date(2026, 6, 17), date(2027, 12, 17), date(2028, 6, 17))
    assert next_check(born, datetime(2026, 5, 30, 12, tzinfo=UTC)) == datetime(
        2026, 5, 31, 23, 5, tzinfo=UTC
    )
    assert next_check(born, datetime(2026, 5, 31, 23, 30, tzinfo=UTC)) == datetime(
        2026, 6, 1, 23, 5, tzinfo=UTC
    )
    assert next_check(born, datetime(2026, 6, 16, 12, tzinfo=UTC)) == datetime(
        2026, 6, 16, 23, 5, tzinfo=UTC
    )
    assert next_check(born, datetime(2026, 6, 17, 12, tzinfo=UTC)) == datetime(
        2027, 12, 1, 0, 5, tzinfo=UTC
    )
