"""Events of links between intelligence reports: ids, kinds and counts. What it is that meets is a keyed
hash, and stays one."""

from typing import ClassVar, Literal

from shared.events import EventData
from shared.events.declared import Parties, plain

KeyKind = Literal["name", "phone", "vehicle", "handle", "place"]
LinkStrength = Literal["certain", "possible"]
LinkDecision = Literal["confirmed", "rejected"]
LinkStanding = Literal["certain", "possible", "confirmed", "rejected"]
SaidLinkDecision = Literal["confirmed", "rejected", "undecided"]
LinkReason = Literal[
    "reports_compared",
    "spoke_with_reporter",
    "police_check",
    "common_name",
    "wrong_details",
    "other",
]


class LinkFound(EventData):
    """A report has something in common with others."""

    event_type: ClassVar[str] = "link.found"

    link_id: str
    kind: KeyKind
    strength: LinkStrength
    report_id: str
    referral_id: str | None
    subject_id: str | None
    reports: int
    children: int
    joins_children: bool
    area_ids: tuple[str, ...]
    hub_ids: tuple[str, ...]

    def says(self, by: str) -> str:
        of = f"{self.children} young people" if self.joins_children else f"{self.reports} reports"
        return f"A {plain(self.kind)} links {of}: {plain(self.strength)}."

    def parties(self) -> Parties:
        return Parties(referral_id=self.referral_id, subjects=(self.subject_id,), hubs=self.hub_ids)


class LinkDecided(EventData):
    """Somebody decided whether a possible link is one, or took that back."""

    event_type: ClassVar[str] = "link.decided"

    link_id: str
    kind: KeyKind
    decision: SaidLinkDecision
    reason: LinkReason

    def says(self, by: str) -> str:
        return f"{by} decided on a possible link ({plain(self.kind)}): {plain(self.decision)}."

    def parties(self) -> Parties:
        return Parties()


class LinkEnded(EventData):
    """A report is in a link no more: it was taken back, or destroyed."""

    event_type: ClassVar[str] = "link.ended"

    link_id: str
    report_id: str
    reports: int

    def says(self, by: str) -> str:
        return f"The report {self.report_id} is linked no more by {self.link_id}."

    def parties(self) -> Parties:
        return Parties()
