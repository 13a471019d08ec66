"""What is entered of a transfer, and what is shown of it."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from services.referral.areas.request import Name
from services.referral.documents import Code, Incoming
from services.referral.records import TransferStatus
from shared.events.codes import AgeBand, RiskLevel, Urgency
from shared.events.transfer import TransferReason, TransferRefusal


class TransferEntry(Incoming):
    """To which Hub, why, and, where the young person moves, the area that they move to: one that the
    other Hub serves."""

    to_hub_id: Code
    reason: TransferReason
    area: Name | None = None


class RefusalEntry(Incoming):
    """Why the Hub does not take it."""

    reason: TransferRefusal


class TransferView(BaseModel):
    """A proposal to give a referral to another Hub, coded, as it was when it was proposed. `over`: the
    referral ended or went elsewhere before anybody answered.

    Nothing here says who the young person is. `age_band` and `level` are shown where it is read by
    itself: to the Hub that proposed it, and to the other one as far as the rules of sharing permit it
    `identity` and `risk`.
    """

    model_config = ConfigDict(frozen=True)

    referral_id: str
    status: TransferStatus
    from_hub_id: str
    to_hub_id: str
    reason: TransferReason
    refusal: TransferRefusal | None
    area: str = Field(description="Where the young person is, or moves to, where `moves` is true.")
    moves: bool
    urgency: Urgency
    level: RiskLevel | None = Field(description="null: not shared, or not assessed.")
    age_band: AgeBand | None = Field(description="null: not shared.")
    proposed_at: datetime
    answer_by: datetime
    reminders: int


class TransferPage(BaseModel):
    """Newest referral first; pass `next` as `cursor` for the page behind it."""

    transfers: list[TransferView]
    next: str | None
