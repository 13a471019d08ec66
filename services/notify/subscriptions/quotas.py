"""What may be asked for only so often, whichever replica is asked and whenever it was started."""

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil

from limits import RateLimitItem, parse
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.notify.subscriptions.secrets import Secrets
from shared.errors import TooMany
from shared.operating.limits import LimitSettings
from shared.storage.store import Collection
from shared.web.limits import Spent


def quotas_of(settings: LimitSettings) -> dict[str, RateLimitItem]:
    """The quotas that hold across replicas, as the settings say."""
    return {
        "mail_codes": parse(settings.limit_mail_codes),
        "mails": parse(settings.limit_mails),
        "mailbox": parse(settings.limit_mailbox),
        "challenges": parse(settings.limit_challenges),
        "tests": parse(settings.limit_tests),
        "tests_day": parse(settings.limit_tests_day),
        "replays": parse(settings.limit_replays),
        "replays_each": parse(settings.limit_replays_each),
    }


class Quotas:
    """Counters in the store, by fixed windows of time. Who is counted is a keyed hash there."""

    def __init__(
        self, collection: Collection, secrets: Secrets, items: Mapping[str, RateLimitItem]
    ) -> None:
        self._collection, self._secrets, self._items = collection, secrets, items

    async def prepare(self) -> None:
        """Create the index; safe to repeat."""
        await self._collection.create_index([("ends_at", 1)])

    async def spend(self, name: str, who: str, at: datetime) -> Spent:
        """Count one more, before it is done. Raises `TooMany` when that is more than the quota."""
        item = self._items[name]
        window = item.get_expiry()
        ends_at = datetime.fromtimestamp((at.timestamp() // window + 1) * window, UTC)
        counter = f"{name}/{self._secrets.pseudonym(who)}/{ends_at:%Y%m%dT%H%M%S}"
        count = await self._count(counter)
        if count is None:
            await self._collection.delete_many({"ends_at": {"$lt": at}})
            with contextlib.suppress(DuplicateKeyError):  # another replica was first
                await self._collection.insert_one({"_id": counter, "spent": 0, "ends_at": ends_at})
            count = await self._count(counter) or 1
        resets_in = max(1, ceil((ends_at - at).total_seconds()))
        spent = Spent(name, item.amount, window, max(0, item.amount - count), resets_in)
        if count > item.amount:
            raise TooMany(name, resets_in, spent.fields())
        return spent

    async def _count(self, counter: str) -> int | None:
        found = await self._collection.find_one_and_update(
            {"_id": counter}, {"$inc": {"spent": 1}}, return_document=ReturnDocument.AFTER
        )
        return int(found["spent"]) if found else None
