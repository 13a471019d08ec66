"""HTTP in: a consent was recorded by mistake."""

from fastapi import APIRouter

from services.referral.acting import Asker, held
from services.referral.callers import ByViewer, OnStores, ReferralId
from services.referral.invalidation.command import invalidate
from services.referral.invalidation.request import InvalidationEntry
from services.referral.sharing.request import RecordedConsent, recorded
from services.referral.sharing.route import ConsentId
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["sharing"])


@router.post(
    "/v1/referrals/{referral_id}/consents/{consent_id}/invalidation",
    dependencies=[may("invalidate_consent")],
)
async def post_invalidation(
    referral_id: ReferralId,
    consent_id: ConsentId,
    entry: InvalidationEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
) -> RecordedConsent:
    """A consent was recorded by mistake: it never counted, and what was told on it is retracted. For
    the agency that recorded it, and the Hub; a no about an agency is not for that agency to undo.
    What was said and is not meant any more is withdrawn instead."""
    referral = await held(stores, caller, viewer, referral_id, "invalidate_consent")
    asker = Asker(caller, viewer)
    subject = await invalidate(stores, referral, consent_id, entry.reason, asker)
    return recorded(subject.sharing, consent_id)
