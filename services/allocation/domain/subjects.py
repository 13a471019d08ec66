"""What all agencies together have reported about one young person, and the level it adds up to. Pure.

A subject is an opaque id here. No agency sees another's concerns: only the level leaves this place.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from services.allocation.domain.policy import LEVELS, RiskPolicy
from services.allocation.domain.risk import Assessment, assess, highest, response
from shared.events import Event
from shared.events.codes import JudgementReason, RiskLevel, Urgency
from shared.events.referral import Concern, ReferralAmended, ReferralReceived
from shared.events.risk import (
    ReassessmentDue,
    RiskAssessed,
    RiskEscalated,
    RiskJudged,
    RiskReassessed,
)
from shared.records import Change, Record, changed, unchanged

REASSESS_DUE = "reassess_due"


class Judgement(BaseModel):
    """A practitioner's own level, and the level the score gave when they set it."""

    model_config = ConfigDict(frozen=True)

    level: RiskLevel
    reason: JudgementReason
    by: str
    at: datetime
    scored_level: RiskLevel


class Subject(Record):
    """A young person's concerns, newest per agency, code and recency; and where they stand."""

    concerns: tuple[Concern, ...]
    referrals: dict[str, int]
    assessment: Assessment
    level: RiskLevel
    judgement: Judgement | None = None
    reassess_at: datetime


def first_seen(
    event: Event[ReferralReceived] | Event[ReferralAmended], policy: RiskPolicy, at: datetime
) -> tuple[Subject, RiskAssessed, dict[str, datetime]]:
    """A subject nobody has reported before, its event, and its clock."""
    referral = event.data
    concerns = merge((), referral.concerns)
    assessment = assess(concerns, policy, at)
    subject = Subject(
        id=referral.subject_id,
        concerns=concerns,
        referrals={referral.referral_id: event.version},
        assessment=assessment,
        level=assessment.level,
        reassess_at=next_look(policy, at),
    )
    due = {REASSESS_DUE: subject.reassess_at}
    return subject, _assessed(subject, referral, policy), due


def absorb(
    subject: Subject,
    event: Event[ReferralReceived] | Event[ReferralAmended],
    policy: RiskPolicy,
    at: datetime,
) -> Change[Subject]:
    """Add what this referral reports. The same referral again changes nothing.

    Raises the level, never lowers it: a lower score alone is no reason to do less.
    """
    referral = event.data
    if subject.referrals.get(referral.referral_id, 0) >= event.version:
        return unchanged(subject)
    concerns = merge(subject.concerns, referral.concerns)
    assessment = assess(concerns, policy, at)
    after = subject.but(
        concerns=concerns,
        referrals={**subject.referrals, referral.referral_id: event.version},
        assessment=assessment,
        level=level_of(subject, assessment),
        reassess_at=next_look(policy, at),
    )
    events = (_assessed(after, referral, policy), *_escalated(subject, after, referral.referral_id))
    return Change(after, events, {REASSESS_DUE: after.reassess_at})


def merge(known: Iterable[Concern], reported: Iterable[Concern]) -> tuple[Concern, ...]:
    """One concern per agency, code and recency, the newest: saying it again adds nothing."""
    newest: dict[tuple[str, str, str], Concern] = {}
    for concern in (*known, *reported):
        key = (concern.agency_id, concern.code, concern.recency)
        if key not in newest or newest[key].reported_at < concern.reported_at:
            newest[key] = concern
    return tuple(newest[key] for key in sorted(newest))


def level_of(subject: Subject, assessment: Assessment) -> RiskLevel:
    """The level now that the score says this.

    A judgement stands until the score rises above what it was when judged; then the higher counts.
    """
    judged = subject.judgement
    if judged is None:
        return highest(subject.level, assessment.level)
    if LEVELS.index(assessment.level) > LEVELS.index(judged.scored_level):
        return highest(subject.level, assessment.level)
    return subject.level


def judge(
    subject: Subject,
    level: RiskLevel,
    reason: JudgementReason,
    *,
    referral_id: str,
    by: str,
    policy: RiskPolicy,
    at: datetime,
) -> Change[Subject]:
    """A practitioner sets the level, up or down. The same judgement by the same person is one."""
    judged = Judgement(
        level=level, reason=reason, by=by, at=at, scored_level=subject.assessment.level
    )
    if subject.judgement and subject.judgement.model_copy(update={"at": at}) == judged:
        return unchanged(subject)
    after = subject.but(judgement=judged, level=level, reassess_at=next_look(policy, at))
    event = RiskJudged(
        **_standing(after),
        referral_id=referral_id,
        from_level=subject.level,
        reason=reason,
        by=by,
    )
    # To judge is to look: the next look is due three months from here.
    return Change(after, (event,), {REASSESS_DUE: after.reassess_at})


def reassess(
    subject: Subject, *, referral_id: str, by: str, policy: RiskPolicy, at: datetime
) -> Change[Subject]:
    """A practitioner has looked again: the score as of now, the level no lower than it was."""
    assessment = assess(subject.concerns, policy, at)
    after = subject.but(
        assessment=assessment,
        level=level_of(subject, assessment),
        reassess_at=next_look(policy, at),
    )
    event = RiskReassessed(
        **_standing(after), referral_id=referral_id, by=by, due_at=after.reassess_at
    )
    events = (event, *_escalated(subject, after, referral_id))
    return Change(after, events, {REASSESS_DUE: after.reassess_at})


def remind_to_reassess(
    subject: Subject, open_referrals: tuple[str, ...], policy: RiskPolicy, at: datetime
) -> Change[Subject]:
    """The clock has run out: say so, and again later; without an open case the clock stops."""
    if subject.reassess_at > at:
        return unchanged(subject)
    event = ReassessmentDue(
        **_standing(subject),
        assessed_at=subject.assessment.assessed_at,
        open_referrals=open_referrals,
    )
    again = at + timedelta(days=policy.remind_every_days)
    due = {REASSESS_DUE: again if open_referrals else None}
    return changed(subject, event, reassess_at=again, due=due)


def respond(subject: Subject, urgency: Urgency, policy: RiskPolicy) -> RiskLevel:
    """The level a referral about this subject is answered with."""
    return response(subject.level, urgency, policy)


def next_look(policy: RiskPolicy, at: datetime) -> datetime:
    """When someone must have looked again, counted from a look at `at`."""
    return at + timedelta(days=policy.reassess_after_days)


def _escalated(before: Subject, after: Subject, referral_id: str) -> tuple[RiskEscalated, ...]:
    if LEVELS.index(after.level) <= LEVELS.index(before.level):
        return ()
    return (RiskEscalated(**_standing(after), referral_id=referral_id, from_level=before.level),)


def _assessed(
    subject: Subject, referral: ReferralReceived | ReferralAmended, policy: RiskPolicy
) -> RiskAssessed:
    assessment = subject.assessment
    return RiskAssessed(
        referral_id=referral.referral_id,
        subject_id=subject.id,
        score=assessment.score,
        scored_level=assessment.level,
        level=respond(subject, referral.urgency, policy),
        floor=policy.floors[referral.urgency],
        contributions=assessment.contributions,
        combinations=assessment.combinations,
        policy_version=assessment.policy_version,
    )


def _standing(subject: Subject) -> dict[str, Any]:
    assessment = subject.assessment
    return {
        "subject_id": subject.id,
        "score": assessment.score,
        "scored_level": assessment.level,
        "level": subject.level,
        "agencies": assessment.agencies,
        "policy_version": assessment.policy_version,
    }
