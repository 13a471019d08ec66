"""What the notify service keeps: its collections, their indexes, its reading queries."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from services.notify.domain import DELIVERY_DUE, Notification, Subscription
from shared.events.notify import RecipientKind
from shared.runner import Platform
from shared.store import Collection, Store


@dataclass(frozen=True)
class Desk:
    """The stores of this service, and the key its webhook secrets are derived from."""

    subscriptions: Store[Subscription]
    notifications: Store[Notification]
    attempts: Collection
    secret_key: bytes

    @classmethod
    def on(cls, platform: Platform, secret_key: bytes) -> "Desk":
        """On this service's own database."""
        database, relay = platform.database, platform.relay
        return cls(
            subscriptions=Store(database["subscriptions"], Subscription, relay),
            notifications=Store(database["notifications"], Notification, relay),
            attempts=database["attempts"],
            secret_key=secret_key,
        )

    async def prepare(self) -> None:
        """Create all indexes; safe to repeat."""
        await self.subscriptions.prepare()
        await self.notifications.prepare(
            [("recipient_kind", 1), ("recipient_id", 1), ("_id", 1)],
            [("referral_id", 1)],
            clocks=[DELIVERY_DUE],
        )
        await self.attempts.create_index([("notification_id", 1), ("number", 1)])

    async def inbox(
        self, kind: RecipientKind, recipient_id: str, after: str | None, limit: int
    ) -> list[Notification]:
        """A recipient's notifications, oldest first, after the one with this id."""
        where: dict[str, object] = {"recipient_kind": kind, "recipient_id": recipient_id}
        if after:
            last = await self.notifications.get(after)
            where["$or"] = [
                {"created_at": {"$gt": last.created_at}},
                {"created_at": last.created_at, "_id": {"$gt": after}},
            ]
        return await self.notifications.find(
            where, sort=[("created_at", 1), ("_id", 1)], limit=limit
        )

    async def began(self, notification_id: str, at: datetime) -> int:
        """Write down that an attempt begins, and its number (1, 2, …). Rows are never changed."""
        number = 1 + await self.attempts.count_documents(
            {"notification_id": notification_id, "step": "began"}
        )
        row = {"notification_id": notification_id, "number": number, "step": "began", "at": at}
        await self.attempts.insert_one(row)
        return number

    async def ended(self, notification_id: str, number: int, outcome: str, at: datetime) -> None:
        """Write down how an attempt ended: `delivered` or a code of why not."""
        row = {"notification_id": notification_id, "number": number, "step": "ended", "at": at}
        await self.attempts.insert_one({**row, "outcome": outcome})

    def secret(self, subscription: Subscription) -> str:
        """The webhook's signing secret (Standard Webhooks: `whsec_` and base64 of 32 bytes).

        Derived, not stored: whoever reads the database learns no secret.
        """
        name = f"{subscription.id}/{subscription.generation}".encode()
        mac = hmac.new(self.secret_key, name, hashlib.sha256).digest()
        return "whsec_" + base64.b64encode(mac).decode()
