"""HTTP in: invitations, what young people let one read, and what many say."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.referral.acting import Asker
from services.referral.callers import ByParty, ByViewer, Key, OnStores, ReferralId
from services.referral.documents import Code, Purpose
from services.referral.participation.counting import summary
from services.referral.participation.inviting import invite, read_said
from services.referral.participation.replying import list_replies, put_reply, take_down, view
from services.referral.participation.request import (
    InvitationEntry,
    InvitationMade,
    Participation,
    ParticipationSummary,
    ReplyEntry,
    ReplyPage,
    ReplyView,
)
from shared.events.participation import Theme
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["participation"])


@router.post(
    "/v1/referrals/{referral_id}/invitations", status_code=201, dependencies=[may("invite")]
)
async def post_invitation(
    referral_id: ReferralId,
    entry: InvitationEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    key: Key,
    response: Response,
) -> InvitationMade:
    """A code for a card, by which the young person can say what they want, how it is and what should
    change. It lasts 30 days. Nothing of it is needed to get help: do not ask whether they used it."""
    response.headers["Cache-Control"] = "no-store"
    return await invite(stores, Asker(caller, viewer), referral_id, entry, key)


@router.get("/v1/referrals/{referral_id}/participation", dependencies=[may("view_participation")])
async def get_participation(
    referral_id: ReferralId,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    response: Response,
    purpose: Annotated[Purpose, Query(description="What you need it for.")] = "direct_work",
) -> Participation:
    """The invitations, and what the young person said for you to read: as they chose, for the worker
    on the case, or its Hub, too. That you looked is recorded."""
    response.headers["Cache-Control"] = "no-store"
    return await read_said(stores, Asker(caller, viewer), referral_id, purpose)


@router.get("/v1/participation/summary", dependencies=[may("view_participation_numbers")])
async def get_participation_summary(
    viewer: ByParty,
    stores: OnStores,
    hub_id: Annotated[
        Code | None, Query(description="Of which Hub; a manager's is theirs.")
    ] = None,
) -> ParticipationSummary:
    """What many young people said to a Hub, by finished quarters. Small numbers are withheld, what is
    shown is rounded to fives, and a quarter that was shown does not change."""
    return await summary(stores, viewer, hub_id)


@router.get("/v1/participation/replies", dependencies=[may("view_replies")])
async def get_replies(
    stores: OnStores,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 25,
) -> ReplyPage:
    """You said, we did: what Hubs did about what young people said. Everybody may know it."""
    return await list_replies(stores, cursor, limit)


@router.put("/v1/participation/replies/{theme}", dependencies=[may("write_reply")])
async def put_participation_reply(
    theme: Theme, entry: ReplyEntry, caller: AnyCaller, viewer: ByParty, stores: OnStores
) -> ReplyView:
    """What your Hub did about a theme. Everybody can read it: no word of a young person, nothing by
    which one of them could be known."""
    return view(await put_reply(stores, caller, viewer, theme, entry.done))


@router.delete(
    "/v1/participation/replies/{theme}",
    status_code=204,
    response_class=Response,
    dependencies=[may("write_reply")],
)
async def delete_reply(theme: Theme, caller: AnyCaller, viewer: ByParty, stores: OnStores) -> None:
    """Nobody reads it any more. Twice is once."""
    await take_down(stores, caller, viewer, theme)
