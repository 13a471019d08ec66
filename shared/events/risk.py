"""Events of the risk of a young person, as all agencies together have reported it. Codes only."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from shared.events import EventData
from shared.events.codes import (
    JudgementReason,
    RiskLevel,
)
from shared.events.declared import Parties, listed, plain


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

    @property
    def _score(self) -> str:
        # Urgency or a judgement may have set the level.
        said = plain(self.scored_level)
        alone = f", which alone says {said}" if self.scored_level != self.level else ""
        return f"score {self.score} from {self.agencies} agencies{alone}"


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

    def says(self, by: str) -> str:
        codes = listed(plain(c.code) for c in self.contributions)
        return (
            f"The risk of {self.referral_id} was assessed as {plain(self.level)}"
            f" ({self._why}), from: {codes}."
        )

    @property
    def _why(self) -> str:
        # An older event doesn't say which level its score alone would have given.
        if "scored_level" in self.model_fields_set and self.scored_level != self.level:
            alone = f"its score of {self.score} alone says {plain(self.scored_level)}"
            return (
                f"its urgency asks for at least that; {alone}"
                if self.floor == self.level
                else alone
            )
        return f"score {self.score}"

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            agencies=tuple(a for c in self.contributions for a in c.agencies),
        )


class RiskEscalated(_Risk):
    """What is known together about a young person has crossed into a higher band."""

    event_type: ClassVar[str] = "risk.escalated"
    heard_by: ClassVar[tuple[str, ...]] = ("allocation.follow_up", "notify.allocations")

    referral_id: str
    from_level: RiskLevel

    def says(self, by: str) -> str:
        return (
            f"The risk of {self.subject_id} rose from {plain(self.from_level)} to"
            f" {plain(self.level)} with {self.referral_id} ({self._score})."
        )

    def parties(self) -> Parties:
        return Parties(referral_id=self.referral_id, subjects=(self.subject_id,))


class RiskJudged(_Risk):
    """A practitioner has set the level, higher or lower than the score, for a coded reason."""

    event_type: ClassVar[str] = "risk.judged"
    heard_by: ClassVar[tuple[str, ...]] = ("allocation.follow_up",)

    referral_id: str
    from_level: RiskLevel
    reason: JudgementReason
    by: str

    def says(self, by: str) -> str:
        return (
            f"{by} judged the risk of {self.subject_id} {plain(self.level)} instead of"
            f" {plain(self.from_level)} ({self._score}): {plain(self.reason)}."
        )

    def parties(self) -> Parties:
        return Parties(referral_id=self.referral_id, subjects=(self.subject_id,))


class RiskRecomputed(_Risk):
    """A referral turned out to be about somebody else: the risk is what the young person's own
    referrals alone lead to. Here a level may fall without a judgement."""

    event_type: ClassVar[str] = "risk.recomputed"
    heard_by: ClassVar[tuple[str, ...]] = ("allocation.follow_up",)

    referral_id: str
    from_level: RiskLevel

    def says(self, by: str) -> str:
        return (
            f"The risk of {self.subject_id} is {plain(self.level)} without {self.referral_id}, which"
            f" is about somebody else; it was {plain(self.from_level)} with it ({self._score})."
        )

    def parties(self) -> Parties:
        return Parties(referral_id=self.referral_id, subjects=(self.subject_id,))


class ReassessmentDue(_Risk):
    """The last assessment is older than the policy allows. Said again until someone looks."""

    event_type: ClassVar[str] = "risk.reassessment_due"

    assessed_at: datetime
    open_referrals: tuple[str, ...]

    def says(self, by: str) -> str:
        return (
            f"The risk of {self.subject_id}, {plain(self.level)}, was last assessed on"
            f" {self.assessed_at:%d %B %Y}; somebody must look again."
        )

    def parties(self) -> Parties:
        return Parties(
            referral_id=next(iter(self.open_referrals), None), subjects=(self.subject_id,)
        )


class RiskReassessed(_Risk):
    """A practitioner has looked again; the next look is due at `due_at`."""

    event_type: ClassVar[str] = "risk.reassessed"

    referral_id: str
    by: str
    due_at: datetime

    def says(self, by: str) -> str:
        return (
            f"{by} looked again at the risk of {self.subject_id}: {plain(self.level)}"
            f" ({self._score}), next due on {self.due_at:%d %B %Y}."
        )

    def parties(self) -> Parties:
        return Parties(referral_id=self.referral_id, subjects=(self.subject_id,))
