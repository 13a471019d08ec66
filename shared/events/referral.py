"""Events of the referral service: referrals, what is known about sharing, and who looked."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from shared.events import EventData
from shared.events.codes import (
    AgeBand,
    ClosureOutcome,
    Ethnicity,
    Gender,
    Recency,
    ReferralStatus,
    SafetyRelation,
    Setting,
    StatusReason,
    Urgency,
)
from shared.sharing import Basis, Category, Consent, SharingState, Verdict


class Concern(BaseModel):
    """One coded indicator, who reported it and when it was seen. Never a narrative."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str
    recency: Recency
    agency_id: str
    reported_at: datetime


class _Snapshot(EventData):
    """The coded state of a referral. `subject_version` is the sharing state it was written with:
    who decides on sharing must have caught up with it first."""

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
    concerns: tuple[Concern, ...]
    settings_avoided: tuple[Setting, ...]
    preferred_times: tuple[Literal["daytime", "evenings", "weekends"], ...] = ()
    languages: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    discussed: bool = False


class ReferralReceived(_Snapshot):
    """A referral is stored and will not be lost. The full coded snapshot, never a name."""

    event_type: ClassVar[str] = "referral.received"


class ReferralAmended(_Snapshot):
    """The referrer added or corrected something after sending; the snapshot as it is now."""

    event_type: ClassVar[str] = "referral.amended"

    amended: tuple[str, ...]


class ReferralStatusChanged(EventData):
    """A referral moved on. The referrer hears of every one; negative ones carry their reason."""

    event_type: ClassVar[str] = "referral.status_changed"

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


class ReferralOverdue(EventData):
    """The response clock ran out. A person must act; nothing is ever closed by a clock."""

    event_type: ClassVar[str] = "referral.overdue"

    referral_id: str
    agency_id: str
    urgency: Urgency
    due_at: datetime
    status: ReferralStatus


class ReferralErased(EventData):
    """The key of a referral's personal data was destroyed. Its coded record and its trail stay."""

    event_type: ClassVar[str] = "referral.erased"

    referral_id: str
    agency_id: str
    reason: Literal["retention_ended", "right_to_erasure", "entered_in_error"]


class MatchSuspected(EventData):
    """Earlier referrals may be about the same young person: somebody should look and decide.

    Ids only; which fields agree, and how, is shown on asking. Until it is decided, the concerns of
    the two do not add up.
    """

    event_type: ClassVar[str] = "referral.match_suspected"

    referral_id: str
    subject_id: str
    other_referral_ids: tuple[str, ...]


class _AboutSharing(EventData):
    """Every one carries the whole sharing state of the young person: the newest is enough."""

    subject_id: str
    referral_id: str
    referral_ids: tuple[str, ...]
    sharing: SharingState


class SubjectLinked(_AboutSharing):
    """A referral was linked to a young person, new or known here. Duplicates are linked too."""

    event_type: ClassVar[str] = "subject.linked"

    known_before: bool


class SubjectRelinked(_AboutSharing):
    """A practitioner decided that a referral is about somebody else than thought."""

    event_type: ClassVar[str] = "subject.relinked"

    from_subject_id: str
    to_subject_id: str


class SubjectMatchDecided(_AboutSharing):
    """A practitioner looked at a possible match and decided. A score never merges anyone."""

    event_type: ClassVar[str] = "subject.match_decided"

    other_subject_id: str
    decision: Literal["same_person", "different_people"]


class SubjectTurning18(_AboutSharing):
    """Six months before, and again on the day: consent and duties change at 18."""

    event_type: ClassVar[str] = "subject.turning_18"

    stage: Literal["ahead", "turned_16", "turned_18"]


class ConsentRecorded(_AboutSharing):
    """Consent to sharing was given, refused, withdrawn, or not asked for."""

    event_type: ClassVar[str] = "consent.recorded"

    consent: Consent


class BasisRecorded(_AboutSharing):
    """A named practitioner decided to share without consent, on a legal basis, with reasons."""

    event_type: ClassVar[str] = "sharing.basis_recorded"

    basis: Basis
    subject_told: bool


class BasisEnded(_AboutSharing):
    """A lawful-basis decision was ended before its review date."""

    event_type: ClassVar[str] = "sharing.basis_ended"

    basis: Basis


class SafetyMarked(_AboutSharing):
    """Whether an agency, or one person of the network, is unsafe for this young person. Nothing is
    shared with them while the mark stands. `relation` says what they are to them or work beside."""

    event_type: ClassVar[str] = "sharing.safety_marked"

    marked_kind: Literal["agency", "worker", "hub_manager"]
    marked_id: str
    relation: SafetyRelation
    unsafe: bool


class ServiceAgreementRecorded(_AboutSharing):
    """Agreement to the service itself: kept apart from sharing, which it never decides."""

    event_type: ClassVar[str] = "consent.service_recorded"

    agreed: Literal["agreed", "declined", "not_asked"]


class DiscussionRecorded(EventData):
    """Whether what will happen with the information was discussed with the young person."""

    event_type: ClassVar[str] = "record.discussion_recorded"

    referral_id: str
    subject_id: str
    discussed: bool
    not_discussed_because: (
        Literal["would_increase_risk", "could_not_be_reached", "too_distressed", "other"] | None
    )
    wishes_recorded: bool


class RecordViewed(EventData):
    """Somebody was shown a referral: which categories, on which grounds, and what was withheld."""

    event_type: ClassVar[str] = "record.viewed"

    referral_id: str
    subject_id: str
    viewer_kind: Literal["referrer", "agency", "worker", "hub_manager"]
    viewer_id: str
    purpose: str
    verdicts: tuple[Verdict, ...]
    safety_hold: bool
    policy_version: str


class RecordRefused(EventData):
    """Somebody asked for a referral that is not theirs to see; they were told it isn't there."""

    event_type: ClassVar[str] = "record.refused"

    referral_id: str
    viewer_kind: Literal["agency", "worker", "hub_manager", "auditor", "operator"]
    viewer_id: str
    action: str
    reason: Literal["not_theirs", "nothing_permitted", "recipient_unsafe"]
    categories: tuple[Category, ...] = ()
