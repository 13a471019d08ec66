"""Who was considered for an event and not told of it: for each event and case one document."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from services.notify.rules.considered import Because
from shared.events.notify import NotificationKind, RecipientKind
from shared.storage.store import Collection


class Omitted(BaseModel):
    """These recipients, for this reason; without an id there was nobody."""

    model_config = ConfigDict(frozen=True)

    kind: NotificationKind
    recipient_kind: RecipientKind
    because: Because
    recipient_ids: tuple[str, ...] = ()


class Omission(BaseModel):
    """What one event left out in one case. Identifiers and codes only."""

    model_config = ConfigDict(frozen=True)

    id: str
    referral_id: str
    subject_id: str | None
    hub_id: str | None
    event_id: str
    event_type: str
    at: datetime
    omitted: tuple[Omitted, ...]


class Omissions:
    """All of them. They are no events: nothing was decided on that the trail does not have."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection

    async def prepare(self) -> None:
        """Create the index; safe to repeat."""
        await self.collection.create_index([("referral_id", 1)])

    async def keep(self, omission: Omission) -> None:
        """Keep it, in the place of what the same event left out before."""
        document = omission.model_dump(exclude={"id"})
        await self.collection.replace_one({"_id": omission.id}, document, upsert=True)

    async def find(self, where: Mapping[str, Any]) -> list[Omission]:
        """Those that match, oldest first."""
        cursor = self.collection.find(dict(where)).sort([("at", 1), ("_id", 1)]).limit(5000)
        return [Omission.model_validate({**each, "id": each["_id"]}) async for each in cursor]
