"""What the notify service keeps: its collections, their indexes, its reading queries."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.notify.domain.notification import CLOCKS, RECHECK_DUE, WEBHOOK_DUE, Notification
from services.notify.domain.outcomes import Outcome
from services.notify.domain.policy import HearingPolicy
from services.notify.domain.subscription import CONFIRM_DUE, VERIFY_DUE, Subscription, key_of
from services.notify.domain.timing import BACKOFF, slowed_until
from services.notify.known import Known
from shared.clock import Clock, now
from shared.errors import NotFound
from shared.events.notify import Channel, RecipientKind
from shared.runner import Platform
from shared.store import Collection, Store

Reached = Literal["no", "perhaps", "running"]
Attempt = tuple[Channel, int]


@dataclass(frozen=True)
class Desk:
    """The stores of this service, its policy, and the key its webhook secrets are derived from."""

    subscriptions: Store[Subscription]
    notifications: Store[Notification]
    attempts: Collection
    endpoints: Collection
    known: Known
    policy: HearingPolicy
    secret_key: bytes
    lease: float = 60.0
    backoff: tuple[float, ...] = BACKOFF
    patience: timedelta = timedelta(seconds=2)
    clock: Clock = field(default=now)

    @classmethod
    def on(
        cls,
        platform: Platform,
        policy: HearingPolicy,
        secret_key: bytes,
        *,
        clock: Clock = now,
        **options: Any,
    ) -> "Desk":
        """On this service's own database."""
        database, relay = platform.database, platform.relay
        return cls(
            subscriptions=Store(database["subscriptions"], Subscription, relay, clock=clock),
            notifications=Store(database["notifications"], Notification, relay, clock=clock),
            attempts=database["attempts"],
            endpoints=database["endpoints"],
            known=Known(database),
            policy=policy,
            secret_key=secret_key,
            clock=clock,
            **options,
        )

    async def prepare(self) -> None:
        """Create all indexes; safe to repeat."""
        await self.known.prepare()
        await self.subscriptions.prepare(
            [("recipient_kind", 1), ("areas", 1)], clocks=[VERIFY_DUE, CONFIRM_DUE]
        )
        await self.notifications.prepare(
            [("recipient", 1), ("created_at", 1), ("_id", 1)],
            [("referral_id", 1)],
            [("subject_id", 1)],
            [("hub_id", 1)],
            clocks=CLOCKS,
        )
        await self.attempts.create_index([("notification_id", 1), ("number", 1)])

    async def subscription(self, kind: RecipientKind, recipient_id: str) -> Subscription | None:
        """How a recipient wants to be told; None if they never said."""
        try:
            return await self.subscriptions.get(key_of(kind, recipient_id))
        except NotFound:
            return None

    async def partners(self, kind: str, area: str) -> list[Subscription]:
        """The agencies that asked to hear of this kind in this area."""
        where = {"recipient_kind": "agency", "active": True, "kinds": kind, "areas": area}
        return await self.subscriptions.find(where, sort=[("_id", 1)], limit=100_000)

    async def inbox(self, recipient: str, after: str | None, limit: int) -> list[Notification]:
        """A recipient's notifications, oldest first, after the one with this id.

        Whatever was never in an answer comes too, wherever the cursor stands: two replicas may
        store in another order than they have read the clock in.
        """
        where: dict[str, Any] = {
            "recipient": recipient,
            "status": {"$ne": "withheld"},
            # Taken back before it was ever shown here: it will not be.
            "$nor": [{"status": "retracted", "inbox_at": None}],
        }
        if after:
            last = await self.notifications.get(after)
            if last.recipient != recipient:
                raise NotFound("cursor")
            where["$or"] = [
                {"inbox_at": None},
                {"created_at": {"$gt": last.created_at}},
                {"created_at": last.created_at, "_id": {"$gt": after}},
            ]
        return await self.notifications.find(
            where, sort=[("created_at", 1), ("_id", 1)], limit=limit
        )

    async def look_again(self, where: Mapping[str, Any], at: datetime) -> int:
        """Every notification to an agency that is not over is decided on again, soon.

        Only a clock is moved: what comes of it is decided, and told to the trail, one by one.
        """
        live = {"recipient_kind": "agency", "status": {"$nin": ["withheld", "retracted"]}}
        result = await self.notifications.collection.update_many(
            {**where, **live}, {"$set": {RECHECK_DUE: at}}
        )
        return result.modified_count

    async def look_again_at(self, notification_id: str, at: datetime | None) -> None:
        """Decide on it again at that time; with None not before something happens."""
        live = {"_id": notification_id, "status": {"$nin": ["withheld", "retracted"]}}
        change = {"$unset": {RECHECK_DUE: ""}} if at is None else {"$set": {RECHECK_DUE: at}}
        await self.notifications.collection.update_one(live, change)

    async def began(self, notification_id: str, channel: Channel, at: datetime) -> int:
        """Write down that an attempt begins, and its number (1, 2, …). Rows are never changed."""
        which = {"notification_id": notification_id, "channel": channel, "step": "began"}
        number = 1
        while True:
            name = f"{notification_id}/{channel}/{number}/began"
            try:
                await self.attempts.insert_one({"_id": name, **which, "number": number, "at": at})
                return number
            except DuplicateKeyError:  # an earlier attempt, or another replica's
                number = max(number, await self.attempts.count_documents(which)) + 1

    async def ended(
        self, notification_id: str, channel: Channel, number: int, outcome: Outcome, at: datetime
    ) -> None:
        """Write down how an attempt ended. Rows are never changed."""
        row = {
            "_id": f"{notification_id}/{channel}/{number}/ended",
            "notification_id": notification_id,
            "channel": channel,
            "number": number,
            "step": "ended",
            "at": at,
            "result": outcome.result,
            "code": outcome.code,
        }
        await self.attempts.insert_one(row)

    async def reached(
        self, notification_id: str, at: datetime, but: Attempt | None = None
    ) -> Reached:
        """Whether any attempt (but the caller's own, `but`) may have told them.

        One that never ended may have: the process died, or is at it right now (`running`).
        """
        began: dict[Attempt, datetime] = {}
        ended: dict[Attempt, str] = {}
        async for row in self.attempts.find({"notification_id": notification_id}):
            attempt: Attempt = (row["channel"], row["number"])
            if row["step"] == "began":
                began[attempt] = row["at"]
            else:
                ended[attempt] = row["result"]
        open_ones = [a for key, a in began.items() if key not in ended and key != but]
        if any(at - since < timedelta(seconds=self.lease) for since in open_ones):
            return "running"
        unsure = open_ones or {"delivered", "unknown"} & set(ended.values())
        return "perhaps" if unsure else "no"

    async def failing(self) -> list[str]:
        """The recipients whose endpoints failed last time: they have a lane of their own."""
        cursor = self.endpoints.find({"failures": {"$gt": 0}}, {"_id": 1}).limit(10_000)
        return [found["_id"] async for found in cursor]

    async def left_alone_until(self, recipient: str) -> datetime | None:
        """Until when an endpoint is not to be called; None if it is well."""
        found = await self.endpoints.find_one({"_id": recipient})
        return found.get("not_before") if found and found["failures"] else None

    async def endpoint_failed(self, recipient: str, outcome: Outcome, at: datetime) -> int:
        """It is called less often from now on. Returns how often it has failed in a row."""
        found = await self.endpoints.find_one_and_update(
            {"_id": recipient},
            {"$inc": {"failures": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        failures = int((found or {})["failures"])
        until = slowed_until(failures, at, outcome.retry_after, self.backoff)
        await self.endpoints.update_one({"_id": recipient}, {"$set": {"not_before": until}})
        return failures

    async def endpoint_answered(self, recipient: str, at: datetime) -> None:
        """It is well. What waited for it is due now."""
        found = await self.endpoints.find_one({"_id": recipient})
        if found and found["failures"]:
            await self.endpoints.update_one({"_id": recipient}, {"$set": {"failures": 0}})
            await self.hurry(recipient, at)

    async def hurry(self, recipient: str, at: datetime) -> None:
        """Whatever waits long for this recipient's webhook is due now.

        What is under way has its clock within a lease from now and is left alone.
        """
        far = {"$gt": at + timedelta(seconds=self.lease)}
        await self.notifications.collection.update_many(
            {"recipient": recipient, WEBHOOK_DUE: far}, {"$set": {WEBHOOK_DUE: at}}
        )

    async def stop(self, subscription_id: str, clock: str) -> None:
        """Stop a clock of a subscription. No event: nothing has happened but that we have asked."""
        await self.subscriptions.collection.update_one(
            {"_id": subscription_id}, {"$unset": {clock: ""}}
        )

    async def challenged(self, recipient: str) -> int:
        """Count one more challenge of this endpoint. Returns how many there were."""
        found = await self.endpoints.find_one_and_update(
            {"_id": recipient},
            {"$inc": {"challenges": 1}, "$setOnInsert": {"failures": 0}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return int((found or {})["challenges"])

    def secret(self, subscription: Subscription, generation: int | None = None) -> str:
        """A webhook's signing secret (Standard Webhooks: `whsec_` and base64 of 32 bytes).

        Derived, not stored: whoever reads the database learns no secret.
        """
        number = subscription.generation if generation is None else generation
        mac = self._mac(f"{subscription.recipient_id}/{number}")
        return "whsec_" + base64.b64encode(mac).decode()

    def confirmation_code(self, subscription: Subscription) -> str:
        """The code that proves a mailbox: ten letters and digits, another for every address."""
        mac = self._mac(f"mail/{subscription.id}/{subscription.email}")
        return base64.b32encode(mac).decode()[:10]

    def _mac(self, name: str) -> bytes:
        return hmac.new(self.secret_key, name.encode(), hashlib.sha256).digest()
