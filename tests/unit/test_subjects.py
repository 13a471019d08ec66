"""Sharing records of a young person, agreements, and who is shown what."""

from datetime import timedelta
from typing import Any

import pytest

from services.referral.domain.agencies import (
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
from services.referral.domain.disclosure import Shown, Viewer, look, sealed_for, view
from services.referral.domain.incoming import AgreementEntry, BasisEntry, ConsentEntry
from services.referral.domain.referrals import SEALED
from services.referral.domain.subjects import (
    Subject,
    end_basis,
    join,
    leave,
    link,
    mark_safety,
    new_subject,
    record_basis,
    record_consent,
    turn,
)
from shared.errors import Malformed, NotFound, Refused
from shared.sharing import CATEGORIES, SharingState
from tests.unit.test_referral_rules import AT, received


def a_subject(**changes: Any) -> Subject:
    return new_subject("sub_1", "ref_1", "13_to_15")[0].but(**changes)


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


def test_a_consent_is_recorded_once_and_the_event_carries_the_whole_state() -> None:
    once = record_consent(a_subject(), "ref_1", "con_1", consent(), AT)
    twice = record_consent(once.after, "ref_1", "con_1", consent(), AT)

    assert twice.events == ()
    assert once.events[0].model_dump()["sharing"] == once.after.sharing.model_dump()


def test_a_consent_that_is_already_over_is_refused() -> None:
    with pytest.raises(Malformed):
        record_consent(a_subject(), "ref_1", "c", consent(valid_to=AT), AT)


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
    old = record_consent(a_subject(), "ref_1", "con_1", refused, AT).after
    old = mark_safety(old, "ref_1", "ag_2", unsafe=True).after
    other = new_subject("sub_2", "ref_2", "13_to_15")[0]

    joined = join(other, "ref_1", old).after
    left = leave(old, "ref_1", "sub_2").after

    assert joined.referral_ids == ("ref_2", "ref_1")
    assert joined.sharing.consents == old.sharing.consents
    assert joined.sharing.unsafe_agencies == ("ag_2",)
    assert left.referral_ids == ()
    assert join(joined, "ref_1", old).events == leave(left, "ref_1", "sub_2").events == ()


def test_a_second_referral_is_linked_and_the_better_known_age_counts() -> None:
    linked = link(a_subject(), "ref_2", "not_known")

    assert linked.after.referral_ids == ("ref_1", "ref_2")
    assert linked.after.sharing.age_band == "13_to_15"
    assert link(linked.after, "ref_2", "13_to_15").events == ()


def test_the_regime_changes_at_16_and_18_with_notice_ahead_once() -> None:
    sixteen = turn(a_subject(), "16_to_17", ahead=False)
    ahead = turn(sixteen.after, "16_to_17", ahead=True)
    again = turn(ahead.after, "16_to_17", ahead=True)
    eighteen = turn(ahead.after, "18_and_over", ahead=False)

    stages = [c.events[0].model_dump()["stage"] for c in (sixteen, ahead, eighteen)]
    assert stages == ["turned_16", "ahead", "turned_18"]
    assert again.events == ()
    assert eighteen.after.sharing.age_band == "18_and_over"


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


def test_only_parties_sign_and_changed_terms_must_be_signed_again() -> None:
    signed = sign(sign(agreement(), "ag_2", 1).after, "hub_1", 1).after
    amended = amend_agreement(signed, terms(purposes=["education"])).after

    assert signed.terms.signed_by == ("ag_2", "hub_1")
    assert sign(signed, "ag_2", 1).events == ()
    assert amend_agreement(signed, terms()).events == ()
    assert (amended.terms.version, amended.terms.signed_by) == (2, ())
    assert amended.past == (signed.terms,)
    for party, version, code in (("ag_9", 1, "not_a_party"), ("ag_2", 2, "terms_changed")):
        with pytest.raises(Refused) as caught:
            sign(signed, party, version)
        assert caught.value.code == code


def test_an_ended_agreement_is_not_signed_any_more() -> None:
    over = end(agreement(), AT).after

    assert end(over, AT).events == ()
    with pytest.raises(Refused):
        sign(over, "ag_2", 1)


def test_an_agreement_gives_notice_once_and_lapses_once() -> None:
    fresh = agreement()
    notice = watch(fresh, notice_at(fresh))
    lapse = watch(notice.after, fresh.terms.effective_to)

    assert watch(fresh, AT).events == ()
    assert [e.event_type for e in notice.events] == ["agreement.expiring"]
    assert notice.due == {AGREEMENT_DUE: fresh.terms.effective_to}
    assert watch(notice.after, notice_at(fresh)).events == ()
    assert [e.event_type for e in lapse.events] == ["agreement.lapsed"]
    assert lapse.due == {AGREEMENT_DUE: None}
    assert watch(lapse.after, fresh.terms.effective_to).events == ()


def test_a_review_lies_within_the_agreements_time() -> None:
    reviewed = review(agreement(), AT + timedelta(days=300), AT)

    assert reviewed.due == {AGREEMENT_DUE: AT + timedelta(days=270)}
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


def shown(viewer: Viewer, sharing: SharingState = SharingState()) -> Shown | str:  # noqa: B008
    signed = sign(sign(agreement(), "ag_2", 1).after, "hub_1", 1).after
    return look(HELD, viewer, sharing, [signed.terms], "safeguarding", AT)


def consented() -> SharingState:
    return record_consent(a_subject(), "ref_1", "con_1", consent(), AT).after.sharing


@pytest.mark.parametrize(
    ("viewer", "kind"),
    [
        (Viewer("agency", "ag_1"), "referrer"),
        (Viewer("worker", "wk_1", hub_id="hub_1"), "worker"),
        (Viewer("hub_manager", "mg", hub_id="hub_1"), "hub_manager"),
    ],
)
def test_those_whose_work_it_is_see_it_whole(viewer: Viewer, kind: str) -> None:
    result = shown(viewer)

    assert isinstance(result, Shown)
    assert (result.kind, result.categories) == (kind, CATEGORIES)


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
    assert sealed_for(HELD, result) == ["raw_indicators"]
    seen = view(HELD, result, {"raw_indicators": "missing_episodes"})
    assert set(seen.categories) == {"existence", "concerns"}
    assert (seen.status, seen.urgency, seen.subject_id, seen.warnings) == (None, None, None, ())
    assert {w.category for w in seen.withheld} == set(CATEGORIES) - {"existence", "concerns"}


def test_a_partner_with_nothing_permitted_learns_nothing() -> None:
    assert shown(PARTNER) == "nothing_permitted"


def test_an_unsafe_agency_sees_nothing_even_of_its_own_referral() -> None:
    unsafe = SharingState(unsafe_agencies=("ag_1", "ag_2"))

    assert shown(Viewer("agency", "ag_1"), unsafe) == "recipient_unsafe"
    assert shown(PARTNER, unsafe) == "recipient_unsafe"


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

    result = look(HELD.but(reply=False), viewer, SharingState(), signed, "safeguarding", AT)

    assert result == "not_theirs"


def test_a_referral_that_no_hub_holds_is_open_to_every_hub() -> None:
    nobodys = HELD.but(hub_id=None, worker_id=None)

    result = look(nobodys, Viewer("hub_manager", "m", hub_id="hub_9"), SharingState(), [], "p", AT)

    assert isinstance(result, Shown)
