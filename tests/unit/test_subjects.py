"""Sharing records of a young person, agreements, and who is shown what."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from services.referral.access import Viewer, manager_of
from services.referral.agencies.request import AgreementEntry
from services.referral.agencies.rule import (
    AGREEMENT_DUE,
    Agreement,
    amend_agreement,
    end,
    notice_at,
    propose,
    review,
    sign,
    watch,
)
from services.referral.disclosure.rule import Shown, look, sealed_for, viewed
from services.referral.disclosure.view import view
from services.referral.documents import ConsentEntry
from services.referral.hubs.rule import Hub
from services.referral.intake.heard import heard
from services.referral.intake.request import ReceiveReferral
from services.referral.invalidation.rule import invalidate_consent
from services.referral.people.links import join, leave, link, new_subject
from services.referral.people.telling import Description
from services.referral.records import SEALED
from services.referral.sharing.marking import Mark, mark_safety
from services.referral.sharing.request import BasisEntry, ConfirmationEntry
from services.referral.sharing.rule import (
    end_basis,
    kinds_of,
    record_basis,
    record_consent,
    review_consent,
)
from services.referral.sharing.subject import Subject
from shared.errors import Malformed, Mismatch, NotFound, Refused
from shared.rules.sharing import CATEGORIES, Confirmation
from shared.storage.records import Change
from tests.harness.cases import every_case
from tests.harness.network import a_referral
from tests.harness.young_people import aged, young_person
from tests.unit.test_referral_rules import AT, received


def unsafe(agency_id: str) -> Mark:
    return Mark("agency", agency_id, "close_associate", unsafe=True)


def a_subject(**changes: Any) -> Subject:
    return young_person().but(**changes)


def consent(**changes: Any) -> ConsentEntry:
    fields = {
        "status": "given",
        "categories": ["existence", "concerns"],
        "given_by": "young_person",
        "gillick_competent": True,
    }
    return ConsentEntry.model_validate({**fields, **changes})


def basis(**changes: Any) -> BasisEntry:
    fields = {
        "basis": "public_task",
        "condition": "safeguarding",
        "agency_ids": ["ag_2"],
        "categories": ["existence", "risk"],
        "reason": "MARKER",
        "necessity": "MARKER",
        "review_at": AT + timedelta(days=30),
        "subject_told": False,
    }
    return BasisEntry.model_validate({**fields, **changes})


def with_basis(subject: Subject) -> Subject:
    change = record_basis(subject, "ref_1", "bas_1", basis(), by="worker:w", sealed={}, at=AT)
    assert "MARKER" not in change.events[0].model_dump_json()
    return change.after


def test_nobody_signs_for_two_parties() -> None:
    once = sign(agreement(), "ag_2", 1, "usr_1").after

    with pytest.raises(Refused) as refusal:
        sign(once, "hub_1", 1, "usr_1")
    assert refusal.value.code == "second_person_needed"
    amended = amend_agreement(once, terms(purposes=["education"])).after
    assert sign(amended, "hub_1", amended.terms.version, "usr_1").events


def test_a_consent_is_recorded_once_and_the_event_carries_the_whole_state() -> None:
    once = record_consent(a_subject(), "ref_1", "con_1", consent(), AT, by="agency:ag_0")
    twice = record_consent(once.after, "ref_1", "con_1", consent(), AT, by="agency:ag_0")

    assert twice.events == ()
    assert once.events[0].model_dump()["sharing"] == once.after.sharing.model_dump()


def test_a_consent_that_is_already_over_is_refused() -> None:
    with pytest.raises(Malformed):
        record_consent(a_subject(), "ref_1", "c", consent(valid_to=AT), AT, by="agency:ag_0")


def test_a_basis_is_reviewed_within_a_year_and_ended_once() -> None:
    late = basis(review_at=AT + timedelta(days=400))
    with pytest.raises(Malformed):
        record_basis(a_subject(), "ref_1", "b", late, by="worker:w", sealed={}, at=AT)
    subject = with_basis(a_subject())
    ended = end_basis(subject, "ref_1", "bas_1", AT)

    assert ended.after.sharing.bases[0].ended_at == AT
    assert end_basis(ended.after, "ref_1", "bas_1", AT).events == ()
    with pytest.raises(NotFound):
        end_basis(subject, "ref_1", "bas_2", AT)


def test_what_was_refused_comes_along_when_two_turn_out_to_be_one() -> None:
    refused = consent(status="refused", gillick_competent=None)
    old = record_consent(a_subject(), "ref_1", "con_1", refused, AT, by="agency:ag_0").after
    old = mark_safety(old, "ref_1", unsafe("ag_2"), AT).after
    other = young_person("sub_2", "ref_2")

    joined = join(other, old, ["ref_1"]).after
    left = leave(old, "sub_2", ["ref_1"], old.version).after

    assert joined.referral_ids == ("ref_2", "ref_1")
    assert joined.sharing.consents == old.sharing.consents
    assert joined.sharing.unsafe_agencies == ("ag_2",)
    assert left.referral_ids == ()
    assert join(joined, old, ["ref_1"]).events == ()
    assert leave(left, "sub_2", ["ref_1"], left.version).events == ()
    assert leave(old, "sub_2", ["ref_1"], old.version - 1).events == ()


def test_a_second_referral_is_linked_and_the_better_known_age_counts() -> None:
    child = Description(name_and_birth="hashed")
    subject = new_subject("sub_1", "ref_1", aged("13_to_15", child))[0]
    linked = link(subject, "ref_2", aged("not_known", child))

    assert linked.after.referral_ids == ("ref_1", "ref_2")
    assert linked.after.sharing.age_band == "13_to_15"
    assert link(linked.after, "ref_2", aged("13_to_15", child)).events == ()


def terms(**changes: Any) -> AgreementEntry:
    fields = {
        "parties": ["ag_2", "hub_1"],
        "purposes": ["safeguarding"],
        "categories": ["existence", "concerns", "outcome"],
        "grounds": ["consent"],
        "effective_from": AT - timedelta(days=1),
        "effective_to": AT + timedelta(days=365),
        "review_at": AT + timedelta(days=180),
    }
    return AgreementEntry.model_validate({**fields, **changes})


def agreement() -> Agreement:
    return propose("isa_1", terms())[0]


AMENDED: dict[str, Any] = {
    "parties": ["ag_3", "hub_1"],
    "purposes": ["education"],
    "categories": ["existence"],
    "grounds": ["public_task"],
    "frequency": "weekly",
    "effective_from": AT - timedelta(days=2),
    "effective_to": AT + timedelta(days=366),
    "review_at": AT + timedelta(days=181),
}


@pytest.mark.parametrize("name", sorted(AgreementEntry.model_fields))
def test_any_member_of_an_agreement_amends_it_once(name: str) -> None:
    entry = terms(**{name: AMENDED[name]})
    amended = amend_agreement(agreement(), entry)

    assert amended.after.terms.version == 2
    assert amend_agreement(amended.after, entry).events == ()


def test_only_parties_sign_and_changed_terms_must_be_signed_again() -> None:
    signed = sign(sign(agreement(), "ag_2", 1, "usr_2").after, "hub_1", 1, "usr_1").after
    amended = amend_agreement(signed, terms(purposes=["education"])).after

    assert signed.terms.signed_by == ("ag_2", "hub_1")
    assert sign(signed, "ag_2", 1, "usr_1").events == ()
    assert amend_agreement(signed, terms()).events == ()
    assert (amended.terms.version, amended.terms.signed_by) == (2, ())
    assert amended.past == (signed.terms,)
    for party, version, code in (("ag_9", 1, "not_a_party"), ("ag_2", 2, "terms_changed")):
        with pytest.raises(Refused) as caught:
            sign(signed, party, version, "usr_3")
        assert caught.value.code == code


def test_an_ended_agreement_is_not_signed_any_more() -> None:
    over = end(agreement(), AT).after

    assert end(over, AT).events == ()
    with pytest.raises(Refused):
        sign(over, "ag_2", 1, "usr_2")


def test_an_agreement_gives_notice_once_and_lapses_once() -> None:
    fresh = agreement()
    notice = watch(fresh, notice_at(fresh))
    lapse = watch(notice.after, fresh.terms.effective_to)

    assert watch(fresh, AT).events == ()
    assert [e.event_type for e in notice.events] == ["agreement.expiring"]
    assert notice.after.timers() == {AGREEMENT_DUE: fresh.terms.effective_to}
    assert watch(notice.after, notice_at(fresh)).events == ()
    assert [e.event_type for e in lapse.events] == ["agreement.lapsed"]
    assert lapse.after.timers() == {AGREEMENT_DUE: None}
    assert watch(lapse.after, fresh.terms.effective_to).events == ()


def test_a_review_lies_within_the_agreements_time() -> None:
    reviewed = review(agreement(), AT + timedelta(days=300), AT)

    assert reviewed.after.timers() == {AGREEMENT_DUE: AT + timedelta(days=270)}
    with pytest.raises(Malformed):
        review(agreement(), AT + timedelta(days=400), AT)


HELD = received().but(
    hub_id="hub_1",
    worker_id="wk_1",
    status="allocated",
    level="mild",
    sealed=dict.fromkeys(SEALED, b"x"),
)
PARTNER = Viewer("agency", "ag_2", agency_kind="6")


def shown(viewer: Viewer, subject: Subject | None = None) -> Shown | str:
    signed = sign(sign(agreement(), "ag_2", 1, "usr_2").after, "hub_1", 1, "usr_1").after
    return look(HELD, viewer, subject or a_subject(), [signed.terms], "safeguarding", AT)


OTHERWISE: dict[str, Any] = {
    "status": "refused",
    "agency_ids": ["ag_2"],
    "agency_kinds": ["3f"],
    "categories": ["existence"],
    "given_by": "parent",
    "gillick_competent": False,
    "said_at": AT - timedelta(days=2),
    "valid_to": AT + timedelta(days=2),
}


REVIEWED = {
    True: ConfirmationEntry(confirmed=True, reason="asked_young_person"),
    False: ConfirmationEntry(confirmed=False, reason="not_said"),
}


def reviewed(subject: Subject, confirmed: bool) -> Change[Subject]:
    return review_consent(subject, "ref_1", "con_1", REVIEWED[confirmed], AT, by="worker:wk_1")


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_claim_is_reviewed_once_and_the_record_keeps_both(confirmed: bool) -> None:
    once = reviewed(consented(), confirmed)

    (consent,) = once.after.sharing.consents
    assert consent.recorded_by == "agency:ag_1"
    assert consent.confirmation == Confirmation(confirmed=confirmed, by="worker:wk_1", at=AT)
    assert consent.rejected is not confirmed
    assert "agency:ag_1" in once.events[0].says("worker:wk_1")
    assert reviewed(once.after, confirmed).events == ()
    with pytest.raises(Refused, match="reviewed_otherwise"):
        reviewed(once.after, not confirmed)


@pytest.mark.parametrize(
    ("status", "by"),
    [("refused", "agency:ag_0"), ("withdrawn", "agency:ag_0"), ("given", "worker:wk_1")],
)
def test_only_a_yes_that_an_agency_recorded_is_reviewed(status: str, by: str) -> None:
    subject = record_consent(a_subject(), "ref_1", "con_1", consent(status=status), AT, by=by).after

    with pytest.raises(Refused, match="nothing_to_confirm"):
        reviewed(subject, False)
    with pytest.raises(NotFound):
        reviewed(a_subject(), True)


@pytest.mark.parametrize(
    ("host", "gains"),
    [(("ag_0", "2a"), True), (("ag_2", "6"), True), (("ag_3", "6"), True), (("ag_3", "4"), False)],
)
def test_nobody_hosted_by_who_gains_confirms(host: tuple[str, str], gains: bool) -> None:
    said = consent(agency_ids=["ag_2"], agency_kinds=["6"])
    subject = record_consent(a_subject(), "ref_1", "con_1", said, AT, by="agency:ag_0").after

    def review() -> Change[Subject]:
        entry, by = REVIEWED[True], "worker:wk_1"
        return review_consent(subject, "ref_1", "con_1", entry, AT, by=by, host=host)

    if gains:
        with pytest.raises(Refused, match="gains_by_it"):
            review()
    else:
        assert len(review().events) == 1


def test_who_may_say_that_a_consent_was_recorded_by_mistake() -> None:
    """Who recorded it, for what opens nothing to them; and the Hub, but for a host that would gain."""
    everyone: dict[str, Any] = {}
    named, of_kind, other = {"agency_ids": ["ag_0"]}, {"agency_kinds": ["6"]}, {"agency_ids": ["x"]}
    worker, manager = "worker:wk_1", "hub_manager:usr_1"
    cases: list[tuple[str, Any, str, Any, str]] = [
        ("given", everyone, "agency:ag_0", ("ag_0", "6"), "invalidated"),
        ("given", everyone, "agency:ag_2", ("ag_2", "6"), "NotFound"),
        ("refused", named, "agency:ag_2", ("ag_2", "6"), "NotFound"),
        *(
            (status, who, *mine, said)
            for status in ("refused", "withdrawn")
            for who, gains in ((everyone, True), (named, True), (of_kind, True), (other, False))
            for said in ("gains_by_it" if gains else "invalidated",)
            for mine in (
                ("agency:ag_0", ("ag_0", "6")),
                *([("agency:ag_0", ("ag_0", ""))] if who is not of_kind else ()),
                (worker, ("ag_0", "6")),
            )
        ),
        ("refused", of_kind, "agency:ag_0", ("ag_0", ""), "gains_by_it"),
        ("refused", everyone, worker, None, "invalidated"),
        ("refused", everyone, manager, None, "invalidated"),
        ("given", everyone, worker, ("ag_0", "6"), "invalidated"),
    ]
    for status, about_whom, by, party, expected in cases:
        entry = consent(status=status, **about_whom)
        subject = record_consent(a_subject(), "ref_1", "con_1", entry, AT, by="agency:ag_0").after
        try:
            change = invalidate_consent(
                subject, "ref_1", "con_1", "wrong_person", AT, by=by, party=party
            )
            found = "invalidated"
            (kept,) = change.after.sharing.consents
            assert kept.void
            assert change.events[0].consent == kept  # type: ignore[attr-defined]
            again = invalidate_consent(
                change.after, "ref_1", "con_1", "not_said", AT, by=by, party=party
            )
            assert again.events == ()
        except NotFound:
            found = "NotFound"
        except Refused as error:
            found = error.code
        assert found == expected, (status, about_whom, by, party)


def test_a_yes_to_who_is_not_there_is_not_recorded_and_a_no_is() -> None:
    nobody = {"agency_ids": ("ag_gone",), "agency_kinds": ("kind_gone",)}
    said = (
        consent(**nobody),
        consent(**{**nobody, "agency_ids": ("ag_gone", "ag_1")}),
        consent(status="refused", **nobody),
    )
    consents = [each.model_dump() for each in said]
    document = ReceiveReferral.model_validate(a_referral(agency_reference="x", consents=consents))

    found = heard(document, "ref_1", {"ag_gone": "agn_1", "kind_gone": "unknown"}).values()

    assert [number for number, _ in found] == [1, 2]
    kept = [entry for _, entry in found]
    assert [c.status for c in kept] == ["given", "refused"]
    assert [c.agency_ids for c in kept] == [("ag_1",), ("agn_1",)]
    assert [c.agency_kinds for c in kept] == [(), ("kind_gone",)]


def test_a_refusal_records_no_word_that_is_no_kind_and_stays_about_nobody_else() -> None:
    named = consent(status="refused", agency_kinds=["6", "jane_doe", "john_doe"])
    nobody = consent(status="refused", agency_kinds=["jane_doe"])

    assert kinds_of(named) == ("6", "unknown")
    assert kinds_of(nobody) == ("unknown",)
    assert kinds_of(consent(agency_kinds=[])) == ()


def test_of_two_copies_of_one_record_a_rejection_stays() -> None:
    other, yes, no = consented(), *(reviewed(consented(), c).after for c in (True, False))

    for mine, theirs in ((other, no), (no, other), (yes, no), (no, yes)):
        (consent,) = join(mine, theirs.but(id="sub_2"), ["ref_1"]).after.sharing.consents
        assert consent.rejected


@pytest.mark.parametrize("name", sorted(ConsentEntry.model_fields))
def test_another_consent_under_the_same_key_is_not_swallowed(name: str) -> None:
    with pytest.raises(Mismatch):
        record_consent(
            consented(), "ref_1", "con_1", consent(**{name: OTHERWISE[name]}), AT, by="agency:ag_0"
        )


def test_a_repeated_consent_is_the_same_to_the_millisecond_that_is_stored() -> None:
    until = AT + timedelta(days=2)
    stored = record_consent(
        a_subject(), "ref_1", "con_1", consent(valid_to=until), AT, by="agency:ag_0"
    ).after
    again = consent(valid_to=until + timedelta(microseconds=999))

    assert record_consent(stored, "ref_1", "con_1", again, AT, by="agency:ag_0").events == ()


@pytest.mark.parametrize(("ahead", "taken"), [(-9, True), (119, True), (121, False), (9**9, False)])
def test_nothing_is_said_after_it_is_recorded(ahead: int, taken: bool) -> None:
    entry = consent(said_at=AT + timedelta(seconds=ahead))

    def record(where: str) -> Change[Subject]:
        return record_consent(a_subject(), "ref_1", "c", entry, AT, by="agency:ag_0", where=where)

    if taken:
        kept = record("").after.sharing.consents[0].said_at
        assert kept == AT + timedelta(seconds=min(ahead, 0))
    for where in () if taken else ("", "/consents/3"):
        with pytest.raises(Malformed) as refused:
            record(where)
        assert refused.value.pointer == f"{where}/said_at"


def consented() -> Subject:
    return record_consent(a_subject(), "ref_1", "con_1", consent(), AT, by="agency:ag_1").after


@pytest.mark.parametrize(
    ("viewer", "kind"),
    [
        (Viewer("worker", "wk_1", hub_id="hub_1"), "worker"),
        (Viewer("hub_manager", "mg", hub_id="hub_1"), "hub_manager"),
    ],
)
def test_those_whose_work_it_is_see_it_whole(viewer: Viewer, kind: str) -> None:
    result = shown(viewer)

    assert isinstance(result, Shown)
    assert (result.kind, result.categories) == (kind, CATEGORIES)


def test_a_referrer_is_shown_what_it_wrote_and_of_others_what_any_agency_would_be() -> None:
    proposed = propose("isa_1", terms(parties=["ag_1", "hub_1"]))[0]
    signed = sign(sign(proposed, "ag_1", 1, "usr_2").after, "hub_1", 1, "usr_1").after
    to_it = consent(agency_ids=["ag_1"], agency_kinds=[])
    subject = record_consent(a_subject(), "ref_1", "con_1", to_it, AT, by="worker:wk_1").after
    referrer = Viewer("agency", "ag_1", agency_kind="2a")

    alone = look(HELD, referrer, a_subject(), [signed.terms], "safeguarding", AT)
    granted = look(HELD, referrer, subject, [signed.terms], "safeguarding", AT)

    assert isinstance(alone, Shown)
    assert isinstance(granted, Shown)
    assert (alone.kind, alone.categories, alone.own) == ("referrer", (), "agency:ag_1")
    assert "concerns" in granted.categories
    assert set(granted.categories) < set(CATEGORIES)
    assert [v.category for v in viewed(HELD, referrer, granted, "x").verdicts] == list(
        granted.categories
    )
    assert viewed(HELD, referrer, alone, "x").verdicts == ()


@pytest.mark.parametrize(
    "viewer",
    [
        Viewer("worker", "wk_2", hub_id="hub_1"),
        Viewer("hub_manager", "mg", hub_id="hub_2"),
        Viewer("auditor", "a"),
        Viewer("operator", "o"),
    ],
)
def test_for_everyone_else_it_is_not_there(viewer: Viewer) -> None:
    assert shown(viewer) == "not_theirs"


def test_a_partner_sees_what_is_permitted_and_why_not_the_rest() -> None:
    result = shown(PARTNER, consented())

    assert isinstance(result, Shown)
    assert result.categories == ("existence", "concerns")
    both = ("raw_indicators~0", "trafficking~0")
    assert sealed_for(HELD, result) == dict.fromkeys(both, b"x")
    seen = view(HELD, result, {"raw_indicators~0": "missing_episodes"})
    assert set(seen.categories) == {"existence", "concerns"}
    assert (seen.status, seen.urgency, seen.subject_id, seen.warnings) == (None, None, None, ())
    assert {w.category for w in seen.withheld} == set(CATEGORIES) - {"existence", "concerns"}


def test_a_partner_with_nothing_permitted_learns_nothing() -> None:
    assert shown(PARTNER) == "nothing_permitted"


def test_an_unsafe_agency_sees_nothing_even_of_its_own_referral() -> None:
    marked = mark_safety(consented(), "ref_1", unsafe("ag_1"), AT).after
    marked = mark_safety(marked, "ref_1", unsafe("ag_2"), AT).after

    assert shown(Viewer("agency", "ag_1"), marked) == "recipient_unsafe"
    assert shown(PARTNER, marked) == "recipient_unsafe"


def test_a_worker_close_to_whoever_harms_sees_nothing_until_unmarked() -> None:
    worker = Viewer("worker", "wk_1", hub_id="hub_1")
    close = Mark("worker", "wk_1", "household_member", unsafe=True)
    marked = mark_safety(a_subject(), "ref_1", close, AT).after
    cleared = mark_safety(marked, "ref_1", replace(close, unsafe=False), AT, lifts=True).after

    assert shown(worker, marked) == "recipient_unsafe"
    assert mark_safety(marked, "ref_1", close, AT).events == ()
    assert isinstance(shown(worker, cleared), Shown)


def test_the_referrer_hears_the_fate_and_not_the_hubs_own_view() -> None:
    result = shown(Viewer("agency", "ag_1"))

    assert isinstance(result, Shown)
    seen = view(HELD, result, {})
    assert seen.status == "allocated"
    assert "risk" not in seen.categories
    assert "worker" not in seen.categories
    assert seen.subject_id is None


def test_an_account_without_reply_channel_reads_nothing_back() -> None:
    signed = [agreement().terms]
    viewer = Viewer("agency", "ag_1", agency_kind="9")

    result = look(HELD.but(reply=False), viewer, a_subject(), signed, "safeguarding", AT)

    assert result == "not_theirs"


HUBS = [Hub("hub_1", frozenset({"northtown"})), Hub("hub_9", frozenset({"far", "both"}))]


@every_case(
    product(
        ["northtown", "far", "both", "nowhere"],
        [None, "hub_1", "hub_9", "hub_2"],
        ["hub_1", "hub_9", "hub_2", "hub_10", None],
    )
)
def test_the_hub_that_holds_it_reads_a_referral_and_until_then_the_one_of_its_area(
    area: str, held_by: str | None, hub_id: str | None
) -> None:
    hubs = [*HUBS, Hub("hub_2", frozenset({"both"}))]
    referral = HELD.but(hub_id=held_by, area=area, worker_id=None)
    serves = {"northtown": "hub_1", "far": "hub_9"}.get(area)

    result = look(referral, manager_of("m", hub_id, hubs), a_subject(), [], "p", AT)

    may = hub_id is not None and hub_id == (held_by or serves)
    assert isinstance(result, Shown) == may
    assert may or result == "not_theirs"
