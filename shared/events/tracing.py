"""Events of tracing a young person for an access request, a complaint or a court: asked by one auditor,
answered to two."""

from typing import ClassVar, Literal

from shared.events import EventData
from shared.events.declared import Disclosed, Parties, listed, plain

TracingPurpose = Literal["access_request", "complaint", "court_order", "inspection"]


class TracingAsked(EventData):
    """An auditor asked which young person a referral is about. Nothing is told until a second one has
    confirmed. Asked by an agency's reference, nothing of that is in it: it is a word of the agency."""

    event_type: ClassVar[str] = "tracing.asked"

    tracing_id: str
    purpose: TracingPurpose
    by: Literal["referral", "agency_reference"]
    referral_id: str | None

    def says(self, by: str) -> str:
        of = self.referral_id or "a referral, by its agency's reference,"
        return (
            f"{by} asked which young person {of} is about, for {plain(self.purpose)};"
            " a second person has to confirm."
        )

    def parties(self) -> Parties:
        return Parties(asked=(self.referral_id,) if self.referral_id else ())

    def disclosure(self) -> Disclosed | None:
        return Disclosed(kind="asked", purpose=self.purpose)


class TracingAnswered(EventData):
    """Both auditors may know which young person it is, and one of them was told; without a young
    person nothing was found that both may know of."""

    event_type: ClassVar[str] = "tracing.answered"

    tracing_id: str
    purpose: TracingPurpose
    asked_by: str
    confirmed_by: str
    subject_id: str | None
    referral_ids: tuple[str, ...]

    def says(self, by: str) -> str:
        both = f"asked by {self.asked_by} and confirmed by {self.confirmed_by}"
        if self.subject_id is None:
            return f"{by} was told that tracing {self.tracing_id}, {both}, found nobody."
        return (
            f"{by} was told that {listed(self.referral_ids)} is about {self.subject_id}, for"
            f" {plain(self.purpose)}: tracing {self.tracing_id}, {both}."
        )

    def parties(self) -> Parties:
        return Parties(
            subjects=(self.subject_id,),
            recipients=(self.asked_by, self.confirmed_by),
            mentioned=self.referral_ids,
        )

    def disclosure(self) -> Disclosed | None:
        return Disclosed(
            kind="viewed" if self.subject_id else "asked",
            recipients=(self.asked_by, self.confirmed_by),
            categories=("existence",) if self.subject_id else (),
            purpose=self.purpose,
        )
