"""The event of destroying a referral's personal data."""

from typing import ClassVar, Literal

from shared.events import EventData
from shared.events.declared import Parties, plain


class ReferralErased(EventData):
    """The key of a referral's personal data was destroyed. Its coded record and its trail stay."""

    event_type: ClassVar[str] = "referral.erased"
    heard_by: ClassVar[tuple[str, ...]] = ("referral.follow_up", "notify.referrals")

    referral_id: str
    agency_id: str
    reason: Literal["retention_ended", "right_to_erasure", "entered_in_error"]

    def says(self, by: str) -> str:
        return f"{by} destroyed the personal data of {self.referral_id}: {plain(self.reason)}."

    def tells(self) -> str:
        return f"The personal data of {self.referral_id} was destroyed."

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id, agencies=(self.agency_id,), informed=(self.agency_id,)
        )
