"""The entries that a search is for, whatever their search fields say: found by those, held against the
leaf. Reads only."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from services.audit.log.store import Trail
from services.audit.search.checked import SearchFields
from services.audit.search.held import found_by, is_found
from shared.storage.store import Document


class Matching:
    """A search. `fields` says what is known of the search fields, the more the further it was read."""

    def __init__(
        self, trail: Trail, where: Mapping[str, Any], known: SearchFields | None = None
    ) -> None:
        self._trail, self.where = trail, where
        self.fields = known or SearchFields(checked=0)

    async def entries(
        self, size: int, is_sealed: Callable[[Document], Awaitable[bool]]
    ) -> AsyncIterator[Document]:
        """Every match below `size`, in order. One of which only its search fields say so is left out,
        if its leaf is what was sealed; one that the self-check knows as edited is looked at itself."""
        edited = sorted(seq for seq in self.fields.places if seq < size)
        async for document in self._trail.scan(self.where, size):
            while edited and edited[0] < document["seq"]:
                async for one in self._edited(edited.pop(0), size):
                    yield one
            edited = [seq for seq in edited if seq != document["seq"]]
            if is_found(found_by(document), self.where) or not await is_sealed(document):
                yield document
            else:
                self.fields = self.fields.without_one_more()
        for seq in edited:
            async for one in self._edited(seq, size):
                yield one

    async def _edited(self, seq: int, size: int) -> AsyncIterator[Document]:
        times = {name: value for name, value in self.where.items() if name in ("from", "to")}
        for document in await self._trail.find(times, start=seq, size=min(size, seq + 1), limit=1):
            if is_found(found_by(document), self.where):
                yield document
