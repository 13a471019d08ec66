"""Agencies and agreements: whatever is done to one, in any order, what it says stays true."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.referral.agencies.request import AgencyEntry, AgreementEntry
from services.referral.agencies.rule import (
    AGREEMENT_DUE,
    Agreement,
    amend_agency,
    amend_agreement,
    end,
    notice_at,
    propose,
    register_agency,
    review,
    sign,
    watch,
)
from services.referral.documents import Purpose
from shared.errors import Malformed, Refused
from shared.events.agency import AgreementAmended, AgreementSigned
from shared.events.codes import WITHOUT_REPLY
from shared.storage.records import Change, timers_moved

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
repeatable = settings(derandomize=True)
Step = Callable[[Agreement], Change[Agreement]]


def an_entry(purposes: tuple[Purpose, ...] = ("safeguarding",), days: int = 200) -> AgreementEntry:
    return AgreementEntry(
        parties=("hub_1", "ag_police"),
        purposes=purposes,
        categories=("existence", "health"),
        grounds=("consent", "public_task"),
        frequency="weekly",
        effective_from=AT,
        effective_to=AT + days * DAY,
        review_at=AT + (days - 50) * DAY,
    )


def at(day: int) -> datetime:
    return AT + day * DAY


PURPOSES: tuple[tuple[Purpose, ...], ...] = (("safeguarding",), ("safeguarding", "research"))
entries = st.builds(
    an_entry,
    st.sampled_from(PURPOSES),
    st.sampled_from((100, 200)),
)
days = st.integers(1, 210)
steps: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.sampled_from(("hub_1", "ag_police", "ag_other")), st.integers(1, 4)).map(
        lambda drawn: lambda agreement: sign(agreement, *drawn, f"usr_{drawn[0]}")
    ),
    entries.map(lambda entry: lambda agreement: amend_agreement(agreement, entry)),
    st.tuples(days, days).map(
        lambda drawn: lambda agreement: review(agreement, at(drawn[0]), at(drawn[1]))
    ),
    days.map(lambda day: lambda agreement: watch(agreement, at(day))),
    days.map(lambda day: lambda agreement: end(agreement, at(day))),
)


@repeatable
@given(entries, st.lists(steps, max_size=12))
def test_an_agreement_says_what_it_is_and_nothing_twice(
    entry: AgreementEntry, history: list[Step]
) -> None:
    agreement, proposed = propose("agr_1", entry)
    assert (agreement.id, proposed.agreement_id) == ("agr_1", "agr_1")
    assert (proposed.terms, proposed.review_at) == (agreement.terms, entry.review_at)
    assert (agreement.terms.id, agreement.terms.version) == ("agr_1", 1)
    assert agreement.terms.signed_by == ()

    for step in history:
        try:
            change = step(agreement)
        except (Refused, Malformed):
            continue
        assert len(change.events) == (change.after != agreement)
        for event in change.events:
            about = event.model_dump(include={"agreement_id", "terms", "review_at"})
            after = change.after
            assert about["agreement_id"] == "agr_1"
            assert about["terms"] == after.terms.model_dump()
            assert about["review_at"] == after.review_at
            if isinstance(event, AgreementAmended):
                assert after.terms.version == agreement.terms.version + 1
                assert after.past == (*agreement.past, agreement.terms)
                assert after.terms.signed_by == ()
                assert not after.noticed
                assert not after.lapsed
            else:
                assert after.past == agreement.past
            if isinstance(event, AgreementSigned):
                assert set(after.terms.signed_by) == {*agreement.terms.signed_by, event.party}
        agreement = change.after
        repeated = step(agreement) if change.events else change
        assert repeated.events == ()
        assert repeated.after == agreement


@repeatable
@given(entries, st.lists(steps, min_size=2, max_size=6))
def test_the_timer_of_an_agreement_is_where_it_must_next_be_heard_of(
    entry: AgreementEntry, history: list[Step]
) -> None:
    agreement = propose("agr_1", entry)[0]
    due: datetime | None = notice_at(agreement)
    for step in history:
        try:
            change = step(agreement)
        except (Refused, Malformed):
            continue
        due = timers_moved(agreement, change).get(AGREEMENT_DUE, due)
        agreement = change.after
        over = agreement.lapsed or agreement.terms.ended_at is not None
        assert due == (None if over else notice_at(agreement))


def test_notice_comes_thirty_days_before_the_review_and_then_at_the_end() -> None:
    agreement = propose("agr_1", an_entry())[0]

    assert notice_at(agreement) == at(120)
    assert watch(agreement, at(120) - timedelta(seconds=1)).events == ()
    told = watch(agreement, at(120))
    assert told.after.noticed
    assert told.after.timers() == {AGREEMENT_DUE: at(200)}
    assert watch(told.after, at(199)).events == ()
    lapsed = watch(told.after, at(200))
    assert lapsed.after.noticed
    assert (lapsed.after.lapsed, lapsed.after.timers()) == (True, {AGREEMENT_DUE: None})
    assert not lapsed.after.terms.ended_at


def test_a_review_may_be_on_the_last_day_and_must_be_ahead() -> None:
    agreement = propose("agr_1", an_entry())[0]

    assert review(agreement, at(200), at(10)).after.review_at == at(200)
    for then in (at(10), at(201)):
        with pytest.raises(Malformed, match="out_of_range") as refused:
            review(agreement, then, at(10))
        assert refused.value.pointer == "/review_at"


def test_an_agreement_that_has_ended_is_not_reviewed_any_more() -> None:
    over = end(propose("agr_1", an_entry())[0], at(5)).after

    with pytest.raises(Refused, match="agreement_ended"):
        review(over, at(100), at(6))


def test_an_agency_is_what_its_entry_says_and_its_name_is_in_no_event() -> None:
    entry = AgencyEntry(name="Synthetic School", kind="2b", areas=("northtown",))

    agency, registered = register_agency("ag_1", entry, alias="agn_1")
    again = amend_agency(agency, entry)
    moved = amend_agency(agency, entry.model_copy(update={"areas": ("southtown",)}))

    own = {"id": "ag_1", "claimed_kind": None, "alias": "agn_1", **entry.model_dump()}
    assert agency.model_dump(exclude={"version"}) == own
    assert registered.model_dump(exclude_none=True) == {
        "agency_id": "ag_1",
        "kind": "2b",
        "areas": ("northtown",),
        "active": True,
        "alias": "agn_1",
    }
    assert again.events == ()
    assert moved.after.areas == ("southtown",)
    assert moved.events[0].model_dump(exclude_none=True) == {
        "agency_id": "ag_1",
        "kind": "2b",
        "areas": ("southtown",),
        "active": True,
        "alias": "agn_1",
    }


def test_what_an_agency_says_of_itself_gives_it_nothing_till_an_operator_confirms_it() -> None:
    said = AgencyEntry(name="Synthetic School", kind="2b")

    agency, registered = register_agency("ag_1", said, own=True)
    again = amend_agency(agency, said, own=True)
    other = amend_agency(agency, said.model_copy(update={"kind": "6"}), own=True).after
    confirmed = amend_agency(agency, said).after

    assert (agency.kind, agency.claimed_kind) == ("10", "2b")
    assert (registered.kind, registered.claimed_kind) == ("10", "2b")
    assert again.events == ()
    assert (other.kind, other.claimed_kind) == ("10", "6")
    assert (confirmed.kind, confirmed.claimed_kind) == ("2b", None)
    claimed = amend_agency(confirmed, said.model_copy(update={"kind": "6"}), own=True).after
    assert (claimed.kind, claimed.claimed_kind) == ("2b", "6")


@pytest.mark.parametrize("kind", sorted(WITHOUT_REPLY))
def test_that_many_share_an_account_is_believed_at_once(kind: str) -> None:
    said = AgencyEntry.model_validate({"name": "Anyone", "kind": kind})

    assert register_agency("ag_1", said, own=True)[0].kind == kind


@pytest.mark.parametrize("changes", [{"areas": ("northtown",)}, {"active": False}])
def test_an_agency_gives_itself_no_area_and_does_not_go_or_come_back_by_itself(
    changes: dict[str, object],
) -> None:
    said = AgencyEntry(name="Synthetic School", kind="2b")
    agency = register_agency("ag_1", said)[0]
    entry = said.model_copy(update=changes)

    for act in (
        lambda: register_agency("ag_1", entry, own=True),
        lambda: amend_agency(agency, entry, own=True),
    ):
        with pytest.raises(Refused, match="operators_only"):
            act()


@pytest.mark.parametrize("kind", ["2c", "school", "", "11"])
def test_a_kind_that_is_not_in_the_register_is_refused(kind: str) -> None:
    with pytest.raises(ValidationError):
        AgencyEntry.model_validate({"name": "Synthetic School", "kind": kind})
