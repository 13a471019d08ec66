"""The possible matches of the network, each pair once, as an index: what of it still waits, and who
may see it, is asked again of the referrals and the young people at every look."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from services.referral.matches.decision import Decision, Doubt, Standing, is_real
from services.referral.matches.rule import Compared, Entry
from services.referral.records import Referral
from shared.errors import NotFound
from shared.storage.store import Collection, Document
from shared.web.cursors import read_cursor

MAX_OF_ONE = 1000
SIDES = ("first", "second")
# Whoever may decide on a match, by the role in which they are written down.
DECIDERS = ("hub_manager", "operator")


class Matches:
    """Pairs of referrals that may be about one child. No values: ids, codes, times."""

    def __init__(self, entries: Collection) -> None:
        self.collection = entries

    async def prepare(self) -> None:
        """Create the indexes; safe to repeat."""
        await self.collection.create_index("referral_ids")
        await self.collection.create_index("decisions.by")
        for side in SIDES:
            await self.collection.create_index([(f"{side}.place", 1), ("since", 1)])

    async def note(
        self, match_id: str, pair: Sequence[Referral], compared: Compared, at: datetime
    ) -> None:
        """From now on the two wait for a decision. Noted before, what agrees is as it is now."""
        new = {"referral_ids": [r.id for r in pair], "since": at, "open": True, "revision": 0}
        new |= {side: _side(r) for side, r in zip(SIDES, pair, strict=True)}
        update = {"$set": {"compared": compared.model_dump()}, "$setOnInsert": new}
        try:
            await self.collection.update_one({"_id": match_id}, update, upsert=True)
        except DuplicateKeyError:  # the other referral's handler noted it at the same moment
            await self.collection.update_one({"_id": match_id}, {"$set": update["$set"]})

    async def placed(self, referral: Referral) -> None:
        """A referral has another Hub now. Late news of an earlier one change nothing."""
        for number, name in enumerate(SIDES):
            older = {f"{name}.version": {"$lt": _version(referral)}}
            where = {f"referral_ids.{number}": referral.id, "referral_ids": referral.id, **older}
            await self.collection.update_many(where, {"$set": {name: _side(referral)}})

    async def in_area(self, referral: Referral) -> None:
        """A referral that no Hub holds is of another area now. Safe to repeat."""
        for number, name in enumerate(SIDES if referral.suspected else ()):
            same = {f"{name}.version": _version(referral)}
            where = {f"referral_ids.{number}": referral.id, "referral_ids": referral.id, **same}
            await self.collection.update_many(where, {"$set": {name: _side(referral)}})

    async def forget(self, referral_id: str) -> None:
        """The referral was erased: none of its matches waits but those that are doubted, and why somebody
        decided goes, too."""
        theirs: Document = {"referral_ids": referral_id}
        await self.collection.update_many(theirs, {"$unset": {"reasons": ""}})
        settled = theirs | {"doubt": {"$exists": False}}
        await self.collection.update_many(settled, {"$set": {"open": False}})

    async def opened(self, match_ids: Iterable[str], *, are_open: bool) -> None:
        """Whether these are worth a look. One that is doubted is, until somebody has decided."""
        if ids := sorted(match_ids):
            where: Document = {"_id": {"$in": ids}}
            where |= {} if are_open else {"doubt": {"$exists": False}}
            await self.collection.update_many(where, {"$set": {"open": are_open}})

    async def get(self, match_id: str) -> Entry:
        """One of them. Raises `NotFound`."""
        document = await self.collection.find_one({"_id": match_id})
        if document is None:
            raise NotFound("match")
        return _entry(document)

    async def standing(self, match_id: str) -> Standing | None:
        """What was decided on it; None where it was never noted."""
        document = await self.collection.find_one({"_id": match_id})
        return None if document is None else Standing.model_validate(document)

    async def begin(self, match_id: str, seen: int, given: Decision, reason: bytes | None) -> bool:
        """A decision is being carried out, unless the standing is not the one that was read."""
        begun: Document = {"deciding": given.model_dump(), "revision": seen + 1}
        if reason is not None:
            begun[f"reasons.{given.id}"] = reason
        read = {"_id": match_id, "revision": seen}
        return (await self.collection.update_one(read, {"$set": begun})).matched_count == 1

    async def finish(self, match_id: str, done: Decision) -> None:
        """It was carried out. Safe to repeat."""
        update: Document = {
            "$push": {"decisions": done.model_dump()},
            "$unset": {"deciding": ""},
            "$inc": {"revision": 1},
        }
        if is_real(done):
            update["$set"] = {"open": False}
            update["$unset"]["doubt"] = ""
        await self.collection.update_one({"_id": match_id, "deciding.id": done.id}, update)

    async def finish_begun(self, match_id: str, decision: str) -> None:
        """A decision of that kind was carried out: a crash may have left it."""
        standing = await self.standing(match_id)
        begun = standing.deciding if standing else None
        if begun and is_real(begun) and begun.decision == decision:
            await self.finish(match_id, begun)

    async def finish_told(self, match_id: str, decision_id: str) -> None:
        """The other Hub was told of this proposal, or of its end: a crash may have left it."""
        standing = await self.standing(match_id)
        if standing and standing.deciding and standing.deciding.id == decision_id:
            await self.finish(match_id, standing.deciding)

    async def take_back(self, match_id: str, refused: Decision) -> None:
        """It could not be carried out: nothing was decided."""
        update: Document = {
            "$unset": {"deciding": "", f"reasons.{refused.id}": ""},
            "$inc": {"revision": 1},
        }
        await self.collection.update_one({"_id": match_id, "deciding.id": refused.id}, update)

    async def doubt(self, match_id: str, seen: int, doubt: Doubt) -> bool:
        """The decision that holds is doubted and the two wait again, unless the standing is not the
        one that was read."""
        waits = {"$set": {"doubt": doubt.model_dump(), "open": True, "revision": seen + 1}}
        read = {"_id": match_id, "revision": seen}
        return (await self.collection.update_one(read, waits)).matched_count == 1

    async def decided_by(self, account: str) -> list[str]:
        """The ids of those on which this account has decided."""
        by = {"$in": [f"{role}:{account}" for role in DECIDERS]}
        found = self.collection.find({"decisions.by": by}, {"_id": 1})
        return sorted([str(each["_id"]) async for each in found])

    async def decided(self, referral_id: str) -> list[tuple[Entry, Standing, dict[str, bytes]]]:
        """Those of a referral on which somebody has decided, with the sealed reasons."""
        some = [{"decisions.0": {"$exists": True}}, {"deciding": {"$exists": True}}]
        found = self.collection.find({"referral_ids": referral_id, "$or": some})
        return [
            (_entry(d), Standing.model_validate(d), d.get("reasons", {}))
            async for d in found.sort([("since", 1), ("_id", 1)]).limit(MAX_OF_ONE)
        ]

    async def of(self, referral_ids: Iterable[str], **where: Any) -> list[Entry]:
        """Those of these referrals, the oldest first."""
        found = self.collection.find({"referral_ids": {"$in": sorted(referral_ids)}, **where})
        ordered = found.sort([("since", 1), ("_id", 1)]).limit(MAX_OF_ONE)
        return [_entry(document) async for document in ordered]

    async def waiting(
        self, hub_id: str | None, areas: Iterable[str], after: str | None, limit: int
    ) -> list[Entry]:
        """A batch of what may wait for a Hub, the oldest first: of referrals that it holds, or of
        its areas that nobody holds. Raises `BadRequest` for a cursor that is none."""
        places = [f"hub:{hub_id}", *(f"area:{area}" for area in sorted(areas))]
        theirs = {"$or": [{f"{side}.place": {"$in": places}} for side in SIDES]}
        where: list[Document] = [{"open": True}, theirs]
        if after:
            at, last = read_cursor(after)
            where.append({"$or": [{"since": {"$gt": at}}, {"since": at, "_id": {"$gt": last}}]})
        found = self.collection.find({"$and": where}).sort([("since", 1), ("_id", 1)])
        return [_entry(document) async for document in found.limit(limit)]


def _side(referral: Referral) -> Document:
    place = f"hub:{referral.hub_id}" if referral.hub_id else f"area:{referral.area}"
    return {"place": place, "version": _version(referral)}


def _version(referral: Referral) -> int:
    """Grows with each decision of allocation and with each other Hub that takes the referral over."""
    return referral.allocation_version + referral.transfers


def _entry(document: Document) -> Entry:
    return Entry.model_validate({**document, "id": document["_id"]})
