"""Concerns of all agencies add up; judgement overrides; a score alone never lowers a response."""

import pytest

from services.allocation.domain.subjects import (
    REASSESS_DUE,
    Subject,
    absorb,
    first_seen,
    judge,
    reassess,
    remind_to_reassess,
    respond,
)
from shared.events.codes import RiskLevel
from shared.events.referral import Concern
from tests.unit.allocation.given import AT, POLICY, concern, later, received


def after(*reports: Concern) -> tuple[Subject, list[str]]:
    """The subject after one referral per report, and the types of all events."""
    subject, event, _ = first_seen(received(reports[0], referral_id="ref_0"), POLICY, AT)
    types = [event.event_type]
    for number, report in enumerate(reports[1:], 1):
        change = absorb(subject, received(report, referral_id=f"ref_{number}"), POLICY, AT)
        subject, types = change.after, types + [e.event_type for e in change.events]
    return subject, types


def judged(level: RiskLevel, subject: Subject) -> Subject:
    return judge(
        subject,
        level,
        "known_history",
        referral_id="ref_0",
        by="worker:wk_one",
        policy=POLICY,
        at=AT,
    ).after


def test_three_low_level_concerns_from_three_agencies_cross_a_band_and_escalate() -> None:
    subject, types = after(
        concern("staying_out_late", agency="ag_school"),
        concern("drug_use", agency="ag_health"),
        concern("unknown_callers", agency="ag_police"),
    )

    assert subject.assessment.score == 3, "low by points"
    assert subject.level == "mild"
    assert types == ["risk.assessed", "risk.assessed", "risk.assessed", "risk.escalated"]


def test_the_same_concern_from_three_agencies_escalates_too() -> None:
    subject, types = after(*(concern("drug_use", agency=f"ag_{n}") for n in range(3)))

    assert (subject.level, types[-1]) == ("mild", "risk.escalated")


def test_one_agency_reposting_the_same_concern_three_times_adds_nothing() -> None:
    subject, types = after(*(concern("drug_use", at=later(days=n)) for n in range(3)))

    assert subject.level == "none_apparent"
    assert (len(subject.concerns), subject.assessment.score) == (1, 1)
    assert "risk.escalated" not in types


def test_the_same_referral_again_changes_nothing_and_a_newer_version_does() -> None:
    subject, _ = after(concern("drug_use"))
    again = received(concern("drug_use"), referral_id="ref_0")
    amended = received(concern("images_shared"), referral_id="ref_0", version=2)

    assert absorb(subject, again, POLICY, AT).events == ()
    assert absorb(subject, amended, POLICY, AT).after.assessment.score == 6


def test_a_score_alone_never_lowers_a_response() -> None:
    subject, _ = after(*(concern(code) for code in ("images_shared", "older_partner")))

    looked_again = reassess(
        subject, referral_id="ref_0", by="worker:wk_one", policy=POLICY, at=later(days=400)
    ).after

    assert looked_again.assessment.level == "none_apparent"
    assert looked_again.level == "mild"


@pytest.mark.parametrize("level", ["none_apparent", "significant"])
def test_a_practitioner_overrides_in_either_direction(level: RiskLevel) -> None:
    subject, _ = after(*(concern(code) for code in ("images_shared", "older_partner")))

    after_judging = judged(level, subject)

    assert after_judging.level == level
    assert respond(after_judging, "immediate", POLICY) == "significant", "urgency keeps its floor"


def test_a_judgement_stands_until_the_score_rises_above_what_was_judged() -> None:
    subject, _ = after(concern("images_shared"), concern("older_partner"))
    low = judged("none_apparent", subject)

    again = concern("images_shared", agency="ag_health")
    same_band = absorb(low, received(again, referral_id="ref_8"), POLICY, AT)
    higher = absorb(low, received(concern("trafficking_concern"), referral_id="ref_9"), POLICY, AT)

    assert same_band.after.level == "none_apparent"
    assert higher.after.level == "moderate"
    assert [e.event_type for e in higher.events] == ["risk.assessed", "risk.escalated"]


def test_the_same_judgement_again_is_one() -> None:
    subject, _ = after(concern("images_shared"))
    once = judged("moderate", subject)

    twice = judge(
        once,
        "moderate",
        "known_history",
        referral_id="ref_0",
        by="worker:wk_one",
        policy=POLICY,
        at=later(hours=1),
    )

    assert twice.events == ()


def test_someone_must_look_again_after_three_months_and_is_reminded_until_then() -> None:
    subject, _, due = first_seen(received(concern("drug_use")), POLICY, AT)
    assert due == {REASSESS_DUE: later(days=91)}

    early = remind_to_reassess(subject, ("ref_0",), POLICY, later(days=90))
    first = remind_to_reassess(subject, ("ref_0",), POLICY, later(days=91))
    twice = remind_to_reassess(first.after, ("ref_0",), POLICY, later(days=91))
    closed = remind_to_reassess(subject, (), POLICY, later(days=91))

    assert early.events == twice.events == ()
    assert [e.event_type for e in first.events] == ["risk.reassessment_due"]
    assert first.due == {REASSESS_DUE: later(days=98)}
    assert closed.due == {REASSESS_DUE: None}, "nobody works with them: the clock stops"
