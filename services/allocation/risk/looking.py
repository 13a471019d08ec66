"""A practitioner looks at a young person's risk: judges it, or assesses it again in time. Pure."""

from datetime import datetime, timedelta

from services.allocation.risk.history import Judgement, Reported
from services.allocation.risk.policy import RiskPolicy
from services.allocation.risk.score import assess
from services.allocation.risk.subject import (
    REASSESS_DUE,
    Subject,
    escalated,
    level_of,
    next_look,
    standing,
)
from shared.events.codes import JudgementReason, RiskLevel
from shared.events.risk import ReassessmentDue, RiskJudged, RiskReassessed
from shared.storage.records import Change, changed, unchanged


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
    here = tuple(sorted(subject.referrals.keys() - subject.gone()))
    told = subject.reported.get(referral_id, Reported(home=subject.id))
    told = told.model_copy(update={"judgement": judged, "over": here})
    # Stored before it was known what it alone says: it stays so.
    known = {referral_id: told} if referral_id in subject.reported else {}
    after = subject.but(
        judgement=judged,
        level=level,
        reported={**subject.reported, **known},
        reassess_at=next_look(policy, at),
    )
    event = RiskJudged(
        **standing(after),
        referral_id=referral_id,
        from_level=subject.level,
        reason=reason,
        by=by,
    )
    # To judge is to look: the next look is due three months from here.
    return Change(after, (event,))


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
        **standing(after), referral_id=referral_id, by=by, due_at=after.reassess_at
    )
    events = (event, *escalated(subject, after, referral_id))
    return Change(after, events)


def remind_to_reassess(
    subject: Subject, open_referrals: tuple[str, ...], policy: RiskPolicy, at: datetime
) -> Change[Subject]:
    """The timer has run out: say so, and again later; without an open case the timer stops."""
    if subject.reassess_at > at:
        return unchanged(subject)
    event = ReassessmentDue(
        **standing(subject),
        assessed_at=subject.assessment.assessed_at,
        open_referrals=open_referrals,
    )
    again = at + timedelta(days=policy.remind_every_days)
    stopped: dict[str, datetime | None] = {} if open_referrals else {REASSESS_DUE: None}
    return changed(subject, event, reassess_at=again, due=stopped)
