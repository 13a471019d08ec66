"""HTTP in: a referral goes to another Hub."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.referral.acting import Asker
from services.referral.callers import ByParty, ByViewer, OnStores, ReferralId
from services.referral.records import Referral
from services.referral.transfers.command import (
    accept_transfer,
    answer,
    list_transfers,
    propose_transfer,
    read_transfer,
)
from services.referral.transfers.request import (
    RefusalEntry,
    TransferEntry,
    TransferPage,
    TransferView,
)
from services.referral.transfers.rule import answerable, decline, take_back
from services.referral.transfers.view import viewed
from shared.web.access import may
from shared.web.etags import IfMatch, tagged
from shared.web.problems import CONDITIONAL
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["transfers"])


def _shown(response: Response, referral: Referral) -> TransferView:
    tagged(response, referral.version)
    return viewed(referral.id, referral.transfer or answerable(referral))


@router.post(
    "/v1/referrals/{referral_id}/transfer",
    status_code=201,
    responses=CONDITIONAL,
    dependencies=[may("propose_transfer")],
)
async def post_transfer(
    referral_id: ReferralId,
    entry: TransferEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> TransferView:
    """Propose that another Hub of the network takes the referral. Until its manager accepts, nothing
    changes and it stays yours; `answer_by` is when you hear that nobody has answered, and later the
    operators. One proposal waits at a time: `409 transfer_waits`."""
    asker = Asker(caller, viewer)
    return _shown(response, await propose_transfer(stores, asker, referral_id, entry, match))


@router.get("/v1/transfers", dependencies=[may("list_transfers")])
async def get_transfers(
    caller: AnyCaller,
    viewer: ByParty,
    stores: OnStores,
    response: Response,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> TransferPage:
    """The proposals that wait for an answer: yours, and those of others to you; for operators all."""
    response.headers["Cache-Control"] = "no-store"
    found, following = await list_transfers(stores, Asker(caller, viewer), cursor, limit)
    return TransferPage(transfers=found, next=following)


@router.get("/v1/transfers/{referral_id}", dependencies=[may("view_transfer")])
async def get_transfer(
    referral_id: ReferralId,
    caller: AnyCaller,
    viewer: ByParty,
    stores: OnStores,
    response: Response,
) -> TransferView:
    """The referral's last proposal, in codes; also once it is answered. How old the young person is and
    the level of risk the other Hub learns where an agreement of the two and a ground permit it. That
    you looked is recorded."""
    referral, view = await read_transfer(stores, Asker(caller, viewer), referral_id)
    tagged(response, referral.version)
    response.headers["Cache-Control"] = "no-store"
    return view


@router.post(
    "/v1/transfers/{referral_id}/acceptance",
    responses=CONDITIONAL,
    dependencies=[may("answer_transfer")],
)
async def post_transfer_acceptance(
    referral_id: ReferralId,
    caller: AnyCaller,
    viewer: ByParty,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> TransferView:
    """Take the referral: it is your Hub's from now on, and the other reads it no longer. It is accepted
    then, and gets its worker as any other does."""
    asker = Asker(caller, viewer)
    return _shown(response, await accept_transfer(stores, asker, referral_id, match))


@router.post(
    "/v1/transfers/{referral_id}/decline",
    responses=CONDITIONAL,
    dependencies=[may("answer_transfer")],
)
async def post_transfer_decline(
    referral_id: ReferralId,
    entry: RefusalEntry,
    caller: AnyCaller,
    viewer: ByParty,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> TransferView:
    """Do not take it, for a coded reason: it stays where it is, and they hear of it."""
    asker, action = Asker(caller, viewer), "answer_transfer"
    return _shown(
        response,
        await answer(stores, asker, referral_id, action, match, lambda r: decline(r, entry.reason)),
    )


@router.post(
    "/v1/transfers/{referral_id}/withdrawal",
    responses=CONDITIONAL,
    dependencies=[may("take_back_transfer")],
)
async def post_transfer_withdrawal(
    referral_id: ReferralId,
    caller: AnyCaller,
    viewer: ByParty,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> TransferView:
    """Take the proposal back: the referral stays where it is. Operators may, too."""
    asker, action = Asker(caller, viewer), "take_back_transfer"
    return _shown(response, await answer(stores, asker, referral_id, action, match, take_back))
