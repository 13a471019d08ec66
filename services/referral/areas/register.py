"""The register in the store: areas that operators registered, and those that Hubs have."""

from services.referral.areas.rule import Area, Place, place
from services.referral.hubs.directory import Directory
from services.referral.hubs.rule import serving
from shared.storage.store import Store

MAX_AREAS = 5000


class Register:
    """Where words for areas belong. An area that a Hub has is in the register by that alone."""

    def __init__(self, areas: Store[Area], hubs: Directory) -> None:
        self.areas, self._hubs = areas, hubs

    async def place(self, word: str) -> Place:
        """Where the word belongs now. One that is the code of a Hub's area takes one reading."""
        if await self._hubs.have(word):
            return Place(word)
        return place(word, await self.all(), await self.of_hubs())

    async def all(self) -> list[Area]:
        """All that operators registered, by code."""
        return await self.areas.find({}, sort=[("_id", 1)], limit=MAX_AREAS)

    async def of_hubs(self) -> dict[str, str | None]:
        """The areas of Hubs, each with the Hub that serves it; none while two have it."""
        hubs = await self._hubs.all()
        served = serving(hubs)
        return {area: served.get(area) for hub in hubs for area in hub.areas}

    async def page(
        self, after: str | None, limit: int
    ) -> tuple[list[tuple[str, Area | None, str | None]], str | None]:
        """Areas by code, each with its entry and its Hub, and where the next page begins."""
        found = await self.areas.find(
            {"_id": {"$gt": after or ""}}, sort=[("_id", 1)], limit=limit + 1
        )
        hubs, entries = await self.of_hubs(), {area.id: area for area in found}
        codes = sorted({*entries, *(code for code in hubs if code > (after or ""))})
        # Behind the last entry read there may be others: no area of a Hub goes before them.
        if len(found) > limit:
            codes = [code for code in codes if code <= found[-1].id]
        shown = [(code, entries.get(code), hubs.get(code)) for code in codes[:limit]]
        return shown, shown[-1][0] if len(codes) > limit else None
