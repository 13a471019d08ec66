"""Invitations, what was said, and the replies, as they are stored."""

from collections.abc import Sequence
from datetime import timedelta

from services.referral.participation.rule import SAID_DUE, Invitation, Reply, Words
from services.referral.vault import Vault
from shared.messaging.relay import Relay
from shared.storage.store import Database, Document, Store
from shared.web.cursors import behind, cursor_of

MOST_OF_ONE = 100
MOST_COUNTED = 20_000


class Voices:
    """What young people say of the service. `kept`: how long their words are."""

    def __init__(self, database: Database, relay: Relay, vault: Vault, kept: timedelta) -> None:
        self.invitations = Store(database["invitations"], Invitation, relay)
        self.said = Store(database["said"], Words, relay)
        self.replies = Store(database["replies"], Reply, relay)
        # Numbers of finished quarters: counted once, for two versions could be subtracted.
        self.published = database["published_voices"]
        self.kept, self._vault = kept, vault

    async def prepare(self) -> None:
        """Create the indexes; safe to repeat."""
        await self.invitations.prepare([("referral_id", 1)], [("code", 1)])
        await self.said.prepare(
            [("referral_id", 1)], [("hub_id", 1), ("quarter", 1)], timers=[SAID_DUE]
        )
        await self.replies.prepare([("written_at", -1), ("_id", -1)])

    def said_id(self, code: str) -> str:
        """The id of what is said by a code. Without the code nobody makes it."""
        return self._vault.id_of("par", code)

    def code_hash(self, code: str) -> str:
        """What an invitation keeps of its code."""
        return self._vault.fingerprint("card_code", code)

    async def of_referral(self, referral_id: str) -> list[Invitation]:
        """Its invitations, in the order in which they were made."""
        where = {"referral_id": referral_id}
        return await self.invitations.find(where, sort=[("number", 1)], limit=MOST_OF_ONE)

    async def by_code(self, code: str) -> tuple[Words | None, Invitation | None]:
        """What was said by the code, and the invitation that it belongs to. Both are always looked
        for: it takes as long whatever there is."""
        said = await self.said.find({"_id": self.said_id(code)}, limit=1)
        made = await self.invitations.find({"code": self.code_hash(code)}, limit=1)
        return (said[0] if said else None), (made[0] if made else None)

    async def said_in(self, referral_id: str, read_by: Sequence[str]) -> list[Words]:
        """What was said in a referral for these to read, the newest first."""
        where = {"referral_id": referral_id, "read_by": {"$in": list(read_by)}}
        return await self.said.find(where, sort=[("said_at", -1)], limit=MOST_OF_ONE)

    async def counted(self, hub_id: str, quarter: str) -> list[Words]:
        """What counts for a Hub in a quarter."""
        where = {"hub_id": hub_id, "quarter": quarter}
        return await self.said.find(where, limit=MOST_COUNTED)

    async def page(self, cursor: str | None, limit: int) -> tuple[list[Reply], str | None]:
        """Replies that stand, the newest first, and the cursor of the next page."""
        where: Document = {"done": {"$ne": ""}}
        if cursor:
            where = {"$and": [where, behind(cursor, "written_at", newest_first=True)]}
        sort = [("written_at", -1), ("_id", -1)]
        found = await self.replies.find(where, sort=sort, limit=limit + 1)
        last = found[limit - 1] if len(found) > limit else None
        return found[:limit], cursor_of(last.written_at, last.id) if last else None

    async def has(self, record_id: str) -> bool:
        """Whether what was said under this key is kept."""
        return await self.said.collection.find_one({"_id": record_id}, {"_id": 1}) is not None
