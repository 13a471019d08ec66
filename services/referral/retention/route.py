"""HTTP in: erasure on demand."""

from datetime import datetime

from fastapi import APIRouter

from services.referral.acting import Asker
from services.referral.callers import ByViewer, OnStores, ReferralId
from services.referral.documents import Incoming
from services.referral.retention.erasure import erase_referral
from services.referral.retention.rule import ErasureReason
from shared.clock import now
from shared.web.access import may
from shared.web.etags import IfMatch
from shared.web.problems import CONDITIONAL
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["steps"], responses=CONDITIONAL)


class ErasureEntry(Incoming):
    """On which ground the personal data is destroyed."""

    reason: ErasureReason


class Erasure(Incoming):
    """The personal data can't be read any more, by anyone. The coded record and the trail stay."""

    id: str
    erased_at: datetime


@router.post("/v1/referrals/{referral_id}/erasure", dependencies=[may("erase")])
async def post_erasure(
    referral_id: ReferralId,
    entry: ErasureEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    match: IfMatch,
) -> Erasure:
    """Destroy the key of a referral's personal data: for ever, everywhere. For Hub managers, and
    only once the referral has ended."""
    asker = Asker(caller, viewer)
    referral = await erase_referral(stores, asker, referral_id, entry.reason, match)
    return Erasure(id=referral.id, erased_at=referral.erased_at or now())
