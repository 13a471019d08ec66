"""What is searched, said, accounted for, who may ask, and what curiosity reports find."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from services.audit.domain.cursors import cursor_text, read_cursor
from services.audit.domain.disclosures import disclosure_of
from services.audit.domain.fields import fields_of
from services.audit.domain.gaps import Gap, gaps_of
from services.audit.domain.leaf import canonical
from services.audit.domain.reports import REPORTS, Finding, Seen
from services.audit.domain.scope import scope_of
from services.audit.domain.sentences import sentence
from shared.errors import BadRequest, Forbidden
from shared.events.catalogue import event_types
from shared.events.codes import Role
from tests.golden.__main__ import sample

AT = "2026-03-02T09:30:00.000Z"
MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
GOLDEN = {name: json.loads(sample(data).body()) for name, data in event_types().items()}


def event(event_type: str, *, actor: str = "worker:wk_1", **data: Any) -> dict[str, Any]:
    role = actor.partition(":")[0]
    return {
        "id": "evt_1", "source": "/services/x", "type": event_type, "subject": "ref_1",
        "correlationid": "ref_1", "version": 1, "actor": actor, "actorrole": role,
        "data": {"referral_id": "ref_1", **data},
    }  # fmt: skip


ascii_text = st.text(st.characters(max_codepoint=127), max_size=8)
leaves: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1)
leaves |= st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ascii_text, inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_our_canonical_json_is_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_every_type_of_event_has_fields_a_sentence_and_is_accounted_for_or_not(name: str) -> None:
    known = GOLDEN[name]

    fields = fields_of(known)
    said = sentence(known)
    told = sentence(known, for_agency=True)
    disclosure_of(1, known, AT)

    assert fields["type"] == name
    assert all(isinstance(v, str) or v == sorted(set(v)) for v in fields.values())
    for text in (said, told):
        assert text.endswith(".")
        assert "\n" not in text
        assert "None" not in text
    assert "subject_id_1" not in told
    assert "worker_id_1" not in told


@pytest.mark.parametrize(
    "name", ["notification.withheld", "sharing.safety_marked", "record.refused", "risk.assessed"]
)
def test_no_agency_is_told_of_these(name: str) -> None:
    about = event(name, agency_id="ag_1", recipient_kind="agency", recipient_id="ag_1")

    assert "concerns" not in fields_of(about)


def test_an_agency_deep_inside_an_event_is_found_by_auditors_and_told_nothing() -> None:
    about = event("referral.received", agency_id="ag_1", concerns=[{"agency_id": "ag_2"}])

    assert fields_of(about)["agency"] == ["ag_1", "ag_2"]
    assert fields_of(about)["concerns"] == ["ag_1"]


def test_the_sharing_state_that_rides_on_an_event_is_not_what_it_is_about() -> None:
    about = event("subject.linked", sharing={"bases": [{"basis": "public_task"}]})

    assert "ground" not in fields_of(about)


def test_the_scope_of_each_role() -> None:
    where = {"referral_id": "ref_1"}
    assert scope_of("auditor", {}, agency_id=None, hub_id=None).leaves
    assert scope_of("hub_manager", where, agency_id=None, hub_id="hub_1").hub_id == "hub_1"
    agency = scope_of("agency", where, agency_id="ag_1", hub_id=None)
    assert (agency.leaves, agency.where) == (False, {**where, "concerns": "ag_1"})
    assert agency.sees({"concerns": ["ag_1"]})
    assert not agency.sees({"agency": ["ag_1"]})
    others: tuple[Role, ...] = ("worker", "operator", "service")
    for role in others:
        with pytest.raises(Forbidden):
            scope_of(role, where, agency_id="ag_1", hub_id="hub_1")
    with pytest.raises(Forbidden):
        scope_of("hub_manager", {"subject_id": "sub_1"}, agency_id=None, hub_id="hub_1")


def test_a_look_at_ones_own_is_not_told_as_seeing_nothing() -> None:
    fields: dict[str, Any] = {"purpose": "safeguarding", "verdicts": []}
    own = event("record.viewed", actor="agency:ag_1", viewer_kind="referrer", **fields)
    work = event("record.viewed", viewer_kind="worker", **fields)

    told = sentence(own, for_agency=False)

    assert told == "agency ag_1 viewed its own referral ref_1, for safeguarding."
    assert sentence(work, for_agency=False) == "worker wk_1 viewed all of ref_1, for safeguarding."


def test_a_cursor_is_read_back_and_a_strange_one_refused() -> None:
    assert read_cursor(cursor_text(70, 12)) == (70, 12)
    for strange in ("", "1", "1.2.3", "-1.2", "01.2", "١.٢", "1.2\n"):
        with pytest.raises(BadRequest):
            read_cursor(strange)


def test_a_gap_opens_and_closes_and_an_open_one_comes_first() -> None:
    def numbered(subject: str, version: int) -> dict[str, Any]:
        return {**event("x"), "subject": subject, "version": version}

    order = [("a", 1), ("a", 3), ("b", 2), ("a", 2), ("a", 2)]
    found = gaps_of((seq, numbered(*entry)) for seq, entry in enumerate(order))

    assert found == [
        Gap("/services/x", "b", 1, 2, None),
        Gap("/services/x", "a", 2, 1, 3),
    ]


def seen(*entries: tuple[timedelta, dict[str, Any]]) -> list[Seen]:
    return [Seen(seq, MONDAY + after, what) for seq, (after, what) in enumerate(entries)]


def report(name: str, *entries: tuple[timedelta, dict[str, Any]]) -> list[Finding]:
    return REPORTS[name].find(seen(*entries), MONDAY + timedelta(days=400))


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = timedelta()


def test_viewed_without_allocation_spares_the_allocated_worker_and_the_manager() -> None:
    made = event("allocation.made", actor="service:allocation", worker_id="wk_1")
    found = report(
        "viewed_without_allocation",
        (NOW, event("record.viewed")),
        (MINUTE, made),
        (HOUR, event("record.viewed")),
        (HOUR, event("record.viewed", actor="worker:wk_2")),
        (HOUR, event("record.viewed", actor="hub_manager:mg_1")),
    )

    assert [(f.actor, f.entries) for f in found] == [("worker:wk_1", (0,)), ("worker:wk_2", (3,))]


def test_repeated_refusals_are_three_within_a_day_told_once_a_run() -> None:
    refused = event("record.refused")
    asked = event("trail.queried", outcome="refused")
    found = report(
        "repeated_refusals",
        (NOW, refused), (HOUR, asked), (2 * HOUR, refused), (3 * HOUR, refused),
        (10 * DAY, refused), (10 * DAY, refused),
    )  # fmt: skip

    assert [f.entries for f in found] == [(0, 1, 2, 3)]
    assert "4 times" in found[0].says


def test_bulk_reading_counts_different_referrals_within_an_hour() -> None:
    many = [(n * MINUTE, event("record.viewed", referral_id=f"ref_{n}")) for n in range(21)]
    same = [(n * MINUTE, event("record.viewed", actor="worker:wk_2")) for n in range(40)]
    slow = [(n * HOUR, event("record.viewed", referral_id=f"ref_{n}")) for n in range(30)]

    assert [f.actor for f in report("bulk_reading", *many)] == ["worker:wk_1"]
    assert report("bulk_reading", *many[:20]) == []
    assert report("bulk_reading", *same) == []
    assert report("bulk_reading", *slow) == []


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (NOW, 0),
        (9 * HOUR, 1),  # 18:30
        (-2 * HOUR, 1),  # 07:30
        (5 * DAY, 1),  # Saturday
        (35 * DAY, 1),  # Easter Monday 2026
    ],
)
def test_out_of_hours_knows_evenings_weekends_and_holidays(after: timedelta, found: int) -> None:
    assert len(report("out_of_hours", (after, event("record.viewed")))) == found


def test_overrides_never_reviewed_are_those_whose_date_has_passed_without_a_word() -> None:
    def decided(**changes: Any) -> dict[str, Any]:
        basis = {"basis": "public_task", "review_at": "2026-06-01T00:00:00Z", **changes}
        return event("sharing.basis_recorded", basis=basis)

    name = "overrides_never_reviewed"
    later = decided(review_at="2099-01-01T00:00:00Z")
    assert [f.entries for f in report(name, (NOW, decided()))] == [(0,)]
    assert report(name, (NOW, later)) == []
    assert report(name, (NOW, decided()), (DAY, later)) == []
    assert report(name, (NOW, decided()), (DAY, event("sharing.basis_ended"))) == []


def test_the_rule_of_every_report_is_told_in_words() -> None:
    assert all(len(r.rule) > 60 for r in REPORTS.values())
