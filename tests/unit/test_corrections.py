"""What a referral says is put where it belongs; an amendment changes what it names, and keeps."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from services.referral.access import ViewerKind
from services.referral.corrections.request import AmendReferral, SafeContactPatch, SubjectPatch
from services.referral.corrections.rule import (
    MAX_AMENDMENTS,
    MAX_SEALED,
    Corrected,
    amend,
    patches,
)
from services.referral.disclosure.rule import Shown
from services.referral.disclosure.view import view
from services.referral.documents import DiscussionEntry, SafeContact, SubjectDetails
from services.referral.intake.facts import about_subject
from services.referral.lifecycle.states import Move, follow_allocation, move
from services.referral.people.links import leave, link, new_subject
from services.referral.people.matching import Identity, possible_match
from services.referral.people.telling import Description
from services.referral.records import RESPONSE_DUE, Amendment, not_erased
from services.referral.sharing.marking import Mark, mark_safety
from shared.errors import Malformed, Refused
from shared.events.referral import ReferralAmended
from shared.rules.calendars import due_at
from shared.rules.sharing import CATEGORIES, Decision, Verdict
from tests.harness.young_people import aged, young_person
from tests.unit.test_referral_rules import received

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LATER = AT + timedelta(days=400)
repeatable = settings(derandomize=True)


def test_each_detail_of_a_young_person_is_sealed_in_one_place() -> None:
    details = SubjectDetails(
        name="Synthetic Child", nhs_number="9476719931", school="Synthetic School"
    )

    parts = about_subject(details)

    assert {name: _names(part) for name, part in parts.items()} == {
        "identity": {
            "name",
            "known_as",
            "date_of_birth",
            "born_about",
            "estimated_age",
            "gender",
            "ethnicity",
        },
        "address": {"address"},
        "health": {"nhs_number", "disability", "communication_needs"},
        "education": {"school"},
        "family": {"living_situation", "looked_after", "child_protection_plan"},
    }
    assert set().union(*(_names(part) for part in parts.values())) == set(
        SubjectDetails.model_fields
    )


PAST = Amendment(at=AT, by="agency:ag_1", fields=("urgency",))


def _names(part: str) -> set[str]:
    return set(json.loads(part))


def test_an_amendment_seals_again_what_it_names_and_nothing_else() -> None:
    whole = AmendReferral.model_validate(
        {
            "subject": {"name": "Synthetic Child"},
            "safe_contact": {"hours": "evenings"},
            "indicators": [
                {"code": "one", "recency": "current"},
                {"code": "two", "recency": "current"},
            ],
            "narrative": "told",
            "own_words": "said",
            "discussion": {"discussed": True},
        }
    )

    fields = patches(whole)

    assert fields == {
        "identity": '{"name":"Synthetic Child"}',
        "safe_contact": '{"hours":"evenings"}',
        "raw_indicators": "one\ntwo",
        "narrative": "told",
        "own_words": "said",
        "discussion": DiscussionEntry(discussed=True).model_dump_json(),
    }
    assert patches(AmendReferral(narrative="told")) == {"narrative": "told"}


def test_null_removes_and_what_has_to_be_there_is_refused_where_it_is() -> None:
    removed = AmendReferral.model_validate(
        {
            "subject": {"nhs_number": None, "gender": None},
            "safe_contact": None,
            "settings_avoided": None,
        }
    )

    fields = {name: json.loads(patch) for name, patch in patches(removed).items()}
    after = amend(received(), removed, {}, "agency:ag_1", AT).after

    assert fields["identity"] == {"gender": None}
    assert fields["health"] == {"nhs_number": None}
    assert fields["safe_contact"] == dict.fromkeys(SafeContact.model_fields)
    assert after.settings_avoided == ()


KEPT = ["urgency", "subject", "indicators", "narrative", "own_words", "discussion"]


@pytest.mark.parametrize("pointer", [*KEPT, "subject/name"])
def test_what_cannot_be_removed_is_refused_where_it_is(pointer: str) -> None:
    document: Any = None
    for name in reversed(pointer.split("/")):
        document = {name: document}

    with pytest.raises(ValidationError) as refusal:
        AmendReferral.model_validate(document)

    (error,) = refusal.value.errors()
    assert ("/".join(map(str, error["loc"])), error["type"]) == (pointer, "not_removable")


@pytest.mark.parametrize("document", [{}, {"subject": {}}, {"subject": {}, "safe_contact": {}}])
def test_an_amendment_that_says_nothing_is_none(document: Any) -> None:
    with pytest.raises(ValidationError, match="Nothing was changed"):
        AmendReferral.model_validate(document)


@pytest.mark.parametrize(
    ("patch", "whole"), [(SubjectPatch, SubjectDetails), (SafeContactPatch, SafeContact)]
)
def test_whatever_is_said_of_a_young_person_can_be_corrected(
    patch: type[BaseModel], whole: type[BaseModel]
) -> None:
    assert list(patch.model_fields) == list(whole.model_fields)


def test_there_is_room_for_so_much_and_not_for_more() -> None:
    more, nearly = (
        AmendReferral(narrative="n"),
        received().but(sealed={"narrative": b"x" * MAX_SEALED}),
    )
    often = received().amendments + (PAST,) * MAX_AMENDMENTS

    for full in (nearly, received().but(amendments=often)):
        with pytest.raises(Refused, match="record_full"):
            amend(full, more, {"narrative": b"n"}, "agency:ag_1", AT)
    assert amend(received().but(amendments=often[1:]), more, {}, "agency:ag_1", AT).events


CODED: dict[str, Any] = {
    "settings_avoided": ("police",),
    "preferred_times": ("evenings",),
    "languages": ("cy",),
}


@repeatable
@given(st.sets(st.sampled_from(sorted(CODED)), min_size=1))
def test_an_amendment_changes_the_coded_fields_it_names_and_says_so(names: set[str]) -> None:
    before = received()
    changes = {name: CODED[name] for name in names}

    change = amend(before, AmendReferral.model_validate(changes), {}, "agency:ag_1", AT)

    after = change.after
    for name, value in CODED.items():
        assert getattr(after, name) == (value if name in names else getattr(before, name))
    (event,) = change.events
    assert isinstance(event, ReferralAmended)
    assert event.amended == tuple(sorted(names))
    assert event.settings_avoided == after.settings_avoided
    kept = after.amendments[-1]
    assert (kept.at, kept.by, kept.fields) == (AT, "agency:ag_1", event.amended)
    assert change.after.timers()[RESPONSE_DUE] == before.due_at


@pytest.mark.parametrize(
    ("by", "reporter"),
    [("agency:ag_1", "ag_1"), ("worker:wk_1", "hub_1"), ("hub_manager:usr_1", "hub_1")],
)
def test_an_indicator_is_reported_by_whoever_adds_it(by: str, reporter: str) -> None:
    before = received().but(hub_id="hub_1")
    added = AmendReferral.model_validate(
        {"indicators": [{"code": "missing_episodes", "recency": "current"}]}
    )

    after = amend(before, added, {}, by, AT).after

    assert [c.agency_id for c in after.concerns[len(before.concerns) :]] == [reporter]
    assert after.concerns[: len(before.concerns)] == before.concerns


def test_an_amended_young_person_has_the_age_of_the_day_and_their_own_codes() -> None:
    before = received(urgency="ten_working_days", discussion={"discussed": True}).but(
        nation="scotland"
    )
    details = SubjectDetails(
        name="Synthetic Child",
        date_of_birth=date(2011, 1, 1),
        gender="female",
        ethnicity="asian",
        communication_needs=("interpreter",),
    )

    said = AmendReferral(
        subject=SubjectPatch(date_of_birth=details.date_of_birth), urgency="one_working_day"
    )
    change = amend(before, said, {}, "worker:wk_1", LATER, Corrected(details, ("new",)))
    renamed = AmendReferral(subject=SubjectPatch(name="Other"))
    unaged = amend(before, renamed, {}, "worker:wk_1", LATER, Corrected(details, ("new",))).after

    after = change.after
    assert (after.age_band, after.gender, after.ethnicity) == ("16_to_17", "female", "asian")
    assert unaged.age_band == before.age_band
    assert after.needs == ("interpreter",)
    assert (before.but(blocks=("old",)).blocks, after.blocks) == (("old",), ("new",))
    assert after.due_at == due_at("one_working_day", LATER, "scotland")
    assert change.after.timers()[RESPONSE_DUE] == after.due_at
    assert after.discussed
    assert "not_discussed" not in after.warnings


@pytest.mark.parametrize(
    ("kind", "urgency", "subject_id", "warned"),
    [
        ("worker", True, True, True),
        ("hub_manager", True, True, True),
        ("referrer", True, False, True),
        ("agency", False, False, False),
    ],
)
def test_each_kind_of_viewer_learns_what_is_for_them(
    kind: ViewerKind, urgency: bool, subject_id: bool, warned: bool
) -> None:
    referral = received().but(level="mild", worker_id="wk_1", warnings=("not_discussed",))
    verdict = Verdict(category="risk", permitted=False, reason="no_ground")
    decision = Decision(verdicts=(verdict,), safety_hold=False, policy_version="any")
    referral = referral.but(sealed={"narrative": b"n"})
    own = "agency:ag_1" if kind == "referrer" else None
    categories = () if own else CATEGORIES
    shown = Shown(kind, categories, decision if kind in ("agency", "referrer") else None, own)

    told = view(referral, shown, {"narrative~0": "told"})

    assert told.viewed_as == kind
    assert told.urgency == (referral.urgency if urgency else None)
    assert told.due_at == (referral.due_at if urgency else None)
    assert told.overdue == (False if urgency else None)
    assert told.subject_id == (referral.subject_id if subject_id else None)
    assert told.warnings == (("not_discussed",) if warned else ())
    assert bool(told.advice) == (kind == "worker")
    assert ("risk" in told.categories) == (kind != "referrer")
    assert ("worker" in told.categories) == (kind != "referrer")
    piece: Any = told.categories["narrative"]["narrative"]
    by = "agency" if kind == "agency" else "agency:ag_1"
    assert piece == [{"by": by, "at": "2026-03-02T09:30:00Z", "text": "told"}]
    assert [w.category for w in told.withheld] == (["risk"] if kind == "agency" else [])


def test_a_partner_learns_the_fate_only_with_the_category_outcome() -> None:
    referral = received().but(reason="moved_away")

    with_it = view(referral, Shown("agency", ("existence", "outcome")), {})
    without = view(referral, Shown("agency", ("existence",)), {})

    assert (with_it.status, with_it.reason) == ("received", "moved_away")
    assert (without.status, without.reason) == (None, None)


def test_a_decision_of_allocation_is_noted_once_and_stops_the_response_clock() -> None:
    who: dict[str, Any] = {"hub_id": "hub_1", "worker_id": "wk_1", "level": "mild"}

    made = follow_allocation(received(), "allocated", 2, AT, **who)
    again = follow_allocation(made.after, "waiting", 2, AT, **who)
    ended = follow_allocation(received().but(status="closed"), "allocated", 2, AT, **who)

    assert made.after.timers()[RESPONSE_DUE] is None
    assert (again.after, again.events) == (made.after, ())
    assert ended.after.status == "closed"
    assert (ended.after.hub_id, ended.after.worker_id) == ("hub_1", "wk_1")
    stated = made.events[0].model_dump()
    assert (stated["previous"], stated["status"]) == ("received", "allocated")
    assert stated["referral_id"] == made.after.id


@pytest.mark.parametrize(
    ("given_", "pointer", "code"),
    [
        (Move("reject"), "/reason", "missing"),
        (Move("reject", reason="needs_met_elsewhere"), "/reason", "reason_not_allowed"),
        (Move("accept", outcome="other"), "/outcome", "outcome_not_allowed"),
    ],
)
def test_a_step_that_lacks_something_says_what(given_: Move, pointer: str, code: str) -> None:
    with pytest.raises(Malformed) as refusal:
        move(received(), given_, "hub", AT)

    assert (refusal.value.pointer, refusal.value.code) == (pointer, code)


def test_who_is_linked_or_left_twice_is_so_once() -> None:
    child = Description(name_and_birth="hashed")
    subject = new_subject("sub_1", "ref_1", aged("not_known", child))[0]

    linked = link(subject, "ref_2", aged("16_to_17", child))
    unsure = link(linked.after, "ref_3", aged("not_known", child))

    assert linked.after.sharing.age_band == unsure.after.sharing.age_band == "16_to_17"
    stated = linked.events[0].model_dump()
    assert (stated["referral_id"], stated["referral_ids"]) == ("ref_2", ("ref_1", "ref_2"))
    assert stated["known_before"] is True
    assert link(linked.after, "ref_2", aged("16_to_17", child)).after == linked.after
    left = leave(linked.after, "sub_9", ["ref_2"], linked.after.version)
    assert left.after.referral_ids == ("ref_1",)
    again = leave(left.after, "sub_9", ["ref_2"], left.after.version)
    assert (again.after, again.events) == (left.after, ())


def test_a_safety_mark_is_set_once_and_lifted_once() -> None:
    subject = young_person()
    mark = Mark("worker", "wk_1", "close_associate", unsafe=True)
    lifted = Mark("worker", "wk_1", "close_associate", unsafe=False)

    marked = mark_safety(subject, "ref_1", mark, AT)

    assert marked.after.unsafe_persons == ("worker:wk_1",)
    assert marked.events[0].model_dump(include={"marked_kind", "marked_id", "unsafe"}) == {
        "marked_kind": "worker",
        "marked_id": "wk_1",
        "unsafe": True,
    }
    assert mark_safety(marked.after, "ref_1", mark, AT).after == marked.after
    assert mark_safety(marked.after, "ref_1", lifted, AT, lifts=True).after.unsafe_persons == ()
    with pytest.raises(Refused, match="manager_lifts"):
        mark_safety(marked.after, "ref_1", lifted, AT)
    assert mark_safety(subject, "ref_1", lifted, AT).after == subject


BORN = date(2012, 5, 7)


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        ("Ann Ann Lee", "Lee Ann", "part"),
        ("Abdul Rahman Said", "Abdulrahman Said", "close"),
        ("Abcdefgh Zzyyxx", "Qrstuvwx Mmnnoo", None),
    ],
)
def test_names_are_near_for_a_reason(one: str, other: str, how: str | None) -> None:
    found = possible_match(Identity(one, BORN), Identity(other, BORN))

    assert (dict(found.agrees).get("name") if found else None) == how


@pytest.mark.parametrize(
    ("postcode", "how"), [("NE1 4ST", "exact"), ("NE1 4SU", "close"), ("SW9 9ZZ", None)]
)
def test_a_postcode_is_the_same_near_or_another(postcode: str, how: str | None) -> None:
    found = possible_match(
        Identity("Synthetic Child", BORN, postcode="NE1 4ST"),
        Identity("Synthetic Child", BORN, postcode=postcode),
    )

    assert found is not None
    assert dict(found.agrees).get("postcode") == how
    assert ("postcode" in found.differs) == (how is None)


def test_what_was_discussed_is_noted_by_an_amendment_and_stays() -> None:
    before = received()
    said = AmendReferral.model_validate({"discussion": {"discussed": True}})

    after = amend(before, said, {}, "agency:ag_1", AT).after

    assert (before.discussed, after.discussed) == (False, True)
    assert amend(after, AmendReferral(narrative="new"), {}, "agency:ag_1", AT).after.discussed


def test_a_reopened_referral_is_not_overdue_any_more() -> None:
    over = received().but(status="rejected", overdue=True)

    change = move(over, Move("reopen", reason="new_information"), "hub", LATER)

    assert (change.after.status, change.after.overdue) == ("received", False)
    assert change.after.timers()[RESPONSE_DUE] == change.after.due_at


def test_of_an_erased_referral_it_is_said_when_and_nothing_is_sealed_for_it() -> None:
    erased = received().but(erased_at=AT)

    assert view(erased, Shown("worker", CATEGORIES), {}).erased_at == AT
    with pytest.raises(Refused, match=r"^erased$"):
        not_erased(erased)
    not_erased(received())


def test_what_has_ended_takes_news_but_nothing_to_be_answered_in_time() -> None:
    rejected = received().but(status="rejected")
    said = AmendReferral(narrative="Synthetic text.")

    with pytest.raises(Refused) as refused:
        amend(rejected, AmendReferral(urgency="immediate"), {}, "agency:ag_1", AT)
    with pytest.raises(Refused, match=r"^not_from_here$"):
        amend(rejected.but(status="entered_in_error"), said, {}, "agency:ag_1", AT)

    assert refused.value.code == "ended"
    assert refused.value.extra["door"] == "/v1/referrals/ref_1/steps/reopening"
    (event,) = amend(rejected, said, {}, "agency:ag_1", AT).events
    assert event.model_dump()["status"] == "rejected", "who is told depends on it"
