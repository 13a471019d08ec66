"""The reports in the store, and the questions that are asked of them."""

from collections.abc import Sequence
from typing import Any

from services.referral.intelligence.link import Link
from services.referral.intelligence.report import REPORT_ENDS_DUE, REVIEW_DUE, Report
from shared.storage.store import Document, Store
from shared.web.cursors import behind, cursor_of


class Reports:
    """Reports by id, by place and by what they are found by."""

    def __init__(self, store: Store[Report], links: Store[Link]) -> None:
        self.store, self.links = store, links

    async def prepare(self) -> None:
        """Create the indexes; safe to repeat."""
        await self.store.prepare(
            *([(name, 1), ("reported_at", -1)] for name in ("agency_id", "worker_id", "area")),
            [("nodes", 1), ("reported_at", 1)],
            [("referral_id", 1)],
            timers=[REVIEW_DUE, REPORT_ENDS_DUE],
        )
        await self.links.prepare([("report_ids", 1)])

    async def has(self, report_id: str) -> bool:
        """Whether there is such a report, destroyed ones included."""
        return await self.store.collection.find_one({"_id": report_id}, {"_id": 1}) is not None

    async def find(self, report_id: str) -> Report | None:
        """The report; None if there is none."""
        found = await self.store.find({"_id": report_id}, limit=1)
        return found[0] if found else None

    async def page(
        self, where: Document, cursor: str | None, limit: int
    ) -> tuple[list[Report], str | None]:
        """Reports newest first, and the cursor of the next page. Raises `BadRequest`."""
        if cursor:
            where = {"$and": [where, behind(cursor, "reported_at", newest_first=True)]}
        sort = [("reported_at", -1), ("_id", -1)]
        found = await self.store.find(where, sort=sort, limit=limit + 1)
        last = found[limit - 1] if len(found) > limit else None
        return found[:limit], cursor_of(last.reported_at, last.id) if last else None

    async def found_by(self, node: str, limit: int) -> list[Report]:
        """The first reports that this is found in, the oldest first."""
        sort: Sequence[Any] = [("reported_at", 1)]
        return await self.store.find({"nodes": node}, sort=sort, limit=limit)

    async def left_of(self, referral_id: str, limit: int) -> list[Report]:
        """Reports that name the referral, and are not destroyed."""
        where = {"referral_id": referral_id, "status": {"$ne": "destroyed"}}
        return await self.store.find(where, limit=limit)
