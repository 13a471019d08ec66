"""What is written about a young person stays whole: discussions, bases, looks, and the view."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.referral.access import Viewer
from services.referral.corrections.rule import record_discussion
from services.referral.disclosure.rule import Shown, refused, viewed
from services.referral.disclosure.view import view
from services.referral.documents import ConsentEntry, DiscussionEntry
from services.referral.intake.request import ReceiveReferral
from services.referral.intake.rule import say
from services.referral.sharing.request import BasisEntry
from services.referral.sharing.room import MAX_RECORDS
from services.referral.sharing.rule import (
    record_basis,
    record_consent,
    record_service_agreement,
)
from services.referral.sharing.subject import Subject
from shared.errors import Malformed, Refused
from shared.events.sharing import BasisRecorded
from shared.ids import derived_id
from shared.rules.sharing import CATEGORIES, POLICY_VERSION, Basis, Decision, Verdict
from shared.storage.records import Change
from tests.harness.network import a_referral
from tests.harness.young_people import young_person
from tests.unit.test_referral_rules import received

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
WORKER = Viewer("worker", "wk_1", hub_id="hub_1")


def a_subject() -> Subject:
    return young_person()


def a_basis(**changes: Any) -> BasisEntry:
    fields: dict[str, Any] = {
        "basis": "public_task",
        "condition": "safeguarding",
        "agency_ids": ("ag_police",),
        "categories": ("existence",),
        "reason": "Synthetic reason.",
        "necessity": "Synthetic need.",
        "review_at": AT + timedelta(days=30),
        "subject_told": True,
    }
    return BasisEntry(**(fields | changes))


def a_consent(**changes: Any) -> ConsentEntry:
    fields = {"status": "given", "categories": ("existence",), "given_by": "parent"}
    return ConsentEntry.model_validate({**fields, **changes})


def test_a_discussion_replaces_nothing_that_was_recorded_before() -> None:
    before = received(
        discussion={"discussed": False, "not_discussed_because": "would_increase_risk"}
    )
    first = before.but(sealed={"discussion": b"old", "narrative": b"told"})
    entry = DiscussionEntry(discussed=True, wishes="Synthetic wish.")

    change = record_discussion(first, entry, {"discussion": b"new"}, "worker:wk_1", AT)

    after, event = change.after, change.events[0].model_dump()
    assert after.sealed == {"discussion": b"old", "narrative": b"told", "discussion~1": b"new"}
    kept = after.amendments[-1]
    assert (kept.at, kept.by, kept.fields) == (AT, "worker:wk_1", ("discussion",))
    assert after.discussed
    assert "not_discussed" not in after.warnings
    assert set(first.warnings) - set(after.warnings) <= {"not_discussed"}
    assert event == {
        "referral_id": first.id,
        "subject_id": first.subject_id,
        "discussed": True,
        "not_discussed_because": None,
        "wishes_recorded": True,
    }


@pytest.mark.parametrize(("had", "has"), [(True, False), (False, True), (False, False)])
def test_what_was_once_discussed_stays_discussed(had: bool, has: bool) -> None:
    because = None if has else "would_increase_risk"
    entry = DiscussionEntry.model_validate({"discussed": has, "not_discussed_because": because})

    change = record_discussion(received().but(discussed=had), entry, {}, "worker:wk_1", AT)

    assert change.after.discussed == (had or has)
    event = change.events[0].model_dump()
    assert (event["discussed"], event["not_discussed_because"]) == (has, because)
    assert event["wishes_recorded"] is False


def test_a_basis_says_who_decided_what_and_when_and_its_words_stay_sealed() -> None:
    change = record_basis(
        a_subject(), "ref_1", "bas_1", a_basis(), by="worker:wk_1", sealed={"r": b"x"}, at=AT
    )

    event = change.events[0]
    assert isinstance(event, BasisRecorded)
    assert event.basis == Basis(
        id="bas_1",
        basis="public_task",
        condition="safeguarding",
        agency_ids=("ag_police",),
        categories=("existence",),
        decided_by="worker:wk_1",
        decided_at=AT,
        review_at=AT + timedelta(days=30),
    )
    assert (event.subject_id, event.referral_id, event.referral_ids) == (
        "sub_1",
        "ref_1",
        ("ref_1",),
    )
    assert (event.subject_told, event.sharing) == (True, change.after.sharing)
    assert change.after.sharing.bases == (event.basis,)
    assert change.after.sealed_reasons == {"r": b"x"}
    assert b"Synthetic" not in event.model_dump_json().encode()
    again = record_basis(
        change.after, "ref_1", "bas_1", a_basis(), by="worker:wk_2", sealed={}, at=AT
    )
    assert (again.after, again.events) == (change.after, ())


@pytest.mark.parametrize(("days", "good"), [(0, False), (1, True), (366, True), (367, False)])
def test_a_basis_is_reviewed_within_a_year(days: int, good: bool) -> None:
    entry = a_basis(review_at=AT + timedelta(days=days))

    def record() -> None:
        record_basis(a_subject(), "ref_1", "bas_1", entry, by="worker:wk_1", sealed={}, at=AT)

    if good:
        record()
        return
    with pytest.raises(Malformed, match="not_within_a_year") as refusal:
        record()
    assert refusal.value.pointer == "/review_at"


def test_there_is_room_for_so_many_records_and_not_for_one_more() -> None:
    one = record_consent(
        a_subject(), "ref_1", "con_0", a_consent(), AT, by="worker:wk_0"
    ).after.sharing.consents[0]
    consents = tuple(one.model_copy(update={"id": f"con_{n}"}) for n in range(MAX_RECORDS - 1))
    nearly = a_subject().told("ref_1", consents=consents)

    full = record_consent(nearly, "ref_1", "con_last", a_consent(), AT, by="worker:wk_0").after

    assert len(full.sharing.consents) == MAX_RECORDS
    with pytest.raises(Refused, match="too_many_records"):
        record_consent(full, "ref_1", "con_more", a_consent(), AT, by="worker:wk_0")
    assert record_consent(full, "ref_1", "con_last", a_consent(), AT, by="worker:wk_0").events == ()


@pytest.mark.parametrize("status", ["refused", "withdrawn"])
def test_a_full_record_still_has_room_for_a_no(status: str) -> None:
    one = record_consent(
        a_subject(), "ref_1", "con_0", a_consent(), AT, by="worker:wk_0"
    ).after.sharing.consents[0]
    consents = tuple(one.model_copy(update={"id": f"con_{n}"}) for n in range(MAX_RECORDS))
    full = a_subject().told("ref_1", consents=consents)
    no = ConsentEntry.model_validate({**a_consent().model_dump(), "status": status})

    after = record_consent(full, "ref_1", "con_no", no, AT, by="worker:wk_0").after

    assert status in {c.status for c in after.sharing.consents}
    with pytest.raises(Refused, match="too_many_records"):
        record_consent(after, "ref_1", "con_more", a_consent(), AT, by="worker:wk_0")


def test_there_is_room_for_so_many_bases_and_not_for_one_more() -> None:
    def record(subject: Subject, basis_id: str) -> Change[Subject]:
        return record_basis(
            subject, "ref_1", basis_id, a_basis(), by="worker:wk_1", sealed={}, at=AT
        )

    one = record(a_subject(), "bas_0").after.sharing.bases[0]
    bases = tuple(one.model_copy(update={"id": f"bas_{n}"}) for n in range(MAX_RECORDS - 1))
    nearly = a_subject().told("ref_1", bases=bases)

    full = record(nearly, "bas_last").after

    with pytest.raises(Refused, match="too_many_records"):
        record(full, "bas_more")
    assert record(full, "bas_last").events == ()


def test_a_referral_whose_consents_have_no_room_says_none_of_them() -> None:
    one = record_consent(
        a_subject(), "ref_1", "con_0", a_consent(), AT, by="worker:wk_0"
    ).after.sharing.consents[0]
    consents = tuple(one.model_copy(update={"id": f"con_{n}"}) for n in range(MAX_RECORDS - 1))
    nearly = a_subject().told("ref_1", consents=consents)
    entry = a_consent().model_dump(mode="json")

    def sent(count: int) -> ReceiveReferral:
        return ReceiveReferral.model_validate(a_referral(consents=[entry] * count))

    assert (
        len(say(nearly, sent(1), "ref_1", AT, by="worker:wk_0").after.sharing.consents)
        == MAX_RECORDS
    )
    with pytest.raises(Refused, match="too_many_records"):
        say(nearly, sent(2), "ref_1", AT, by="worker:wk_0")


def test_agreeing_to_the_service_is_said_once_and_changes_no_sharing() -> None:
    change = record_service_agreement(a_subject(), "ref_1", "declined", AT)

    assert change.after.service_agreement == "declined"
    assert change.after.sharing == a_subject().sharing
    assert change.events[0].model_dump(include={"subject_id", "referral_id", "agreed"}) == {
        "subject_id": "sub_1",
        "referral_id": "ref_1",
        "agreed": "declined",
    }
    assert record_service_agreement(change.after, "ref_1", "declined", AT).events == ()


def test_what_a_referral_says_about_consent_and_service_is_one_change_and_said_once() -> None:
    document = ReceiveReferral.model_validate(
        a_referral(
            consents=[a_consent().model_dump(), a_consent(status="refused").model_dump()],
            service_agreement="agreed",
        )
    )

    change = say(a_subject(), document, "ref_1", AT, by="agency:ag_0")

    recorded = change.after.sharing.consents
    ids = [derived_id("con", "ref_1", "intake", number) for number in ("0", "1")]
    assert {c.id: c.status for c in recorded} == dict(zip(ids, ["given", "refused"], strict=True))
    assert [c.recorded_at for c in recorded] == [AT, AT]
    assert change.after.service_agreement == "agreed"
    assert [e.event_type for e in change.events] == [
        "consent.recorded",
        "consent.recorded",
        "consent.service_recorded",
    ]
    assert say(change.after, document, "ref_1", AT, by="agency:ag_0").events == ()


def test_the_record_of_a_look_says_who_saw_what_why_and_by_which_rules() -> None:
    referral = received()
    verdict = Verdict(category="existence", permitted=False, reason="no_ground")
    decision = Decision(verdicts=(verdict,), safety_hold=True, policy_version="any")

    inside = viewed(referral, WORKER, Shown("worker", CATEGORIES), "review")
    outside = viewed(referral, WORKER, Shown("agency", (), decision), "review")

    said = inside.model_dump()
    assert said == {
        "referral_id": referral.id,
        "subject_id": referral.subject_id,
        "viewer_kind": "worker",
        "viewer_id": "wk_1",
        "purpose": "review",
        "verdicts": (),
        "safety_hold": False,
        "policy_version": POLICY_VERSION,
        "earlier": False,
        "part": "record",
    }
    assert outside.verdicts == (verdict,)
    assert outside.safety_hold


def test_the_record_of_a_refusal_says_who_asked_for_what_and_why_not() -> None:
    assert refused("ref_1", WORKER, "view", "not_theirs", None).model_dump() == {
        "unknown_id": None,
        "referral_id": "ref_1",
        "viewer_kind": "worker",
        "viewer_id": "wk_1",
        "action": "view",
        "reason": "not_theirs",
        "categories": (),
    }


def test_the_hub_sees_every_coded_field_in_its_category() -> None:
    referral = received(
        settings_avoided=["police"],
        preferred_times=["evenings"],
        languages=["cy"],
        linked_issues=["gangs"],
        subject={"name": "Synthetic", "communication_needs": ["interpreter"]},
    ).but(level="significant", worker_id="wk_1", outcome="case_closed", hub_id="hub_1")

    referral = referral.but(sealed={"narrative": b"n", "own_words": b"o"})
    opened = {"narrative~0": "told", "own_words~0": ""}
    sent = {"by": "agency:ag_1", "at": "2026-03-02T09:30:00Z"}

    shown = view(referral, Shown("worker", CATEGORIES), opened)

    assert shown.categories == {
        "submission": {"nation": "england", "requested_action": "direct_work"},
        "existence": {"received_at": referral.received_at.isoformat(), "area": referral.area},
        "contact": {
            "settings_avoided": ["police"],
            "preferred_times": ["evenings"],
            "languages": ["cy"],
        },
        "concerns": {
            "concerns": [{**sent, **c.model_dump(mode="json")} for c in referral.concerns],
            "linked_issues": ["gangs"],
        },
        "risk": {"level": "significant"},
        "narrative": {"narrative": [{**sent, "text": "told"}]},
        "health": {"needs": ["interpreter"]},
        "worker": {"worker_id": "wk_1"},
        "outcome": {"status": referral.status, "outcome": "case_closed"},
    }
    whole = shown.model_dump(include={"id", "viewed_as", "status", "urgency", "overdue", "due_at"})
    assert whole == {
        "id": referral.id,
        "viewed_as": "worker",
        "status": referral.status,
        "urgency": referral.urgency,
        "overdue": False,
        "due_at": referral.due_at,
    }
    assert (shown.subject_id, shown.withheld) == (referral.subject_id, ())
    assert shown.received_at == referral.received_at
