"""Events of questions that agencies ask before there is a case. Ids and codes: no word of them."""

from typing import ClassVar, Literal

from shared.events import EventData
from shared.events.declared import Disclosed, Parties, plain

AdviceTheme = Literal[
    "signs",
    "online",
    "missing",
    "peers",
    "family",
    "consent",
    "safety_planning",
    "how_to_refer",
    "other",
]
AdviceStatus = Literal["open", "answered", "closed"]
Side = Literal["asker", "hub"]
AdviceOutcome = Literal["advice_given", "signposted", "became_referral", "no_concern", "other"]


class _AboutAdvice(EventData):
    """One question. It is about no young person whom the network knows."""

    advice_id: str
    agency_id: str
    agency_kind: str
    hub_id: str
    theme: AdviceTheme

    def parties(self) -> Parties:
        return Parties(agencies=(self.agency_id,), hubs=(self.hub_id,))


class AdviceAsked(_AboutAdvice):
    """An agency asked the Hub of an area."""

    event_type: ClassVar[str] = "advice.asked"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.referrals",)

    area: str

    def says(self, by: str) -> str:
        return f"{by} asked {self.hub_id} for advice ({plain(self.theme)}): {self.advice_id}."


class AdviceWritten(_AboutAdvice):
    """The Hub answered, or the agency wrote further."""

    event_type: ClassVar[str] = "advice.written"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.referrals",)

    side: Side

    def says(self, by: str) -> str:
        did = "answered" if self.side == "hub" else "wrote further to"
        return f"{by} {did} the question {self.advice_id}."


class AdviceUnanswered(_AboutAdvice):
    """Nobody of the Hub has answered in time."""

    event_type: ClassVar[str] = "advice.unanswered"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.referrals",)

    reminders: int

    def says(self, by: str) -> str:
        return f"Nobody has answered the question {self.advice_id} in time: {self.reminders} times."


class AdviceClosed(_AboutAdvice):
    """What came of it."""

    event_type: ClassVar[str] = "advice.closed"

    outcome: AdviceOutcome
    referral_id: str | None

    def says(self, by: str) -> str:
        which = f" ({self.referral_id})" if self.referral_id else ""
        return f"{by} closed the question {self.advice_id}: {plain(self.outcome)}{which}."


class AdviceDestroyed(_AboutAdvice):
    """Its words were destroyed at the end of their time."""

    event_type: ClassVar[str] = "advice.destroyed"

    def says(self, by: str) -> str:
        return f"What was written in the question {self.advice_id} was destroyed."


class AdviceViewed(EventData):
    """Somebody read a question and its answers."""

    event_type: ClassVar[str] = "advice.viewed"

    advice_id: str
    hub_id: str
    viewer_kind: Literal["agency", "worker", "hub_manager", "coordinator", "auditor", "operator"]
    viewer_id: str

    def says(self, by: str) -> str:
        return f"{by} read the question {self.advice_id}."

    def parties(self) -> Parties:
        return Parties(
            agencies=(self.viewer_id if self.viewer_kind == "agency" else None,),
            workers=(self.viewer_id if self.viewer_kind == "worker" else None,),
            hubs=(self.hub_id,),
            recipients=(self.viewer_id,),
        )

    def disclosure(self) -> Disclosed | None:
        return None
