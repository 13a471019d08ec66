"""Events of a referral on its way to another Hub: proposed, not answered, ended, transferred.

Until it is accepted the receiving Hub is told, and named to nobody who asks which Hubs have to do with
the referral: it may not read it.
"""

from datetime import datetime
from typing import ClassVar, Literal

from shared.events import EventData
from shared.events.codes import Urgency
from shared.events.declared import Disclosed, Parties, plain

# Why a referral shall go to another Hub, why that one does not take it, how a proposal ends that
# was not accepted, and who is told that nobody answers.
TransferReason = Literal[
    "moving_area",
    "specialism",
    "capacity",
    "conflict_of_interest",
    "safety",
    "young_persons_wish",
]
TransferRefusal = Literal[
    "no_capacity",
    "not_our_area",
    "wrong_service",
    "conflict_of_interest",
    "safety",
    "insufficient_information",
]
TransferEnd = Literal["declined", "taken_back", "over"]
ToldSide = Literal["hub", "operators"]


class _Proposal(EventData):
    """`hub_id` has the referral, `worker_id` has it or holds it."""

    referral_id: str
    subject_id: str
    hub_id: str
    to_hub_id: str
    worker_id: str | None = None
    reason: TransferReason
    urgency: Urgency

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            workers=(self.worker_id,),
            hubs=(self.hub_id,),
            recipients=(self.to_hub_id,),
        )


class TransferProposed(_Proposal):
    """Who has the referral would give it to another Hub, which is to answer by then. Until it accepts,
    nothing has changed."""

    event_type: ClassVar[str] = "referral.transfer_proposed"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.referrals", "allocation.safety")

    answer_by: datetime

    def says(self, by: str) -> str:
        return (
            f"{by} proposed to give {self.referral_id} from {self.hub_id} to {self.to_hub_id}"
            f" ({plain(self.reason)}), to be answered by"
            f" {self.answer_by:%d %B %Y at %H:%M} UTC."
        )

    def disclosure(self) -> Disclosed | None:
        return Disclosed(
            kind="shared",
            recipients=(self.to_hub_id,),
            categories=("existence",),
            purpose="direct_work",
        )


class TransferUnanswered(_Proposal):
    """The receiving Hub has not answered in time. The first time the proposing Hub is told, and from
    then on the operators, until somebody answers or takes it back."""

    event_type: ClassVar[str] = "referral.transfer_unanswered"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.referrals",)

    tells_side: ToldSide
    answer_by: datetime

    def says(self, by: str) -> str:
        return f"{self.to_hub_id} has not answered whether it takes {self.referral_id}."


class TransferEnded(_Proposal):
    """The referral stays where it is: the other Hub declined, the proposal was taken back, or the
    referral ended or went elsewhere (`over`)."""

    event_type: ClassVar[str] = "referral.transfer_ended"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.referrals", "allocation.safety")

    ended: TransferEnd
    refusal: TransferRefusal | None = None

    def says(self, by: str) -> str:
        why = f": {plain(self.refusal)}" if self.refusal else ""
        return (
            f"The transfer of {self.referral_id} from {self.hub_id} to {self.to_hub_id} is"
            f" {plain(self.ended)}{why}."
        )


class ReferralTransferred(_Proposal):
    """Another Hub has accepted the referral and has it from now on; the record goes on. Who had it,
    or held it, has it no longer. `transfers` counts: what says less was decided before."""

    event_type: ClassVar[str] = "referral.transferred"
    heard_by: ClassVar[tuple[str, ...]] = (
        "referral.follow_up",
        "allocation.referrals",
        "notify.referrals",
    )

    agency_id: str
    from_hub_id: str
    from_worker_id: str | None = None
    from_holder_id: str | None = None
    transfers: int
    transferred_at: datetime
    due_at: datetime
    reopenings: int = 0

    def says(self, by: str) -> str:
        return f"{by} took {self.referral_id} over from {self.from_hub_id}: {plain(self.reason)}."

    def tells(self) -> str:
        return f"{self.referral_id} was taken over by another Hub."

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            agencies=(self.agency_id,),
            workers=(self.worker_id, self.from_worker_id, self.from_holder_id),
            hubs=(self.hub_id,),
            informed=(self.agency_id,),
        )
