"""Events of a referral: received, amended, moved on, overdue, erased. Codes only, never a name."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from shared.events import EventData
from shared.events.codes import (
    UNKNOWN_AREA,
    AgeBand,
    ClosureOutcome,
    Ethnicity,
    Gender,
    Recency,
    ReferralStatus,
    Setting,
    StatusReason,
    Urgency,
)
from shared.events.declared import Disclosed, Parties, listed, plain


class Concern(BaseModel):
    """One coded indicator, who reported it (an agency or a Hub) and when. Never a narrative."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str
    recency: Recency
    agency_id: str
    reported_at: datetime


def _newest(concerns: tuple[Concern, ...]) -> tuple[Concern, ...]:
    """Reported again, an indicator counts as reported last: a snapshot holds each of them once."""
    newest: dict[tuple[str, str, str], Concern] = {}
    for concern in sorted(concerns, key=lambda c: c.reported_at):
        newest[concern.agency_id, concern.code, concern.recency] = concern
    return tuple(newest.values()) if len(newest) < len(concerns) else concerns


class _Snapshot(EventData):
    """The coded state of a referral; its `area` is `unknown` where nobody knew the word. Who decides
    on sharing must have caught up first with the state it was written with, `subject_version`."""

    referral_id: str
    subject_id: str
    subject_version: int = 0
    agency_id: str
    urgency: Urgency
    received_at: datetime
    due_at: datetime
    age_band: AgeBand
    gender: Gender = "not_asked"
    ethnicity: Ethnicity = "not_asked"
    area: str
    concerns: Annotated[tuple[Concern, ...], AfterValidator(_newest)]
    settings_avoided: tuple[Setting, ...]
    preferred_times: tuple[Literal["daytime", "evenings", "weekends"], ...] = ()
    languages: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    discussed: bool = False
    # There is danger to whoever visits. What it is, only the record says.
    visit_risk: bool = False

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            agencies=(self.agency_id, *(c.agency_id for c in self.concerns)),
            informed=(self.agency_id,),
        )


class ReferralReceived(_Snapshot):
    """A referral is stored and will not be lost. The full coded snapshot, never a name."""

    event_type: ClassVar[str] = "referral.received"
    heard_by: ClassVar[tuple[str, ...]] = (
        "referral.matching",
        "allocation.referrals",
        "notify.referrals",
    )

    def says(self, by: str) -> str:
        where = ", of an area that nobody knows" if self.area == UNKNOWN_AREA else ""
        return (
            f"{self.agency_id} referred {self.referral_id}, urgency {plain(self.urgency)}{where}."
        )

    def tells(self) -> str:
        return self.says("")

    def disclosure(self) -> Disclosed | None:
        return Disclosed(kind="received")


class ReferralAmended(_Snapshot):
    """The referrer added or corrected something after sending; the snapshot as it is now."""

    event_type: ClassVar[str] = "referral.amended"
    heard_by: ClassVar[tuple[str, ...]] = (
        "referral.matching",
        "referral.follow_up",
        "allocation.referrals",
        "notify.referrals",
    )

    amended: tuple[str, ...]
    status: ReferralStatus | None = None

    def parties(self) -> Parties:
        """Its sender is not told that it was found to be about the young person of others."""
        named = super().parties()
        return replace(named, informed=()) if self.amended == ("subject_id",) else named

    def says(self, by: str) -> str:
        return f"{by} amended {self.referral_id}: {listed(plain(name) for name in self.amended)}."

    def tells(self) -> str:
        return f"{self.referral_id} was amended."


class ReferralStatusChanged(EventData):
    """A referral moved on. The referrer hears of every one; negative ones carry their reason."""

    event_type: ClassVar[str] = "referral.status_changed"
    heard_by: ClassVar[tuple[str, ...]] = ("allocation.referrals", "notify.referrals")

    referral_id: str
    subject_id: str
    subject_version: int
    agency_id: str
    status: ReferralStatus
    previous: ReferralStatus
    reason: StatusReason | None = None
    outcome: ClosureOutcome | None = None
    hub_id: str | None = None
    worker_id: str | None = None
    urgency: Urgency
    due_at: datetime
    allocation_version: int = 0
    # How often it has been reopened: each time its life begins again.
    reopenings: int = 0

    def says(self, by: str) -> str:
        why = f": {plain(self.reason)}" if self.reason else ""
        came = f", outcome {plain(self.outcome)}" if self.outcome else ""
        return f"{self.referral_id} is now {plain(self.status)}, after {plain(self.previous)}{why}{came}."

    def tells(self) -> str:
        why = f": {plain(self.reason)}" if self.reason else ""
        return f"{self.referral_id} is now {plain(self.status)}{why}."

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            agencies=(self.agency_id,),
            workers=(self.worker_id,),
            hubs=(self.hub_id,),
            # Who has it, or its level, may change for what others reported: no turn for the referrer.
            informed=(self.agency_id,) if self.status != self.previous else (),
        )


class ReferralOverdue(EventData):
    """The response clock ran out. A person must act; nothing is ever closed by a clock."""

    event_type: ClassVar[str] = "referral.overdue"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.referrals",)

    referral_id: str
    agency_id: str
    urgency: Urgency
    due_at: datetime
    status: ReferralStatus

    def says(self, by: str) -> str:
        due = f"{self._awaited} by {self.due_at:%d %B %Y at %H:%M} UTC"
        return f"{self.referral_id}, {plain(self.urgency)}, was to be {due} and was not."

    def tells(self) -> str:
        return f"{self.referral_id} was not {self._awaited} in time."

    @property
    def _awaited(self) -> str:
        return "sent again with what was asked for" if self.status == "returned" else "answered"

    def parties(self) -> Parties:
        agencies = (self.agency_id,)
        return Parties(referral_id=self.referral_id, agencies=agencies, informed=agencies)


class MatchSuspected(EventData):
    """Earlier referrals may be about the same young person: somebody should look and decide.

    Ids only; which fields agree, and how, is shown on asking. Until it is decided, the concerns of
    the two do not add up.
    """

    event_type: ClassVar[str] = "referral.match_suspected"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.referrals",)

    referral_id: str
    subject_id: str
    other_referral_ids: tuple[str, ...]
    # Some are another Hub's: not named.
    elsewhere: bool = False

    def says(self, by: str) -> str:
        others = [*self.other_referral_ids, *(["a referral of another Hub"] * self.elsewhere)]
        return f"{self.referral_id} may be about the same young person as {listed(others)}."

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            mentioned=self.other_referral_ids,
        )


class MatchNoted(EventData):
    """A later referral of the same Hub may be about the same young person. Who decides was told by
    that one's event."""

    event_type: ClassVar[str] = "referral.match_noted"

    referral_id: str
    subject_id: str
    other_referral_ids: tuple[str, ...]

    def says(self, by: str) -> str:
        later = listed(self.other_referral_ids)
        return f"{later} came later and may be about the same young person as {self.referral_id}."

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            mentioned=self.other_referral_ids,
        )
