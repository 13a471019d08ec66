"""HTTP in: reading referrals. Every look, and every refusal, is written down before the answer."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from services.referral.domain.disclosure import (
    RecordView,
    is_unsafe,
    look,
    sealed_for,
    view,
    viewed,
)
from services.referral.domain.incoming import Code
from services.referral.domain.referrals import Referral
from services.referral.routes.common import ByViewer, OnDesk, ReferralId, refuse, write_down
from services.referral.store import Desk
from services.referral.vault import Erased
from shared.clock import now
from shared.errors import Forbidden
from shared.etags import tagged
from shared.events.codes import ReferralStatus, Urgency
from shared.tokens import AnyCaller

router = APIRouter(tags=["referrals"])

JSON_FIELDS = frozenset(
    {
        "referrer",
        "identity",
        "address",
        "safe_contact",
        "health",
        "education",
        "family",
        "discussion",
    }
)


@router.get("/v1/referrals/{referral_id}")
async def get_referral(
    referral_id: ReferralId,
    caller: AnyCaller,
    viewer: ByViewer,
    desk: OnDesk,
    response: Response,
    purpose: Annotated[Code, Query(description="What you need it for.")] = "safeguarding",
) -> RecordView:
    """A referral as you may see it now.

    Its referrer sees what it sent and how it stands; the worker and the Hub all they need; a
    partner agency the categories that an agreement and a ground permit at this moment, and for
    the others the reason. For everyone else it isn't there. That you looked is recorded.
    """
    referral = await desk.referrals.get(referral_id)
    subject = await desk.subjects.get(referral.subject_id)
    terms = await desk.terms_between(viewer.id, referral.hub_id)
    shown = look(referral, viewer, subject, terms, purpose, now())
    if isinstance(shown, str):
        raise await refuse(desk, caller, viewer, referral_id, "view", shown)
    opened = await _open(desk, referral, sealed_for(referral, shown))
    event = viewed(referral, viewer, shown, purpose)
    await write_down(desk, caller, viewer, referral_id, event)
    tagged(response, referral.version)
    response.headers["Cache-Control"] = "no-store"
    return view(referral, shown, opened)


async def _open(desk: Desk, referral: Referral, names: list[str]) -> dict[str, Any]:
    sealed = {name: referral.sealed[name] for name in names}
    try:
        opened = await desk.vault.open(referral.id, sealed)
    except Erased:
        return {}
    return {
        name: json.loads(text) if name in JSON_FIELDS and text else text
        for name, text in opened.items()
    }


class Summary(BaseModel):
    """A line of the list: state and clocks only."""

    id: str
    status: ReferralStatus
    urgency: Urgency
    received_at: datetime
    due_at: datetime
    overdue: bool


class Page(BaseModel):
    """Newest first; pass `next` as `cursor` for the page behind it."""

    referrals: list[Summary]
    next: str | None


@router.get("/v1/referrals")
async def get_referrals(
    viewer: ByViewer,
    desk: OnDesk,
    status: Annotated[ReferralStatus | None, Query()] = None,
    urgency: Annotated[Urgency | None, Query()] = None,
    overdue: Annotated[bool | None, Query()] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Page:
    """Your own referrals: those you sent, those allocated to you, or those of your Hub."""
    mine: dict[str, dict[str, Any]] = {
        "agency": {"agency_id": viewer.id, "reply": True},
        "worker": {"worker_id": viewer.id},
        "hub_manager": {"hub_id": {"$in": [viewer.hub_id, None]}},
    }
    if viewer.role not in mine:
        raise Forbidden
    asked = {"status": status, "urgency": urgency, "overdue": overdue}
    where = {**mine[viewer.role], **{n: v for n, v in asked.items() if v is not None}}
    found, following = await desk.page(where, cursor, limit)
    where = {"_id": {"$in": [referral.subject_id for referral in found]}}
    subjects = await desk.subjects.find(where, limit=limit)
    unsafe = {subject.id for subject in subjects if is_unsafe(subject, viewer)}
    heard = [referral for referral in found if referral.subject_id not in unsafe]
    lines = [Summary(**r.model_dump(include=set(Summary.model_fields))) for r in heard]
    return Page(referrals=lines, next=following)
