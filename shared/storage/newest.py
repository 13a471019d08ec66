"""What a service knows of another's records: the newest state of each, by the version of its event."""

from collections.abc import Mapping
from typing import Any

from pymongo.errors import DuplicateKeyError

from shared.storage.documents import Collection, Document


class Newest:
    """One collection of states that come whole: the newest counts, whatever order they come in."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection

    async def keep(self, record_id: str, version: int, fields: Mapping[str, Any]) -> None:
        """On return this state, or a newer one, is stored. An older one, or the same, says nothing."""
        older = {"_id": record_id, "version": {"$lt": version}}
        state = {**fields, "version": version}
        try:
            await self.collection.update_one(older, {"$set": state}, upsert=True)
        except DuplicateKeyError:
            return  # what is there is not older

    async def get(self, record_id: str) -> Document:
        """The newest state; empty where nothing is known."""
        return await self.collection.find_one({"_id": record_id}) or {}
