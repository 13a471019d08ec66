"""What all agencies together have reported about one young person, and the level it adds up to. Pure.

A subject is an opaque id here. No agency sees another's concerns: only the level leaves this place.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import Field

from services.allocation.risk.history import (
    GONE,
    Judgement,
    Reported,
    concerns_of,
    level_from,
    merge,
    newest_judgement,
)
from services.allocation.risk.policy import LEVELS, RiskPolicy
from services.allocation.risk.score import Assessment, assess, highest, response
from shared.events import Event
from shared.events.codes import RiskLevel, Urgency
from shared.events.referral import Concern, ReferralAmended, ReferralReceived
from shared.events.risk import (
    RiskAssessed,
    RiskEscalated,
    RiskRecomputed,
)
from shared.storage.records import Change, Record, unchanged

REASSESS_DUE = "reassess_due"

FromReferral = Event[ReferralReceived] | Event[ReferralAmended]


class Subject(Record):
    """What was reported of a young person, by each referral, and all together: concerns, newest per
    agency, code and recency. Of a referral stored before that, only the version is known."""

    concerns: tuple[Concern, ...]
    referrals: dict[str, int]
    reported: dict[str, Reported] = Field(default_factory=dict)
    assessment: Assessment
    level: RiskLevel
    judgement: Judgement | None = None
    reassess_at: datetime

    def timers(self) -> dict[str, datetime | None]:
        return {REASSESS_DUE: self.reassess_at}

    def gone(self) -> set[str]:
        """Referrals that turned out to be about somebody else."""
        return {referral_id for referral_id, told in self.reported.items() if not told.here}


class Arrives(NamedTuple):
    """The young person whom a referral turned out to be about, with what it said of another."""

    subject_id: str
    told: Reported | None = None


def first_seen(
    event: FromReferral, policy: RiskPolicy, at: datetime, arrives: Arrives | None = None
) -> tuple[Subject, RiskAssessed]:
    """A subject nobody has reported before, and its event."""
    referral = event.data
    about, told = arrives or Arrives(referral.subject_id)
    told = (told or Reported(home=about)).with_(referral.concerns)
    reported = {referral.referral_id: told}
    assessment = assess(told.concerns, policy, at)
    subject = Subject(
        id=about,
        concerns=told.concerns,
        referrals={referral.referral_id: event.version},
        reported=reported,
        assessment=assessment,
        level=level_from(reported, policy) if arrives else assessment.level,
        judgement=newest_judgement(reported),
        reassess_at=next_look(policy, at),
    )
    return subject, _assessed(subject, referral, policy)


def absorb(
    subject: Subject,
    event: FromReferral,
    policy: RiskPolicy,
    at: datetime,
    arrives: Arrives | None = None,
) -> Change[Subject]:
    """Add what this referral reports. The same referral again changes nothing, nor does an event of
    before it was found to be about somebody else.

    Raises the level, never lowers it: a lower score alone is no reason to do less. What was
    reported stays reported: an older event that comes late adds what it alone says.
    """
    referral = event.data
    version = subject.referrals.get(referral.referral_id, 0)
    known = subject.reported.get(referral.referral_id)
    if known is not None and not known.here and event.version <= version:
        return unchanged(subject)
    if known is None or not known.here:
        known = arrives.told if arrives else None
    told = (known or Reported(home=subject.id)).with_(referral.concerns)
    reported = {**subject.reported, referral.referral_id: told}
    if version >= event.version and reported == subject.reported:
        return unchanged(subject)
    concerns = merge(subject.concerns, told.concerns)
    assessment = assess(concerns, policy, at)
    referrals = {**subject.referrals, referral.referral_id: max(version, event.version)}
    whole = arrives is not None and set(referrals) <= set(reported)
    after = subject.but(
        concerns=concerns,
        referrals=referrals,
        reported=reported,
        assessment=assessment,
        # One that arrives brings along how it was judged: not its score alone counts.
        level=level_from(reported, policy) if whole else level_of(subject, assessment),
        judgement=newest_judgement(reported) or subject.judgement,
        reassess_at=next_look(policy, at),
    )
    events = (_assessed(after, referral, policy), *escalated(subject, after, referral.referral_id))
    return Change(after, events)


def forget(
    subject: Subject, referral_id: str, version: int, policy: RiskPolicy, at: datetime
) -> Change[Subject]:
    """The referral turned out to be about somebody else, as its event of that version says: all
    that it told goes, and what is left is what the others alone lead to. Twice is once.

    Here, and by a practitioner's judgement, a level falls: what had raised it was not theirs. Where
    a referral was stored without what it alone says, all stays that is known.
    """
    known = subject.reported.get(referral_id)
    newest = subject.referrals.get(referral_id)
    if newest is None or newest > version or (known is not None and not known.here):
        return unchanged(subject)
    reported = {**subject.reported, referral_id: GONE}
    referrals = {**subject.referrals, referral_id: version}
    whole = set(referrals) <= set(reported)
    concerns = concerns_of(reported) if whole else subject.concerns
    after = subject.but(
        concerns=concerns,
        referrals=referrals,
        reported=reported,
        assessment=assess(concerns, policy, at),
        level=level_from(reported, policy) if whole else subject.level,
        judgement=newest_judgement(reported) if whole else subject.judgement,
    )
    event = RiskRecomputed(**standing(after), referral_id=referral_id, from_level=subject.level)
    return Change(after, (event,))


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


def respond(subject: Subject, urgency: Urgency, policy: RiskPolicy) -> RiskLevel:
    """The level a referral about this subject is answered with."""
    return response(subject.level, urgency, policy)


def next_look(policy: RiskPolicy, at: datetime) -> datetime:
    """When someone must have looked again, counted from a look at `at`."""
    return at + timedelta(days=policy.reassess_after_days)


def escalated(before: Subject, after: Subject, referral_id: str) -> tuple[RiskEscalated, ...]:
    """The event of a level that rose; none where it did not."""
    if LEVELS.index(after.level) <= LEVELS.index(before.level):
        return ()
    return (RiskEscalated(**standing(after), referral_id=referral_id, from_level=before.level),)


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


def standing(subject: Subject) -> dict[str, Any]:
    """What every event of a young person's risk says of where it stands."""
    assessment = subject.assessment
    return {
        "subject_id": subject.id,
        "score": assessment.score,
        "scored_level": assessment.level,
        "level": subject.level,
        "agencies": assessment.agencies,
        "policy_version": assessment.policy_version,
    }
