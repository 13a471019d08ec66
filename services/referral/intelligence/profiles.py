"""The problem profiles as they were first seen. Two versions of one could be taken from each other."""

import contextlib
from datetime import datetime

from pymongo.errors import DuplicateKeyError

from services.referral.intelligence.profile import Profile
from shared.storage.documents import Collection


class Profiles:
    """What was published of an area's quarter, which stays as it is."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def find(self, area: str, quarter: str) -> Profile | None:
        """The profile; None where nobody has asked for it yet."""
        found = await self._collection.find_one({"_id": f"{area}:{quarter}"})
        return Profile.model_validate(found["profile"]) if found else None

    async def keep(self, counted: Profile, at: datetime) -> Profile:
        """The one that was kept first: this one, or of somebody who counted it at the same time."""
        key = f"{counted.area}:{counted.quarter}"
        document = {"_id": key, "counted_at": at, "profile": counted.model_dump()}
        with contextlib.suppress(DuplicateKeyError):
            await self._collection.insert_one(document)
        return await self.find(counted.area, counted.quarter) or counted
