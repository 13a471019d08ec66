"""Events about agencies and the agreements between them (owned by the referral service)."""

from datetime import datetime
from typing import ClassVar

from shared.events import EventData
from shared.events.declared import Parties, listed, opening
from shared.rules.sharing import Terms


class AboutAgency(EventData):
    """An agency's entry as it is after the event."""

    agency_id: str
    kind: str
    areas: tuple[str, ...]
    active: bool = True
    # What the agency says it is, until an operator confirms it.
    claimed_kind: str | None = None
    # What stands for it where a young person refused it before it was registered.
    alias: str | None = None

    def parties(self) -> Parties:
        return Parties(agencies=(self.agency_id,), informed=(self.agency_id,))

    def tells(self) -> str:
        now = "registered" if self.active else "registered and not active"
        return f"{self.agency_id} is {now}, kind {self.kind}."

    @property
    def _state(self) -> str:
        areas = listed(self.areas, "no area")
        claims = f" (kind {self.claimed_kind} by its own word)" if self.claimed_kind else ""
        return f"kind {self.kind}{claims}, for {areas}{'' if self.active else ', not active'}"


class AgencyRegistered(AboutAgency):
    """An agency may refer and be told."""

    event_type: ClassVar[str] = "agency.registered"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.agreements", "allocation.capacity")

    def says(self, by: str) -> str:
        return f"{by} registered {self.agency_id}: {self._state}."


class AgencyAmended(AboutAgency):
    """An agency's entry as it is now."""

    event_type: ClassVar[str] = "agency.amended"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.agreements", "allocation.capacity")

    def says(self, by: str) -> str:
        return f"{by} changed the entry of {self.agency_id}: {self._state}."


class AboutAgreement(EventData):
    """Every event carries the agreement whole: the newest version is enough."""

    agreement_id: str
    terms: Terms
    review_at: datetime

    def parties(self) -> Parties:
        return Parties(agencies=self.terms.parties, informed=self.terms.parties)

    def tells(self) -> str:
        return self.says("Somebody")

    @property
    def _name(self) -> str:
        return f"the agreement {self.agreement_id}, version {self.terms.version},"

    @property
    def _between(self) -> str:
        return f"{self._name} between {listed(self.terms.parties)}"


class AgreementProposed(AboutAgreement):
    """An information-sharing agreement was written down. It permits nothing until signed."""

    event_type: ClassVar[str] = "agreement.proposed"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.agreements",)

    def says(self, by: str) -> str:
        return f"{by} proposed {self._between}; it permits nothing until all have signed."


class AgreementAmended(AboutAgreement):
    """Its terms changed, so all signatures are void and it must be signed again."""

    event_type: ClassVar[str] = "agreement.amended"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.agreements",)

    def says(self, by: str) -> str:
        return f"{by} changed the terms of {self._between}; all must sign anew."


class AgreementSigned(AboutAgreement):
    """One party signed."""

    event_type: ClassVar[str] = "agreement.signed"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.agreements",)

    party: str

    def says(self, by: str) -> str:
        return f"{by} signed {self._name} for {self.party}."

    def tells(self) -> str:
        return f"{self.party} signed {self._name[:-1]}."


class AgreementReviewed(AboutAgreement):
    """It was looked at and stands; the next review date is set."""

    event_type: ClassVar[str] = "agreement.reviewed"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.agreements",)

    def says(self, by: str) -> str:
        return f"{by} reviewed {self._between} and it stands until {self.review_at:%d %B %Y}."


class AgreementEnded(AboutAgreement):
    """It ended before its time."""

    event_type: ClassVar[str] = "agreement.ended"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.agreements",)

    def says(self, by: str) -> str:
        return f"{by} ended {self._between} before its time."


class AgreementExpiring(AboutAgreement):
    """It ends, or its review is due, within thirty days."""

    event_type: ClassVar[str] = "agreement.expiring"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.agreements",)

    def says(self, by: str) -> str:
        return f"{opening(self._between)} ends, or is due for review, within thirty days."


class AgreementLapsed(AboutAgreement):
    """Its time is over: from now on it permits nothing."""

    event_type: ClassVar[str] = "agreement.lapsed"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.agreements",)

    def says(self, by: str) -> str:
        return f"{opening(self._between)} is over and permits nothing more."
