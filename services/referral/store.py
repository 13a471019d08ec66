"""What the referral service keeps: its collections, their indexes, its reading queries."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo.errors import DuplicateKeyError

from services.referral.domain.agencies import AGREEMENT_DUE, Agency, Agreement
from services.referral.domain.disclosure import Look
from services.referral.domain.referrals import RESPONSE_DUE, Referral
from services.referral.domain.subjects import BIRTHDAY_DUE, Subject
from services.referral.vault import Vault
from shared.errors import BadRequest
from shared.ids import new_id
from shared.runner import Platform
from shared.sharing import Terms
from shared.store import Collection, Document, Store

MAX_CANDIDATES = 50


class People:
    """From keyed hashes of who someone is to a random subject id.

    `exact` hashes (NHS number; name with birth date) decide; `blocks` (phonetic and the like) only
    find who might be the same person. Nothing here can be read back into a name, and removing the
    hashes cuts the thread.
    """

    def __init__(self, exact: Collection, blocks: Collection) -> None:
        self._exact, self._blocks = exact, blocks

    async def prepare(self) -> None:
        await self._exact.create_index("subject_id")
        await self._blocks.create_index("hash")
        await self._blocks.create_index("referral_id")

    async def find_or_add(self, hashes: Sequence[str]) -> str:
        """The subject that the first known of these hashes stands for, else a new one.

        Two requests at once agree: the insert that came second takes the id of the first. A crash
        after the insert leaves a subject without a referral, which the retry finds.
        """
        cursor = self._exact.find({"_id": {"$in": list(hashes)}})
        known = {str(d["_id"]): str(d["subject_id"]) async for d in cursor}
        subject_id = next((known[h] for h in hashes if h in known), None) or new_id("sub")
        for number, value in enumerate(h for h in hashes if h not in known):
            try:
                await self._exact.insert_one({"_id": value, "subject_id": subject_id})
            except DuplicateKeyError:
                if number == 0 and not known:
                    first = await self._exact.find_one({"_id": value})
                    subject_id = str(first["subject_id"]) if first else subject_id
        return subject_id

    async def point(self, hashes: Sequence[str], subject_id: str) -> None:
        """From now on these hashes stand for this subject."""
        where = {"_id": {"$in": list(hashes)}}
        await self._exact.update_many(where, {"$set": {"subject_id": subject_id}})

    async def block(self, referral_id: str, hashes: Sequence[str]) -> None:
        """Make a referral findable by these blocks. Safe to repeat."""
        for value in hashes:
            key = f"{referral_id}/{value}"
            document = {"_id": key, "hash": value, "referral_id": referral_id}
            await self._blocks.replace_one({"_id": key}, document, upsert=True)

    async def near(self, referral_id: str, hashes: Sequence[str]) -> list[str]:
        """Other referrals that share a block, the newest first, at most fifty."""
        where = {"hash": {"$in": list(hashes)}, "referral_id": {"$ne": referral_id}}
        cursor = self._blocks.find(where).sort("_id", -1).limit(4 * MAX_CANDIDATES)
        found = [str(d["referral_id"]) async for d in cursor]
        return list(dict.fromkeys(found))[:MAX_CANDIDATES]

    async def forget(self, referral_id: str, subject_id: str | None) -> None:
        """Remove a referral's blocks; with a subject, all that leads to them."""
        await self._blocks.delete_many({"referral_id": referral_id})
        if subject_id is not None:
            await self._exact.delete_many({"subject_id": subject_id})


@dataclass(frozen=True)
class Desk:
    """The stores of this service, as routes and handlers use them."""

    referrals: Store[Referral]
    subjects: Store[Subject]
    agencies: Store[Agency]
    agreements: Store[Agreement]
    looks: Store[Look]
    people: People
    vault: Vault

    @classmethod
    def on(cls, platform: Platform, vault: Vault) -> "Desk":
        """On this service's own database."""
        database, relay = platform.database, platform.relay
        return cls(
            referrals=Store(database["referrals"], Referral, relay),
            subjects=Store(database["subjects"], Subject, relay),
            agencies=Store(database["agencies"], Agency, relay),
            agreements=Store(database["agreements"], Agreement, relay),
            looks=Store(database["looks"], Look, relay),
            people=People(database["people"], database["blocks"]),
            vault=vault,
        )

    async def prepare(self) -> None:
        """Create all indexes; safe to repeat."""
        await self.vault.prepare()
        await self.people.prepare()
        await self.referrals.prepare(
            *([(name, 1), ("received_at", -1)] for name in ("agency_id", "hub_id", "worker_id")),
            clocks=[RESPONSE_DUE],
        )
        await self.referrals.collection.create_index(
            [("agency_id", 1), ("reference_hash", 1)], unique=True
        )
        await self.subjects.prepare(clocks=[BIRTHDAY_DUE])
        await self.agencies.prepare()
        await self.agreements.prepare([("terms.parties", 1)], clocks=[AGREEMENT_DUE])
        await self.looks.prepare([("referral_id", 1)])

    async def forget(self, referral: Referral) -> None:
        """Destroy the key of an erased referral and what finds it. Safe to repeat.

        The young person's hashes go with the last of their referrals.
        """
        await self.vault.destroy(referral.id)
        subject = await self.subjects.get(referral.subject_id)
        others = [i for i in subject.referral_ids if i != referral.id]
        where = {"_id": {"$in": others}, "erased_at": None}
        left = await self.referrals.find(where, limit=1)
        await self.people.forget(referral.id, None if left else subject.id)

    async def terms_between(self, agency_id: str, sharer: str | None) -> list[Terms]:
        """The agreements that both are parties to."""
        if sharer is None:
            return []
        where = {"terms.parties": {"$all": [agency_id, sharer]}}
        return [agreement.terms for agreement in await self.agreements.find(where)]

    async def page(
        self, where: Document, cursor: str | None, limit: int
    ) -> tuple[list[Referral], str | None]:
        """Referrals newest first, and the cursor of the next page. Raises `BadRequest`."""
        if cursor:
            at, last = _read(cursor)
            older = {"received_at": {"$lt": at}}
            where = {**where, "$or": [older, {"received_at": at, "_id": {"$lt": last}}]}
        sort = [("received_at", -1), ("_id", -1)]
        found = await self.referrals.find(where, sort=sort, limit=limit)
        more = len(found) == limit
        return found, _cursor(found[-1]) if more else None


def _cursor(last: Referral) -> str:
    raw = f"{last.received_at.isoformat()}|{last.id}"
    return base64.urlsafe_b64encode(raw.encode()).decode()


def _read(cursor: str) -> tuple[datetime, str]:
    # Not signed: what a caller may see is asked again on every page, whatever the cursor says.
    try:
        at, _, last = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        read = datetime.fromisoformat(at)
        if read.tzinfo is None or not last:
            raise ValueError
        return read, last
    except (ValueError, binascii.Error, UnicodeError):
        raise BadRequest("cursor_invalid", "Use the cursor as it was sent to you.") from None
