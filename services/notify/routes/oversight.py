"""HTTP in, for Hub managers, auditors and operators: who has what, and sending again."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from services.notify.domain.life import replay
from services.notify.domain.notification import CLOCK, Notification, Status
from services.notify.domain.subscription import Code, Incoming, key_of
from services.notify.routes.who import OnDesk
from services.notify.store import Desk
from shared.errors import Forbidden
from shared.events.notify import (
    ActionOutcome,
    ActionTaken,
    Channel,
    NotificationKind,
    RecipientKind,
)
from shared.sharing import Verdict
from shared.tokens import Caller, only

router = APIRouter(tags=["oversight"])

FromOversight = Annotated[Caller, only("hub_manager", "auditor")]
FromReplayer = Annotated[Caller, only("operator", "hub_manager", "agency")]
MAX_REPLAYED = 500


class AttemptView(BaseModel):
    """One attempt. Without a result it never ended: they may or may not have been told."""

    channel: Channel
    number: int
    began_at: datetime
    ended_at: datetime | None
    result: str | None
    code: str | None


class Holding(BaseModel):
    """One recipient and one notification: what they were told, on which grounds, what they did.

    `verdicts` is each category with its ground, or the reason why it was withheld. `confirmed_at`
    is when a retraction was confirmed. Names of persons are for the Hub's managers only.
    """

    notification_id: str
    recipient_kind: RecipientKind
    recipient_id: str
    kind: NotificationKind
    purpose: str
    ground: str
    verdicts: tuple[Verdict, ...]
    status: Status
    created_at: datetime
    told_at: datetime | None
    opened_at: datetime | None
    opened_by: str | None
    acted_at: datetime | None
    acted_by: str | None
    taken: ActionTaken | None
    outcome: ActionOutcome | None
    retracted_at: datetime | None
    confirmed_at: datetime | None
    attempts: list[AttemptView]


class Ledger(BaseModel):
    """Who has what about a referral, oldest first; those it was withheld from as well."""

    referral_id: str
    recipients: list[Holding]


@router.get("/v1/notifications/recipients")
async def get_recipients(
    referral_id: Annotated[str, Query(max_length=60)], caller: FromOversight, desk: OnDesk
) -> Ledger:
    """Who has what: for the managers of the Hub that shared it, and for auditors."""
    where: dict[str, object] = {"referral_id": referral_id}
    if caller.role == "hub_manager":
        where["hub_id"] = caller.hub_id
    found = await desk.notifications.find(where, sort=[("created_at", 1), ("_id", 1)], limit=5000)
    confirmed = {
        n.about_id: n.acted.at for n in found if n.kind == "retraction" and n.acted is not None
    }
    attempts = await _attempts(desk, [n.id for n in found])
    return Ledger(
        referral_id=referral_id,
        recipients=[
            _holding(n, confirmed.get(n.id), attempts.get(n.id, []), caller) for n in found
        ],
    )


def _holding(
    n: Notification, confirmed_at: datetime | None, attempts: list[AttemptView], caller: Caller
) -> Holding:
    named = caller.role == "hub_manager"
    same = set(Holding.model_fields) & set(Notification.model_fields)
    return Holding(
        **n.model_dump(include=same),
        notification_id=n.id,
        opened_by=n.opened_name if named else None,
        acted_at=n.acted.at if n.acted else None,
        acted_by=(n.acted.name if named else n.acted.person) if n.acted else None,
        taken=n.acted.taken if n.acted else None,
        outcome=n.acted.outcome if n.acted else None,
        confirmed_at=confirmed_at,
        attempts=attempts,
    )


async def _attempts(desk: Desk, ids: list[str]) -> dict[str, list[AttemptView]]:
    rows = desk.attempts.find({"notification_id": {"$in": ids}}).sort([("number", 1), ("at", 1)])
    found: dict[tuple[str, str, int], AttemptView] = {}
    async for row in rows:
        key = (row["notification_id"], row["channel"], row["number"])
        if row["step"] == "began":
            found[key] = AttemptView(
                channel=row["channel"],
                number=row["number"],
                began_at=row["at"],
                ended_at=None,
                result=None,
                code=None,
            )
        elif key in found:
            ended = {"ended_at": row["at"], "result": row["result"], "code": row["code"]}
            found[key] = found[key].model_copy(update=ended)
    by_notification: dict[str, list[AttemptView]] = {}
    for (notification_id, _, _), attempt in found.items():
        by_notification.setdefault(notification_id, []).append(attempt)
    return by_notification


class Replay(Incoming):
    """What was created in this window of time, for this recipient."""

    recipient_kind: RecipientKind
    recipient_id: Code
    since: AwareDatetime
    until: AwareDatetime
    channel: Channel = "webhook"


class Replayed(BaseModel):
    """How many are sent again. `more`: the window held more; ask again from `next_since`."""

    replayed: int
    more: bool
    next_since: datetime | None


@router.post("/v1/notifications/replays")
async def post_replay(body: Replay, caller: FromReplayer, desk: OnDesk) -> Replayed:
    """Send again what this recipient was sent in a window of time: new attempts, same ids. What
    is withheld, retracted or still waiting is left alone, and every ground is looked at again."""
    own = caller.role == "agency"
    if own and (body.recipient_kind, body.recipient_id) != ("agency", caller.agency_id):
        raise Forbidden
    where: dict[str, object] = {
        "recipient": key_of(body.recipient_kind, body.recipient_id),
        "created_at": {"$gte": body.since, "$lt": body.until},
    }
    if caller.role == "hub_manager":
        where["hub_id"] = caller.hub_id
    found = await desk.notifications.find(where, sort=[("created_at", 1)], limit=MAX_REPLAYED)
    count = 0
    for notification in found if body.channel in CLOCK else []:
        after = await desk.notifications.change(
            notification.id,
            lambda n: replay(n, body.channel, desk.clock()),
            by=caller.origin(notification.referral_id),
        )
        count += after.version != notification.version
    more = len(found) == MAX_REPLAYED
    return Replayed(replayed=count, more=more, next_since=found[-1].created_at if more else None)
