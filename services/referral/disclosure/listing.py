"""The list of one's own referrals: the newest first, or what changed since a moment."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field

from services.referral.access import Viewer, finds_by_reference, own_referrals, person_of
from services.referral.intake.reserving import uses_of
from services.referral.records import Referral
from services.referral.store import Stores
from services.referral.vault import Erased
from shared.clock import now
from shared.errors import Malformed
from shared.events.codes import ReferralStatus, Urgency
from shared.storage.store import Document
from shared.web.cursors import cursor_of, read_cursor

# A change may come into sight so long after the moment that it notes: clocks of replicas differ, and
# a write takes its time. Whoever asks again from this much earlier misses none of them.
OVERLAP = timedelta(minutes=1)


class Summary(BaseModel):
    """A line of the list: state and clocks only; to the agency that sent it, its own id of it."""

    id: str
    status: ReferralStatus
    urgency: Urgency
    received_at: datetime
    due_at: datetime
    overdue: bool
    agency_reference: str | None = Field(
        default=None,
        description="Your own id of the referral, as you sent it; null once it was erased, and to "
        "whoever has not sent it.",
    )


class Page(BaseModel):
    """Pass `next` as `cursor`, beside the same filters, for the page behind it. Newest first; asked
    with `changed_since`, the first change first."""

    referrals: list[Summary]
    next: str | None
    changed_until: datetime | None = Field(
        default=None,
        description="Asked with `changed_since`: what to ask with next time. It is the same on every "
        "page and lies a minute before the first of them, so some changes come twice and none is missed.",
    )


@dataclass(frozen=True)
class Filters:
    """What a list is asked for; None is not asked."""

    status: ReferralStatus | None = None
    urgency: Urgency | None = None
    overdue: bool | None = None
    agency_reference: str | None = None
    changed_since: datetime | None = None


async def list_referrals(
    stores: Stores, viewer: Viewer, asked: Filters, cursor: str | None, limit: int
) -> Page:
    """A page of the viewer's own referrals. Those of young people for whom the viewer is marked as
    unsafe are not there, in no page and in no cursor. Raises `Malformed` for whoever asks for a
    reference and is no agency, `BadRequest` for a cursor that nobody was sent."""
    where = own_referrals(viewer) | _asked(stores, viewer, asked)
    if unsafe := await stores.unsafe_for(person_of(viewer).names):
        where["subject_id"] = {"$nin": unsafe}
    until = None
    if asked.changed_since is None:
        found, following = await stores.page(where, cursor, limit)
    else:
        until, within = read_cursor(cursor) if cursor else (now() - OVERLAP, None)
        found, following = await stores.changes(where, within, limit)
        following = following and cursor_of(until, following)
    return Page(referrals=await _lines(stores, viewer, found), next=following, changed_until=until)


def _asked(stores: Stores, viewer: Viewer, asked: Filters) -> Document:
    plain = {"status": asked.status, "urgency": asked.urgency, "overdue": asked.overdue}
    where: dict[str, Any] = {name: value for name, value in plain.items() if value is not None}
    if asked.changed_since is not None:
        where["stands_since"] = {"$gte": asked.changed_since}
    if asked.agency_reference is not None:
        if not finds_by_reference(viewer):
            detail = "Only the agency that sent a referral finds it by its reference."
            raise Malformed("/query/agency_reference", "senders_only", detail)
        hashed = stores.vault.fingerprint("reference", viewer.id, asked.agency_reference)
        where["reference_hash"] = uses_of(hashed)
    return where


async def _lines(stores: Stores, viewer: Viewer, found: Sequence[Referral]) -> list[Summary]:
    # No call of the store for each: but for the keys that are not in memory.
    named = [_reference(stores, one) for one in found] if finds_by_reference(viewer) else ()
    references = await asyncio.gather(*named) or [None] * len(found)
    names = set(Summary.model_fields) - {"agency_reference"}
    return [
        Summary(**one.model_dump(include=names), agency_reference=reference)
        for one, reference in zip(found, references, strict=True)
    ]


async def _reference(stores: Stores, referral: Referral) -> str | None:
    sealed = {n: v for n, v in referral.sealed.items() if n == "agency_reference"}
    try:
        return (await stores.vault.open(referral.id, sealed)).get("agency_reference")
    except Erased:
        return None
