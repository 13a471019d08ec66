"""Events of a join that two Hubs have to decide: proposed by one, and taken back or rejected. That it
was decided by both is `subject.match_decided`."""

from typing import ClassVar

from shared.events import EventData
from shared.events.declared import Parties


class AboutJoining(EventData):
    """Of a referral that another Hub proposed to join: ids only, and not that of the other one."""

    referral_id: str
    subject_id: str
    match_id: str
    decision_id: str

    def parties(self) -> Parties:
        return Parties(referral_id=self.referral_id, subjects=(self.subject_id,))


class JoinProposed(AboutJoining):
    """A manager of another Hub says that this referral and one of theirs are about one young person.
    It has no effect until a manager of this one's Hub, another person, decides the same."""

    event_type: ClassVar[str] = "referral.join_proposed"
    heard_by: ClassVar[tuple[str, ...]] = ("referral.follow_up", "notify.referrals")

    def says(self, by: str) -> str:
        return (
            f"{by} proposed for another Hub that {self.referral_id} is about the same young person"
            f" as a referral there. A manager of this Hub has to decide, too."
        )


class JoinProposalEnded(AboutJoining):
    """A proposal to join this referral and another Hub's was taken back or rejected: nothing was
    joined, and the two wait again."""

    event_type: ClassVar[str] = "referral.join_proposal_ended"
    heard_by: ClassVar[tuple[str, ...]] = ("referral.follow_up", "notify.referrals")

    def says(self, by: str) -> str:
        return (
            f"{by} ended the proposal that {self.referral_id} is about the same young person as a"
            f" referral of another Hub. Nothing was joined; they wait for a decision."
        )
