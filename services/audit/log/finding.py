"""How entries are found by what they store, such that an index serves it. Reads only.

A page of a filter that matches much comes from a window of places, by the index on `seq`; one that
matches little from the rarest thing it asks for, by the index on `fields.keys`. MongoDB would choose
by itself; the embedded stores take the latter for one value or any of a list, and for nothing that
is asked beside it, and read all that have it before they apply a limit.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection

from services.audit.search.fields import RAREST, query_of
from services.audit.search.held import is_found
from shared.storage.store import Document

Entries = AsyncCollection[dict[str, Any]]
# Places looked at first; where fewer than one in so many match, the rarest key is looked up, unless
# so few places are left that looking at them costs less than all that has the key.
LOOK, SELDOM, FEW = 256, 64, 1024


async def some_of(
    entries: Entries, where: Mapping[str, Any], start: int, stop: int, limit: int
) -> list[Document]:
    """The first `limit` entries with start <= seq < stop whose fields match, in order."""
    found, width, query = list[Document](), LOOK, query_of(where)
    while start < stop and len(found) < limit:
        end = min(stop, start + (width if query else limit - len(found)))
        within = {**query, "seq": {"$gte": start, "$lt": end}}
        left, looked, start = limit - len(found), end - start, end
        new = await entries.find(within).sort("seq", 1).limit(left).to_list()
        found += new
        seldom = len(new) * SELDOM < looked and stop - start > FEW
        if query and seldom and rarest(where) is not None:
            return found + await _by_rarest(entries, where, start, stop, limit - len(found))
        width = LOOK + (limit - len(found)) * looked // max(1, len(new))
    return found


async def _by_rarest(
    entries: Entries, where: Mapping[str, Any], start: int, stop: int, limit: int
) -> list[Document]:
    found: list[Document] = []
    if start >= stop or limit < 1:
        return found
    places = {"seq": {"$gte": start, "$lt": stop}}
    async for document in entries.find({**_by(where), **places}).sort("seq", 1):
        if is_found(document["fields"]["keys"], where):
            found.append(document)
        if len(found) == limit:
            break
    return found


async def keys_of(entries: Entries, key: str, stop: int) -> list[frozenset[str]]:
    """What every entry with seq < stop that has this key is found by, in order. The entries themselves
    are not read: what is not theirs takes whoever asks hardly longer than what is not there."""
    where = {"fields.keys": {"$in": [key]}, "seq": {"$lt": stop}}
    found = entries.find(where, {"fields.keys": 1, "seq": 1}).sort("seq", 1)
    return [frozenset(document["fields"]["keys"]) async for document in found]


async def with_both(
    entries: Entries, by: Collection[str], keys: Collection[str]
) -> AsyncIterator[Document]:
    """Every entry found by one of `by`, of which there should be few, and one of `keys` as well."""
    async for document in entries.find({"fields.keys": {"$in": sorted(by)}}):
        if not frozenset(keys).isdisjoint(document["fields"]["keys"]):
            yield document


async def holds(entries: Entries, keys: Collection[str], stop: int) -> bool:
    """Whether an entry is found by one of these keys. Of what is frequent one is among the newest."""
    any_of = {"fields.keys": {"$elemMatch": {"$in": sorted(keys)}}}
    newest = {**any_of, "seq": {"$gte": max(0, stop - LOOK)}}
    if await entries.find_one(newest, {"_id": 1}) is not None:
        return True
    return await entries.find_one({"fields.keys": {"$in": sorted(keys)}}, {"_id": 1}) is not None


def rarest(where: Mapping[str, Any]) -> str | None:
    """Of what a search asks for, the name of which fewest entries should have the same. Pure."""
    return next((name for name in RAREST if name in where), None)


def _by(where: Mapping[str, Any]) -> dict[str, Any]:
    name = rarest(where)
    value = where[name] if name else None
    any_of = value if isinstance(value, list) else [value]
    return (
        {"fields.keys": {"$in": [f"{name}:{one}" for one in any_of]}} if name else query_of(where)
    )
