"""Events of the referral service."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from shared.events import EventData
from shared.events.codes import AgeBand, Recency, Setting, Urgency


class Concern(BaseModel):
    """One coded indicator, who reported it and when it was seen. Never a narrative."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str
    recency: Recency
    agency_id: str
    reported_at: datetime


class AgencyRegistered(EventData):
    """An agency may refer and be told. Also sent when its entry changes."""

    event_type: ClassVar[str] = "agency.registered"

    agency_id: str
    kind: str
    areas: tuple[str, ...]


class AgreementRecorded(EventData):
    """An information-sharing agreement between agencies, as it is now."""

    event_type: ClassVar[str] = "agreement.recorded"

    agreement_id: str
    parties: tuple[str, ...]
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    effective_from: datetime
    effective_to: datetime
    review_at: datetime


class ReferralReceived(EventData):
    """A referral is stored and will not be lost. The full coded snapshot, never a name."""

    event_type: ClassVar[str] = "referral.received"

    referral_id: str
    subject_id: str
    agency_id: str
    urgency: Urgency
    received_at: datetime
    due_at: datetime
    age_band: AgeBand
    area: str
    concerns: tuple[Concern, ...]
    settings_avoided: tuple[Setting, ...]


class ReferralStatusChanged(EventData):
    """The referral follows what allocation decided."""

    event_type: ClassVar[str] = "referral.status_changed"

    referral_id: str
    agency_id: str
    status: Literal["waiting", "allocated"]
    allocation_version: int
