"""Events of the risk of a young person, as all agencies together have reported it. Codes only."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from shared.events import EventData
from shared.events.codes import (
    JudgementReason,
    RiskLevel,
)


class Contribution(BaseModel):
    """What one indicator added to a score."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str
    points: int
    agencies: tuple[str, ...]


class _Risk(EventData):
    subject_id: str
    score: int
    scored_level: RiskLevel
    level: RiskLevel
    agencies: int
    policy_version: str


class RiskAssessed(EventData):
    """A score and level with every contribution; it supports judgement, it never replaces it."""

    event_type: ClassVar[str] = "risk.assessed"

    referral_id: str
    subject_id: str
    score: int
    level: RiskLevel
    floor: RiskLevel
    contributions: tuple[Contribution, ...]
    policy_version: str
    scored_level: RiskLevel = "none_apparent"
    combinations: tuple[str, ...] = ()


class RiskEscalated(_Risk):
    """What is known together about a young person has crossed into a higher band."""

    event_type: ClassVar[str] = "risk.escalated"

    referral_id: str
    from_level: RiskLevel


class RiskJudged(_Risk):
    """A practitioner has set the level, higher or lower than the score, for a coded reason."""

    event_type: ClassVar[str] = "risk.judged"

    referral_id: str
    from_level: RiskLevel
    reason: JudgementReason
    by: str


class ReassessmentDue(_Risk):
    """The last assessment is older than the policy allows. Said again until someone looks."""

    event_type: ClassVar[str] = "risk.reassessment_due"

    assessed_at: datetime
    open_referrals: tuple[str, ...]


class RiskReassessed(_Risk):
    """A practitioner has looked again; the next look is due at `due_at`."""

    event_type: ClassVar[str] = "risk.reassessed"

    referral_id: str
    by: str
    due_at: datetime
