"""Concerns of all agencies add up; judgement overrides; a score alone never lowers a response."""

from datetime import timedelta

import pytest

from services.allocation.risk.history import Judgement, Reported
from services.allocation.risk.looking import judge, reassess, remind_to_reassess
from services.allocation.risk.score import assess
from services.allocation.risk.subject import REASSESS_DUE, Subject, absorb, first_seen, respond
from shared.events.codes import RiskLevel
from shared.events.referral import Concern
from shared.storage.records import Change
from tests.unit.allocation.given import AT, POLICY, concern, later, outcome, received


def after(*reports: Concern) -> tuple[Subject, list[str]]:
    """The subject after one referral per report, and the types of all events."""
    subject, event = first_seen(received(reports[0], referral_id="ref_0"), POLICY, AT)
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
    subject, _ = first_seen(received(concern("drug_use")), POLICY, AT)
    assert subject.timers() == {REASSESS_DUE: later(days=POLICY.reassess_after_days)}

    early = remind_to_reassess(
        subject, ("ref_0",), POLICY, later(days=POLICY.reassess_after_days - 1)
    )
    first = remind_to_reassess(subject, ("ref_0",), POLICY, later(days=POLICY.reassess_after_days))
    twice = remind_to_reassess(
        first.after, ("ref_0",), POLICY, later(days=POLICY.reassess_after_days)
    )
    closed = remind_to_reassess(subject, (), POLICY, later(days=POLICY.reassess_after_days))

    assert early.events == twice.events == ()
    assert [e.event_type for e in first.events] == ["risk.reassessment_due"]
    assert first.after.timers() == {
        REASSESS_DUE: later(days=POLICY.reassess_after_days + POLICY.remind_every_days)
    }
    assert closed.due == {REASSESS_DUE: None}, "nobody works with them: the clock stops"


def test_every_look_is_told_whole_and_sets_the_next() -> None:
    subject, _ = after(concern("images_shared"), concern("older_partner"))
    now, next_at = later(days=200), later(days=200 + POLICY.reassess_after_days)
    stands = {
        "subject_id": "sub_one",
        "score": 10,
        "scored_level": "mild",
        "level": "mild",
        "agencies": 1,
        "policy_version": POLICY.version,
    }
    who = {"referral_id": "ref_0", "by": "worker:wk_one"}

    def look(subject: Subject) -> Change[Subject]:
        return reassess(subject, referral_id="ref_0", by="worker:wk_one", policy=POLICY, at=now)

    def set_to(level: RiskLevel, subject: Subject) -> Change[Subject]:
        return judge(
            subject, level, "known_history", referral_id="ref_0", by="worker:wk_one",
            policy=POLICY, at=now,
        )  # fmt: skip

    judged_ = set_to("significant", subject)
    judgement = Judgement(
        level="significant", reason="known_history", by="worker:wk_one", at=now, scored_level="mild"
    )
    assert outcome(subject, judged_) == {
        "changed": {
            "judgement": judgement,
            "level": "significant",
            "reassess_at": next_at,
            "reported": {
                **subject.reported,
                "ref_0": subject.reported["ref_0"].model_copy(
                    update={"judgement": judgement, "over": tuple(sorted(subject.referrals))}
                )
            },
        },
        "said": {
            "risk.judged": {
                **stands, **who, "level": "significant", "from_level": "mild",
                "reason": "known_history",
            },
        },
    }  # fmt: skip
    assert set_to("significant", judged_.after) == Change(judged_.after)

    looked = look(subject)
    older = assess(subject.concerns, POLICY, now)
    faded = {**stands, "score": older.score, "scored_level": older.level}
    assert older.score < 10
    assert outcome(subject, looked) == {
        "changed": {"assessment": older, "reassess_at": next_at},
        "said": {"risk.reassessed": {**faded, **who, "due_at": next_at}},
    }

    # Nobody had looked since more was known than the level says.
    new = [concern(code, at=now) for code in ("images_shared", "older_partner")]
    behind = look(subject.but(level="none_apparent", concerns=new))
    assert [event.event_type for event in behind.events] == ["risk.reassessed", "risk.escalated"]
    assert behind.events[1].model_dump(include={"referral_id", "from_level", "level"}) == {
        "referral_id": "ref_0", "from_level": "none_apparent", "level": behind.after.level,
    }  # fmt: skip
    assert behind.after.level != "none_apparent"


def test_a_reminder_says_when_it_was_looked_at_and_what_is_open() -> None:
    subject, _ = after(concern("images_shared"))
    due = subject.reassess_at

    change = remind_to_reassess(subject, ("ref_0", "ref_1"), POLICY, due)

    again = due + timedelta(days=POLICY.remind_every_days)
    said = outcome(subject, change)
    assert said["changed"] == {"reassess_at": again}
    reminder = said["said"]["risk.reassessment_due"]
    assert (reminder["assessed_at"], reminder["open_referrals"]) == (AT, ("ref_0", "ref_1"))
    assert (reminder["score"], reminder["level"]) == (5, subject.level)
    assert remind_to_reassess(subject, ("ref_0",), POLICY, AT) == Change(subject)


def test_an_absorbed_report_is_told_whole() -> None:
    subject, _ = after(concern("missing_episodes", agency="ag_police"))
    event = received(
        concern("sexually_transmitted_infection", agency="ag_health"),
        referral_id="ref_7",
        version=4,
        urgency="same_day",
    )

    change = absorb(subject, event, POLICY, later(days=1))

    whole = assess(change.after.concerns, POLICY, later(days=1))
    next_at = later(days=1 + POLICY.reassess_after_days)
    assert outcome(subject, change) == {
        "changed": {
            "concerns": change.after.concerns,
            "referrals": {"ref_0": 1, "ref_7": 4},
            "reported": {
                **subject.reported,
                "ref_7": Reported(home="sub_one", concerns=event.data.concerns),
            },
            "assessment": whole,
            "level": whole.level,
            "reassess_at": next_at,
        },
        "said": {
            "risk.assessed": {
                "referral_id": "ref_7",
                "subject_id": "sub_one",
                "score": 6,
                "scored_level": "moderate",
                "level": "moderate",
                "floor": "moderate",
                "contributions": whole.contributions,
                "combinations": ("missing_and_sexual_health",),
                "policy_version": POLICY.version,
            },
            **{escalated.event_type: escalated.model_dump() for escalated in change.events[1:]},
        },
    }
    assert len(change.events) == 2
    assert absorb(change.after, event, POLICY, later(days=2)) == Change(change.after)
