"""The drafts as they are stored. They have no event, for nobody is told of one: decision 1601.

A draft is destroyed in three steps, each of which may be repeated: its words go from the record and
nothing can change it any more; its key goes; the record goes. After a crash between them the timer,
which runs until the record is gone, begins again.
"""

import asyncio
import random
from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from services.referral.drafts.rule import DESTRUCTION_DUE, Draft, free_slots
from services.referral.vault import Erased, Vault
from shared.clock import Clock, now
from shared.errors import NotFound, Refused
from shared.ids import new_id
from shared.operating.failpoints import failpoint
from shared.operating.telemetry import counter
from shared.storage.claims import Claims
from shared.storage.documents import Collection, Document, fields_of, record_of
from shared.web.cursors import behind, cursor_of

WORDS = "answers"
_destroyed = counter("hub.drafts.destroyed", "Drafts destroyed, deleted ones among them")


class Drafts:
    """Everybody's drafts. Whose one is, the caller asks; here none is told from what is gone."""

    def __init__(
        self, collection: Collection, vault: Vault, kept: timedelta, *, clock: Clock = now
    ) -> None:
        self.collection, self._vault, self._kept, self._clock = collection, vault, kept, clock
        self.claims = Claims(collection, clock)

    async def prepare(self) -> None:
        """Create the indexes; safe to repeat."""
        await self.collection.create_index([(DESTRUCTION_DUE, 1)], sparse=True)
        await self.collection.create_index([("account", 1), ("slot", 1)], unique=True)

    async def get(self, draft_id: str) -> Draft:
        """The draft. Raises `NotFound`, also for one whose time is over."""
        found = await self.collection.find_one({"_id": draft_id, **self._alive()})
        if found is None:
            raise NotFound("draft")
        return record_of(Draft, found)

    async def has(self, draft_id: str) -> bool:
        """Whether there is one, or something left of one."""
        return await self.collection.find_one({"_id": draft_id}, {"_id": 1}) is not None

    async def words(self, draft: Draft) -> str:
        """What is in it. Raises `NotFound` where it was destroyed since it was read."""
        try:
            return (await self._vault.open(draft.id, draft.sealed))[WORDS]
        except Erased:
            raise NotFound("draft") from None

    async def page(
        self, account: str, agency_id: str, cursor: str | None, limit: int
    ) -> tuple[list[Draft], str | None]:
        """An account's drafts in an agency without their words, by when they were made, which no
        change moves; and the cursor of the next page. Raises `BadRequest`."""
        where: Document = {"account": account, "agency_id": agency_id, **self._alive()}
        if cursor:
            where = {"$and": [where, behind(cursor, "made_at", newest_first=True)]}
        sort = [("made_at", -1), ("_id", -1)]
        cursor_on = self.collection.find(where, {"sealed": 0}).sort(sort).limit(limit + 1)
        found = [record_of(Draft, document) async for document in cursor_on]
        last = found[limit - 1] if len(found) > limit else None
        return found[:limit], cursor_of(last.made_at, last.id) if last else None

    async def add(self, account: str, agency_id: str, words: str) -> Draft:
        """A new draft, durable on return. Raises `Refused` where the account has too many."""
        await self._free(account)  # who has too many makes no key
        draft_id, at = new_id("drf"), self._clock()
        # A crash before the record is there leaves a key that opens nothing: the retention run ends it.
        await self._vault.make_key(draft_id)
        failpoint("drafts.after_new_key")
        draft = Draft(
            id=draft_id,
            version=1,
            account=account,
            agency_id=agency_id,
            slot=0,
            made_at=at,
            changed_at=at,
            destroyed_at=at + self._kept,
            sealed=await self._vault.seal(draft_id, {WORDS: words}),
        )
        try:
            return await self._insert(draft)
        except Refused:
            await self._vault.destroy(draft_id)
            raise

    async def replace(self, draft: Draft, words: str) -> Draft | None:
        """The draft with these words; None if it is no longer the one that was read."""
        at = self._clock()
        try:
            sealed = await self._vault.seal(draft.id, {WORDS: words})
        except Erased:
            return None
        until = at + self._kept
        after = draft.but(
            version=draft.version + 1, changed_at=at, destroyed_at=until, sealed=sealed
        )
        update = {"$set": {**fields_of(after), DESTRUCTION_DUE: until}}
        same = {"_id": draft.id, **self._alive(), "version": draft.version}
        result = await asyncio.shield(self.collection.update_one(same, update))
        return after if result.matched_count else None

    async def discard(self, draft_id: str) -> None:
        """Destroy it now. Safe to repeat."""
        at = self._clock()
        over = {"$set": {"destroyed_at": at, DESTRUCTION_DUE: at, "version": 0}}
        await self.collection.update_one({"_id": draft_id}, {**over, "$unset": {"sealed": ""}})
        failpoint("drafts.after_words")
        await self.destroy(draft_id)

    async def destroy(self, draft_id: str) -> None:
        """Destroy it if its time is over. Safe to repeat, in any number of replicas at once."""
        over: Document = {"_id": draft_id, "destroyed_at": {"$lte": self._clock()}}
        wordless = {"$set": {"version": 0}, "$unset": {"sealed": ""}}
        if not (await self.collection.update_one(over, wordless)).matched_count:
            return  # it was changed meanwhile, or is gone
        await self._vault.destroy(draft_id)
        failpoint("drafts.after_key")
        if (await self.collection.delete_one({"_id": draft_id, "version": 0})).deleted_count:
            _destroyed.add(1)

    async def claim(self, timer: str, lease: float) -> Draft | None:
        """As `Store.claim`."""
        document = await self.claims.claim(timer, lease)
        return None if document is None else record_of(Draft, document)

    def _alive(self) -> Document:
        # What is over has version 0: another replica's clock may say so first.
        return {"destroyed_at": {"$gt": self._clock()}, "version": {"$gt": 0}}

    async def _free(self, account: str) -> list[int]:
        taken = self.collection.find({"account": account}, {"slot": 1})
        return free_slots([document["slot"] async for document in taken])

    async def _insert(self, draft: Draft) -> Draft:
        while True:
            slot = random.choice(await self._free(draft.account))  # noqa: S311
            new = draft.but(slot=slot)
            document = {**fields_of(new), "_id": new.id, DESTRUCTION_DUE: new.destroyed_at}
            try:
                await asyncio.shield(self.collection.insert_one(document))
                return new
            except DuplicateKeyError:
                continue  # another request took the slot
