"""HTTP in: whether the young person's parents are told."""

from fastapi import APIRouter

from services.referral.access import person_of
from services.referral.acting import Asker, held
from services.referral.callers import ByViewer, OnStores, ReferralId
from services.referral.parents.command import record
from services.referral.parents.request import ParentsEntry, ParentsView, stands
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["sharing"])


@router.put("/v1/referrals/{referral_id}/tell-parents", dependencies=[may("record_parents_word")])
async def put_tell_parents(
    referral_id: ReferralId,
    entry: ParentsEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
) -> ParentsView:
    """What the young person said about telling their parents. "No" holds from the answer on, for
    every notice and every view: accounts of parents read and hear nothing. It ends when the young
    person says otherwise later, recorded by who recorded the "no" or by the Hub; or when the worker
    or a manager of the Hub decides so, with a reason."""
    referral = await held(stores, caller, viewer, referral_id, "record_parents_word")
    subject = await record(stores, referral, entry, Asker(caller, viewer))
    return stands(subject.unsafe, entry, person_of(viewer).names)
