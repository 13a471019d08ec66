"""Who has what about a referral: every recipient, what they were told, and each attempt."""

from datetime import datetime

from pydantic import BaseModel

from services.notify.access import LedgerScope, hidden_from
from services.notify.notification import Notification, Status
from services.notify.store import Stores
from shared.events.notify import (
    ActionOutcome,
    ActionTaken,
    Channel,
    NotificationKind,
    RecipientKind,
)
from shared.rules.sharing import Verdict
from shared.web.tokens import Caller


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


async def ledger_of(stores: Stores, referral_id: str, scope: LedgerScope, caller: Caller) -> Ledger:
    """The ledger of a referral, as far as the scope reaches; empty for who is marked as unsafe for
    the young person, as for a referral that isn't there."""
    hidden = (await hidden_from(stores, caller)).where()
    where: dict[str, object] = {"referral_id": referral_id, **scope.where, **hidden}
    found = await stores.notifications.find(where, sort=[("created_at", 1), ("_id", 1)], limit=5000)
    confirmed = {
        n.about_id: n.acted.at for n in found if n.kind == "retraction" and n.acted is not None
    }
    attempts = await _attempts(stores, [n.id for n in found])
    holdings = [
        _holding(n, confirmed.get(n.id), attempts.get(n.id, []), named=scope.names) for n in found
    ]
    return Ledger(referral_id=referral_id, recipients=holdings)


def _holding(
    n: Notification, confirmed_at: datetime | None, attempts: list[AttemptView], *, named: bool
) -> Holding:
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


async def _attempts(stores: Stores, ids: list[str]) -> dict[str, list[AttemptView]]:
    rows = stores.attempts.collection.find({"notification_id": {"$in": ids}}).sort(
        [("number", 1), ("at", 1)]
    )
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
