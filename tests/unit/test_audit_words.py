"""What is searched, said, accounted for, who may ask, and what curiosity reports find."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from services.audit.log.leaf import canonical
from services.audit.reports.disclosures import (
    Disclosure,
    disclosure_of,
    invalidated_by,
    rested,
)
from services.audit.reports.gaps import Gap, gaps_of
from services.audit.reports.rules import REPORTS, Finding, Seen
from services.audit.scope import Scope, scope_of
from services.audit.search.complete import (
    complete_for,
    complete_for_entry,
    complete_for_export,
)
from services.audit.search.cursors import cursor_text, read_cursor
from services.audit.search.fields import (
    VERSION,
    fields_from,
    fields_of,
    query_of,
    search_from,
    search_of,
)
from services.audit.search.sentences import sentence
from services.audit.search.spans import ends, span_of, starts
from shared.errors import BadRequest
from shared.events.catalogue import event_types
from shared.events.records import RecordViewed
from shared.rules.sharing import CATEGORIES
from tests.golden.__main__ import sample
from tests.harness.cases import every_case

AT = "2026-03-02T09:30:00.000Z"
MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
GOLDEN = {name: json.loads(sample(data).body()) for name, data in event_types().items()}


def event(event_type: str, *, actor: str = "worker:wk_1", **data: Any) -> dict[str, Any]:
    role = actor.partition(":")[0]
    return {
        **GOLDEN.get(event_type, {}), "id": "evt_1", "source": "/services/x", "type": event_type,
        "subject": "ref_1", "correlationid": "ref_1", "version": 1, "actor": actor,
        "actorrole": role,
        "data": {**GOLDEN.get(event_type, {}).get("data", {}), "referral_id": "ref_1", **data},
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


@every_case(sorted(GOLDEN))
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

    assert "informed" not in fields_of(about)


@pytest.mark.parametrize(
    ("scored", "level", "floor", "said"),
    [
        ("significant", "significant", "mild", "significant (score 5)"),
        ("mild", "significant", "significant",
         "significant (its urgency asks for at least that; its score of 5 alone says mild)"),
        ("mild", "moderate", "none_apparent", "moderate (its score of 5 alone says mild)"),
        (None, "significant", "significant", "significant (score 5)"),
    ],
)  # fmt: skip
def test_a_level_that_the_score_did_not_set_is_not_told_as_if_it_had(
    scored: str | None, level: str, floor: str, said: str
) -> None:
    about = event("risk.assessed", score=5, level=level, floor=floor, scored_level=scored)
    if scored is None:
        del about["data"]["scored_level"]  # of before it was said

    assert f"was assessed as {said}, from: " in sentence(about)


def test_a_day_is_that_of_london_from_its_beginning_to_its_end() -> None:
    in_summer, clocks_go_back = date(2026, 7, 1), date(2026, 10, 25)

    assert span_of(in_summer, in_summer) == {
        "from": "2026-06-30T23:00:00.000Z", "to": "2026-07-01T23:00:00.000Z",
    }  # fmt: skip
    assert ends(clocks_go_back) - starts(clocks_go_back) == timedelta(hours=25)
    assert span_of(MONDAY, MONDAY) == {"from": AT, "to": AT}
    assert span_of(None, None) == {}


def test_an_answer_says_what_it_is_complete_for() -> None:
    assert complete_for(7, 9) == (
        "All that matches and that you may see among the first 7 entries, which are sealed."
        " 2 more are not sealed yet and not in it."
    )
    windowed = complete_for(7, 7, {"from": AT, "to": AT})
    assert (
        f"sealed, recorded from {AT} and before {AT} (days are those of Europe/London)" in windowed
    )
    assert f"sealed, recorded before {AT} (days" in complete_for(7, 6, {"to": AT})


def test_an_export_and_an_entry_by_itself_say_what_they_stand_for() -> None:
    assert complete_for_export(7).startswith(
        "All of the first 7 entries, which are sealed. Nothing"
    )
    some = complete_for_export(7, {"worker": "wk_1", "from": AT})
    assert some.startswith("All that matches and that who fetched it may see among the first 7 ")
    assert f"recorded from {AT} (days" in some
    assert complete_for_entry(6, 7) == (
        "This entry whole, and no other. The trail has 7 entries which are sealed."
    )
    assert complete_for_entry(7, 7).endswith("which are sealed: this one is not yet.")


@every_case(get_args(RecordViewed.model_fields["viewer_kind"].annotation))
def test_every_look_names_the_categories_that_were_seen(kind: str) -> None:
    """Also where nobody decided on any: one's own referral, one's own work."""
    whole = {"worker": CATEGORIES, "hub_manager": CATEGORIES, "operator": ("existence",)}
    verdicts = [
        {"category": "worker", "permitted": True, "ground": "consent", "ground_id": "con_1"},
        {"category": "health", "permitted": False, "reason": "no_ground"},
    ]
    for part in get_args(RecordViewed.model_fields["part"].annotation):
        of_agency = kind in ("agency", "referrer")
        looked = event(
            "record.viewed", viewer_kind=kind, part=part, verdicts=verdicts if of_agency else []
        )
        line = disclosure_of(1, looked, AT)
        assert line is not None
        assert line.categories, (kind, part)
        assert set(line.categories).isdisjoint({"health"} if of_agency else ()), (kind, part)
        if part == "record" and kind in whole:
            assert line.categories == whole[kind]
        if part == "record" and of_agency:
            own = ("existence", "worker", "outcome")
            assert line.categories == (own if kind == "referrer" else ("worker",))


@every_case(["allocated_worker", "hub_oversight", "fate_of_own_referral", "operations"])
def test_every_notice_of_a_referral_names_what_it_told(ground: str) -> None:
    told = disclosure_of(1, event("notification.created", ground=ground, verdicts=[]), AT)

    assert told is not None
    fate = ("existence", "outcome")
    assert told.categories == (fate if ground == "fate_of_own_referral" else fate[:1])
    empty = event("notification.created", ground=ground, verdicts=[], referral_id=None)
    assert (line := disclosure_of(1, empty, AT)) is not None
    assert line.categories == ()


def test_an_agency_deep_inside_an_event_is_found_by_auditors_and_told_nothing() -> None:
    (concern,) = GOLDEN["referral.received"]["data"]["concerns"]
    concerns = [{**concern, "agency_id": "ag_2"}]
    about = event("referral.received", agency_id="ag_1", concerns=concerns)

    assert fields_of(about)["agency"] == ["ag_1", "ag_2"]
    assert fields_of(about)["informed"] == ["ag_1"]


def test_the_sharing_state_that_rides_on_an_event_is_not_what_it_is_about() -> None:
    about = event("subject.linked", sharing={"bases": [{"basis": "public_task"}]})

    assert "ground" not in fields_of(about)


AGENCY_FIELDS = ("agency_id", "host_agency_id", "agencies", "agency_ids", "parties")
WORKER_FIELDS = (
    *("worker_id", "holder_id", "from_worker_id", "to_worker_id", "declined_by"),
    *("lapsed_with", "last_worker_id"),
)


def values_of(data: Any, names: tuple[str, ...], name: str = "") -> set[str]:
    """Every text under one of these names, wherever it is; the sharing state is a snapshot."""
    if isinstance(data, dict):
        inner = ((k, v) for k, v in data.items() if k != "sharing")
        return {text for k, v in inner for text in values_of(v, names, k)}
    if isinstance(data, list):
        return {text for v in data for text in values_of(v, names, name)}
    return {data} if isinstance(data, str) and name in names else set()


@every_case(sorted(GOLDEN))
def test_an_event_is_found_by_every_agency_and_worker_it_names(name: str) -> None:
    fields, data = fields_of(GOLDEN[name]), GOLDEN[name]["data"]

    assert values_of(data, AGENCY_FIELDS) <= {*fields.get("agency", ())}
    assert values_of(data, WORKER_FIELDS) <= {*fields.get("worker", ())}
    assert values_of(data, ("hub_id",)) <= {*fields.get("hub", ())}
    assert values_of(data, ("recipient_id",)) <= {*fields.get("recipient", ())}


@every_case(sorted(GOLDEN))
def test_no_sentence_is_the_name_of_the_type(name: str) -> None:
    plain = name.replace(".", " ").replace("_", " ")

    assert plain not in sentence(GOLDEN[name])
    assert len(sentence(GOLDEN[name]).split()) > 2


CONSENT = GOLDEN["consent.recorded"]["data"]["consent"]
MARKED = {"marked_kind": "agency", "marked_id": "ag_1"}


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("consent.recorded", {"consent": {**CONSENT, "status": "given"}}, "permitted"),
        ("consent.recorded", {"consent": {**CONSENT, "status": "refused"}}, "forbidden"),
        ("consent.recorded", {"consent": {**CONSENT, "status": "withdrawn"}}, "forbidden"),
        ("consent.recorded", {"consent": {**CONSENT, "status": "not_asked"}}, None),
        ("consent.invalidated", {"consent": {**CONSENT, "status": "given"}}, "forbidden"),
        ("consent.invalidated", {"consent": {**CONSENT, "status": "refused"}}, None),
        ("sharing.basis_recorded", {}, "permitted"),
        ("sharing.basis_ended", {}, "forbidden"),
        ("sharing.safety_marked", {**MARKED, "unsafe": True}, "forbidden"),
        ("sharing.safety_marked", {**MARKED, "unsafe": False}, "permitted"),
        ("notification.created", {}, "shared"),
        ("notification.withheld", {}, "withheld"),
        ("notification.retracted", {}, "retracted"),
        ("record.viewed", {}, "viewed"),
        ("record.refused", {}, "refused"),
        ("trail.queried", {"outcome": "answered"}, "asked"),
        ("trail.queried", {"outcome": "refused"}, "refused"),
        ("allocation.made", {}, None),
    ],
)
def test_what_an_event_means_for_the_accounting(
    name: str, data: dict[str, Any], kind: str | None
) -> None:
    line = disclosure_of(1, event(name, **data), AT)

    assert (line.kind if line else None) == kind


def test_what_is_none_of_our_events_is_still_found_and_told() -> None:
    strange = event("something.new", agency_id="ag_1")

    assert fields_of(strange) == {
        "type": "something.new",
        "actor": "worker:wk_1",
        "referral_id": "ref_1",
        "worker": ["wk_1"],
    }
    assert sentence(strange) == "worker wk_1: something new."
    assert disclosure_of(1, strange, AT) is None


def test_an_agency_sees_only_that_entries_concerning_it_exist() -> None:
    where = {"referral_id": "ref_1"}
    agency = scope_of("own_agency", where, "ag_1")
    assert agency == Scope({**where, "informed": "ag_1"}, leaves=False)
    for whole in (scope_of("auditor", where, None), scope_of("manager_of_hub", where, None)):
        assert whole == Scope(where, leaves=True)


def test_a_look_at_ones_own_is_not_told_as_seeing_nothing() -> None:
    fields: dict[str, Any] = {"purpose": "safeguarding", "verdicts": [], "earlier": False}
    own = event("record.viewed", actor="agency:ag_1", viewer_kind="referrer", **fields)
    work = event("record.viewed", viewer_kind="worker", **fields)

    whole = event("record.viewed", viewer_kind="worker", **{**fields, "earlier": True})

    told = sentence(own, for_agency=False)

    assert sentence(whole, for_agency=False) == (
        "worker wk_1 viewed all of ref_1, with earlier values, for safeguarding."
    )
    parts = {
        "search_hit": "worker wk_1 found ref_1 by a search, for safeguarding.",
        "match": "worker wk_1 viewed the possible matches of ref_1, for safeguarding.",
    }
    for part, says in parts.items():
        seen = event("record.viewed", viewer_kind="worker", **{**fields, "part": part})
        assert sentence(seen, for_agency=False) == says
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
        basis = {
            **GOLDEN["sharing.basis_recorded"]["data"]["basis"],
            "review_at": "2026-06-01T00:00:00Z",
            **changes,
        }
        return event("sharing.basis_recorded", basis=basis)

    name = "overrides_never_reviewed"
    later = decided(review_at="2099-01-01T00:00:00Z")
    assert [f.entries for f in report(name, (NOW, decided()))] == [(0,)]
    assert report(name, (NOW, later)) == []
    assert report(name, (NOW, decided()), (DAY, later)) == []
    assert report(name, (NOW, decided()), (DAY, event("sharing.basis_ended"))) == []


def test_the_rule_of_every_report_is_told_in_words() -> None:
    assert all(len(r.rule) > 60 for r in REPORTS.values())


def test_a_strange_cursor_is_refused_with_its_code() -> None:
    with pytest.raises(BadRequest) as refused:
        read_cursor("1")
    assert refused.value.code == "cursor_invalid"


def test_gaps_are_in_the_order_they_opened_and_only_of_events_with_a_version() -> None:
    def numbered(subject: str, version: Any, **changes: Any) -> dict[str, Any]:
        return {**event("x"), "subject": subject, "version": version, **changes}

    found = gaps_of(
        enumerate(
            [
                numbered("b", 4),
                numbered("a", 3, source="/services/y"),
                numbered("b", 4),
                numbered("c", "7"),
                numbered("c", 9, id="trail:1"),
                {"version": 2},
                numbered("b", 3),
                numbered("a", 2, source="/services/y"),
                numbered("b", 1),
                numbered("b", 5),
            ]
        )
    )

    assert found == [
        Gap("/services/x", "b", 2, 0, None),
        Gap("/services/y", "a", 1, 1, None),
        Gap("None", "None", 1, 5, None),
        Gap("/services/x", "b", 1, 0, 8),
        Gap("/services/x", "b", 3, 0, 6),
        Gap("/services/y", "a", 2, 1, 7),
    ]


def test_of_an_endless_gap_the_first_thousand_are_told() -> None:
    jump = {**event("x"), "subject": "a", "version": 5000}

    assert [gap.missing for gap in gaps_of([(7, jump)])] == list(range(1, 1001))


def test_a_line_of_the_accounting_is_what_the_event_declares_and_who_did_it() -> None:
    verdicts = [
        {"category": "existence", "permitted": True, "ground": "consent", "ground_id": "con_1"},
        {"category": "worker", "permitted": False, "reason": "no_ground"},
    ]
    looked = event("record.viewed", verdicts=verdicts, purpose="safeguarding", viewer_kind="agency")

    line = disclosure_of(7, looked, AT)

    told = RecordViewed.model_validate(looked["data"]).disclosure()
    assert told is not None
    assert line == Disclosure(
        seq=7,
        at=AT,
        kind="viewed",
        by="worker:wk_1",
        referral_id="ref_1",
        recipients=told.recipients or ("worker:wk_1",),
        categories=told.categories,
        grounds=told.grounds,
        ground_ids=("con_1",),
        agreements=told.agreements,
        purpose="safeguarding",
        withheld=told.withheld,
    )
    assert line.categories
    assert line.withheld
    mistaken = {**CONSENT, "id": "con_1"}
    for said, invalid in (
        (event("consent.invalidated", consent=mistaken), ("con_1",)),
        (event("consent.reviewed", consent=mistaken, confirmed=False), ("con_1",)),
        (event("consent.reviewed", consent=mistaken, confirmed=True), ()),
        (event("consent.invalidated", consent={**mistaken, "id": "con_2"}), ()),
        (event("consent.recorded", consent=mistaken), ()),
    ):
        ids = [consent_id for consent_id in [invalidated_by(said)] if consent_id]
        (after,) = rested([line], ids)
        assert after == line.model_copy(update={"invalidated": invalid})


@every_case(sorted(GOLDEN))
def test_who_looked_or_asked_is_the_recipient_of_what_they_saw(name: str) -> None:
    data = event_types()[name].model_validate(GOLDEN[name]["data"])
    told = data.disclosure()
    line = disclosure_of(0, GOLDEN[name], AT)

    assert (line is None) == (told is None)
    if line and told:
        asker = (GOLDEN[name]["actor"],) if told.kind in ("viewed", "refused", "asked") else ()
        assert line.recipients == (told.recipients or asker)
        whole = (told.categories, told.grounds, told.agreements, told.purpose, told.withheld)
        assert (
            line.categories, line.grounds, line.agreements, line.purpose, line.withheld,
        ) == whole  # fmt: skip
        assert (line.by, line.referral_id) == (GOLDEN[name]["actor"], data.parties().referral_id)


def test_what_is_none_of_our_events_is_named_as_it_is() -> None:
    strange = {"type": "some_thing.odd", "actor": "service:x"}

    assert sentence(strange) == "the x service: some thing odd."
    assert sentence(strange, for_agency=True) == "some thing odd."
    assert sentence({"actor": "worker:wk:1"}) == "worker wk:1: ."
    assert sentence({"type": "a"}) == "someone: a."


def test_an_entry_is_searched_by_any_of_a_list_and_all_of_the_rest() -> None:
    assert query_of({"from": "a", "to": "b"}) == {}
    assert query_of({"type": ["a", "b"], "from": "c", "hub": "h", "worker": "w"}) == {
        "fields.keys": {"$in": ["type:a", "type:b"], "$all": ["hub:h", "worker:w"]}
    }
    assert query_of({"hub": "h"}) == {"fields.keys": {"$all": ["hub:h"]}}


def test_a_stored_leaf_gives_the_fields_it_is_found_by() -> None:
    strange = {"type": "x.refused", "correlationid": "ref_9", "actor": "worker:wk_1"}
    leaf = canonical({"event": strange, "recorded_at": AT})
    found = {
        "type": "x.refused", "actor": "worker:wk_1", "referral_id": "ref_9",
        "worker": ["wk_1"], "outcome": ["refused"],
    }  # fmt: skip

    assert fields_from(leaf) == fields_of(strange) == found
    assert search_from(leaf) == search_of(found) == {
        "keys": [
            "actor:worker:wk_1", "outcome:refused", "referral_id:ref_9", "type:x.refused",
            "worker:wk_1",
        ],
        "version": VERSION,
    }  # fmt: skip
    agency = fields_of({"type": "trail.x", "correlationid": "c", "actor": "agency:ag_1"})
    assert agency == {"type": "trail.x", "actor": "agency:ag_1", "agency": ["ag_1"]}
    assert fields_of({"type": "trail.x"}) == {"type": "trail.x"}


def test_a_finding_names_who_and_what_and_the_entry() -> None:
    summer = timedelta(days=120, hours=8, minutes=30)  # 18:00 UTC, 19:00 in London

    assert report("out_of_hours", (summer, event("record.viewed"))) == [
        Finding("worker:wk_1", "worker:wk_1 viewed ref_1 on Tue 30 Jun 2026 at 19:00.", (0,))
    ]
    assert report("viewed_without_allocation", (NOW, event("record.viewed"))) == [
        Finding("worker:wk_1", "worker:wk_1 viewed ref_1, which was not theirs.", (0,))
    ]
    for minutes, found in ((-91, 1), (-90, 0), (509, 0), (510, 1)):  # 08:00 and 18:00 in London
        looked = report("out_of_hours", (minutes * MINUTE, event("record.viewed")))
        assert len(looked) == found, minutes


def test_the_end_of_a_run_is_when_nothing_was_left_within_the_time() -> None:
    refused = event("record.refused")
    other = event("record.refused", actor="worker:wk_2")
    exactly = [(12 * n * HOUR, refused) for n in range(3)]
    late = [(12 * n * HOUR + (n == 2) * MINUTE, refused) for n in range(3)]

    assert [f.entries for f in report("repeated_refusals", *exactly)] == [(0, 1, 2)]
    assert report("repeated_refusals", *late) == []
    runs = report(
        "repeated_refusals",
        *((n * MINUTE, other if n % 2 else refused) for n in range(6)),
        *((3 * DAY + n * MINUTE, refused) for n in range(3)),
    )
    assert runs == [
        Finding(actor, f"{actor} was refused 3 times within 24 hours.", entries)
        for actor, entries in (
            ("worker:wk_1", (0, 2, 4)), ("worker:wk_2", (1, 3, 5)), ("worker:wk_1", (6, 7, 8)),
        )
    ]  # fmt: skip


def test_a_review_date_is_missed_from_the_next_moment_on() -> None:
    at = MONDAY + timedelta(days=400)

    def decided(review_at: datetime) -> dict[str, Any]:
        basis = {**GOLDEN["sharing.basis_recorded"]["data"]["basis"]}
        return event("sharing.basis_recorded", basis={**basis, "review_at": review_at.isoformat()})

    assert report("overrides_never_reviewed", (NOW, decided(at))) == []
    assert report("overrides_never_reviewed", (NOW, decided(at - MINUTE))) == [
        Finding("worker:wk_1", "worker:wk_1's decision about ref_1 was never reviewed.", (0,))
    ]


def test_a_report_says_its_rule_and_reads_just_its_types() -> None:
    bulk = REPORTS["bulk_reading"]

    assert (bulk.name, bulk.types) == ("bulk_reading", ("record.viewed",))
    assert bulk.rule == (
        "The same person or agency viewed more than 20 different referrals within one hour."
    )
    assert REPORTS["viewed_without_allocation"].types == (
        "record.viewed", "allocation.made", "allocation.handed_over",
    )  # fmt: skip
    long = REPORTS["repeated_refusals"].rule
    assert "  " not in long
    assert "\n" not in long
