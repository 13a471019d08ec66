"""HTTP in: reading referrals. Every look, and every refusal, is written down before the answer."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from services.referral.acting import Asker, tag_for
from services.referral.callers import ByViewer, OnStores, ReferralId
from services.referral.disclosure.command import read_history, read_referral
from services.referral.disclosure.content import Entry
from services.referral.disclosure.listing import Filters, Page, list_referrals
from services.referral.disclosure.view import RecordView
from services.referral.documents import Purpose
from shared.events.codes import ReferralStatus, Urgency
from shared.rules.values import Instant
from shared.web.access import may
from shared.web.etags import tagged
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["referrals"])


@router.get("/v1/referrals/{referral_id}", dependencies=[may("view")])
async def get_referral(
    referral_id: ReferralId,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    response: Response,
    purpose: Annotated[Purpose, Query(description="What you need it for.")] = "safeguarding",
) -> RecordView:
    """A referral as you may see it now.

    Its referrer sees what it wrote itself and how it stands, and of what others wrote what any
    agency would be shown; the worker and the Hub all they need; a partner agency the categories
    that an agreement and a ground permit at this moment, and for the others the reason. For
    everyone else it isn't there. That you looked is recorded.
    """
    asker = Asker(caller, viewer)
    referral, shown = await read_referral(stores, asker, referral_id, purpose)
    tagged(response, tag_for(viewer)(referral))
    response.headers["Cache-Control"] = "no-store"
    return shown


class History(BaseModel):
    """Who wrote what when, oldest first."""

    entries: list[Entry]


@router.get("/v1/referrals/{referral_id}/history", dependencies=[may("view_history")])
async def get_history(
    referral_id: ReferralId,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    response: Response,
    purpose: Annotated[Purpose, Query(description="What you need it for.")] = "safeguarding",
) -> History:
    """What was sent and every amendment since, with its author and time, and so every earlier value.

    For the worker on the case and the managers of its Hub; its referrer sees what it wrote itself.
    That you looked is recorded.
    """
    asker = Asker(caller, viewer)
    referral, entries = await read_history(stores, asker, referral_id, purpose)
    tagged(response, tag_for(viewer)(referral))
    return History(entries=entries)


@router.get("/v1/referrals", dependencies=[may("list_referrals")])
async def get_referrals(
    viewer: ByViewer,
    stores: OnStores,
    status: Annotated[ReferralStatus | None, Query()] = None,
    urgency: Annotated[Urgency | None, Query()] = None,
    overdue: Annotated[bool | None, Query()] = None,
    agency_reference: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=100,
            description="For the agency that sent it: only the referral that has this reference of "
            "yours now. Not one that gave it up (docs/intake.md).",
        ),
    ] = None,
    changed_since: Annotated[
        Instant | None,
        Query(
            description="Only what changed then or later, the first change first: came, moved to "
            "another state, was amended, became overdue, was erased. Take `changed_until` of the last "
            "answer, or a moment of before you began."
        ),
    ] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Page:
    """Your own referrals: those you sent, those allocated to you, or those of your Hub."""
    asked = Filters(status, urgency, overdue, agency_reference, changed_since)
    return await list_referrals(stores, viewer, asked, cursor, limit)
