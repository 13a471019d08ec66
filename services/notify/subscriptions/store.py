"""Subscriptions in the store, and the questions that are asked of them."""

from collections.abc import Iterable

from services.notify.subscriptions.subscription import (
    CONFIRM_DUE,
    VERIFY_DUE,
    Subscription,
    key_of,
)
from shared.errors import NotFound
from shared.events.notify import RecipientKind
from shared.storage.store import Store


class Subscriptions(Store[Subscription]):
    """How each recipient wants to be told."""

    async def prepare_all(self) -> None:
        """Create the indexes; safe to repeat."""
        timers = [VERIFY_DUE, CONFIRM_DUE]
        await self.prepare([("recipient_kind", 1), ("areas", 1)], timers=timers)

    async def of(self, kind: RecipientKind, recipient_id: str) -> Subscription | None:
        """How a recipient wants to be told; None if they never said."""
        try:
            return await self.get(key_of(kind, recipient_id))
        except NotFound:
            return None

    async def partners(self, kind: str, area: str) -> list[Subscription]:
        """The agencies that asked to hear of this kind in this area."""
        where = {"recipient_kind": "agency", "active": True, "kinds": kind, "areas": area}
        return await self.find(where, sort=[("_id", 1)], limit=100_000)

    async def stop(self, subscription_id: str, timer: str) -> None:
        """Stop a timer of a subscription. No event: nothing has happened but that we have asked."""
        await self.collection.update_one({"_id": subscription_id}, {"$unset": {timer: ""}})


class Recipients:
    """Subscriptions, each read once. `found` maps `kind:id` to one, or to None if there is none."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self.found: dict[str, Subscription | None] = {}
        self._subscriptions = subscriptions

    async def read(self, keys: Iterable[str]) -> None:
        """Read several at once."""
        wanted = [key for key in dict.fromkeys(keys) if key not in self.found]
        self.found |= dict.fromkeys(wanted)
        for each in await self._subscriptions.find({"_id": {"$in": wanted}}) if wanted else ():
            self.found[each.id] = each

    async def of(self, kind: RecipientKind, recipient_id: str) -> Subscription | None:
        """How a recipient wants to be told; None if they never said."""
        key = key_of(kind, recipient_id)
        await self.read([key])
        return self.found[key]
