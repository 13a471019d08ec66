"""Registering areas, and putting what was referred by an unknown word where it belongs."""

from collections.abc import Iterable

from services.referral.areas.names import key_of
from services.referral.areas.request import AreaEntry
from services.referral.areas.rule import Area, AreaView, amend_area, register_area, settle, viewed
from services.referral.authorship import sealed_parts
from services.referral.records import Referral
from services.referral.store import Stores
from services.referral.vault import Erased
from shared.clock import now
from shared.errors import NotFound, Refused
from shared.events.codes import UNKNOWN_AREA
from shared.operating.failpoints import failpoint
from shared.origin import Origin
from shared.web.etags import Match


async def put_area_entry(
    stores: Stores, code: str, entry: AreaEntry, match: Match, by: Origin
) -> Area:
    """The area with this entry. Referrals of its names follow by its event. Raises what If-Match
    raises, also for an area that is not there."""
    if code == UNKNOWN_AREA:
        raise Refused("area_reserved", "This code stands for an area that nobody knows.")
    rule = match.guard(lambda area: amend_area(area, entry))
    if await stores.register.areas.find({"_id": code}, limit=1):
        return await stores.register.areas.change(code, rule, by=by)
    if match.tags is not None:
        match.check(None)  # who has read an entry did not read this one
    area, event = register_area(code, entry)
    return await stores.register.areas.add_or_change(area, event, rule=rule, by=by)


async def view_of(stores: Stores, code: str) -> AreaView:
    """The area as it is shown. Raises `NotFound`."""
    found = await stores.register.areas.find({"_id": code}, limit=1)
    hubs = await stores.register.of_hubs()
    if not found and code not in hubs:
        raise NotFound("area")
    return viewed(code, found[0] if found else None, hubs.get(code))


def hash_of(stores: Stores, word: str) -> str:
    """The keyed hash by which a referral of this word is found."""
    return stores.vault.fingerprint("area", key_of(word))


async def word_of(stores: Stores, referral: Referral) -> str | None:
    """The word that nobody knew; None where there is none, or it was erased."""
    sealed = sealed_parts(referral, {"area_word"})
    if referral.area != UNKNOWN_AREA or not sealed:
        return None
    last = list(sealed)[-1]
    try:
        return (await stores.vault.open(referral.id, {last: sealed[last]}))[last]
    except Erased:
        return None


async def settle_all(stores: Stores, words: Iterable[str], by: Origin) -> None:
    """What was referred by one of these words goes where it belongs now. Safe to repeat: each is
    amended once, however many replicas are at it, and after a crash the event comes again."""
    hashes = sorted({hash_of(stores, word) for word in words})
    cursor = stores.referrals.collection.find({"area_hash": {"$in": hashes}}, {"_id": 1})
    for referral_id in sorted([str(found["_id"]) async for found in cursor]):
        await settle_one(stores, referral_id, by)
        failpoint("areas.after_one")


async def settle_one(stores: Stores, referral_id: str, by: Origin) -> None:
    """The referral in the area that its word means now, if it means one.

    Whoever registers an area while a referral comes either finds it stored or has the area stored
    before the referral's own event, which asks again.
    """
    referral = await stores.referrals.get(referral_id)
    word = await word_of(stores, referral)
    if word is None or not (here := await stores.register.place(word)).known:
        return
    at, seen = now(), referral.area_hash
    after = await stores.referrals.change(
        referral_id, lambda r: settle(r, here.code, seen, by.actor, at), by=by
    )
    await stores.matches.in_area(after)
