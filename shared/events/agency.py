"""Events about agencies and the agreements between them (owned by the referral service)."""

from datetime import datetime
from typing import ClassVar

from shared.events import EventData
from shared.sharing import Terms


class _Agency(EventData):
    agency_id: str
    kind: str
    areas: tuple[str, ...]
    active: bool = True


class AgencyRegistered(_Agency):
    """An agency may refer and be told."""

    event_type: ClassVar[str] = "agency.registered"


class AgencyAmended(_Agency):
    """An agency's entry as it is now."""

    event_type: ClassVar[str] = "agency.amended"


class _Agreement(EventData):
    """Every event carries the agreement whole: the newest version is enough."""

    agreement_id: str
    terms: Terms
    review_at: datetime


class AgreementProposed(_Agreement):
    """An information-sharing agreement was written down. It permits nothing until signed."""

    event_type: ClassVar[str] = "agreement.proposed"


class AgreementAmended(_Agreement):
    """Its terms changed, so all signatures are void and it must be signed again."""

    event_type: ClassVar[str] = "agreement.amended"


class AgreementSigned(_Agreement):
    """One party signed."""

    event_type: ClassVar[str] = "agreement.signed"

    party: str


class AgreementReviewed(_Agreement):
    """It was looked at and stands; the next review date is set."""

    event_type: ClassVar[str] = "agreement.reviewed"


class AgreementEnded(_Agreement):
    """It ended before its time."""

    event_type: ClassVar[str] = "agreement.ended"


class AgreementExpiring(_Agreement):
    """It ends, or its review is due, within thirty days."""

    event_type: ClassVar[str] = "agreement.expiring"


class AgreementLapsed(_Agreement):
    """Its time is over: from now on it permits nothing."""

    event_type: ClassVar[str] = "agreement.lapsed"
