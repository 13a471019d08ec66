"""The possible matches that wait for a Hub, and those of one referral. Nothing is computed here but
what is asked at every look: does it still wait, and may this person see it."""

from collections.abc import Collection, Iterable

from services.referral.access import Viewer, their_hub
from services.referral.hubs.rule import serving
from services.referral.matches.finding import sides_of
from services.referral.matches.rule import Entry, MatchView, view
from services.referral.records import Referral
from services.referral.store import Stores
from shared.web.cursors import cursor_of

BATCH = 100


async def list_matches(
    stores: Stores, viewer: Viewer, cursor: str | None, limit: int
) -> tuple[list[MatchView], str | None]:
    """A page of the Hub's queue, the oldest first, and the cursor of the next one. What the viewer
    may not see is not there, in no page and in no cursor."""
    hub_id, after = their_hub("list_matches", viewer), cursor
    found: list[MatchView] = []
    while len(found) <= limit:
        batch = await stores.matches.waiting(hub_id, viewer.areas, after, BATCH)
        found += await _seen(stores, batch, viewer)
        if len(batch) < BATCH:
            break
        after = cursor_of(batch[-1].since, batch[-1].id)
    shown = found[:limit]
    more = len(found) > limit
    return shown, cursor_of(shown[-1].since, shown[-1].id) if more else None


async def matches_of(stores: Stores, referral: Referral, viewer: Viewer) -> list[MatchView]:
    """The undecided matches of one referral, the oldest first."""
    return await _seen(stores, await stores.matches.of([referral.id], open=True), viewer)


async def matches_of_all(
    stores: Stores, referral_ids: Collection[str], viewer: Viewer
) -> list[MatchView]:
    """The same of several, each pair once."""
    if not referral_ids:
        return []
    return await _seen(stores, await stores.matches.of(referral_ids, open=True), viewer)


async def _seen(stores: Stores, entries: Iterable[Entry], viewer: Viewer) -> list[MatchView]:
    kept = list(entries)
    sides = await sides_of(stores, [i for entry in kept for i in entry.referral_ids])
    served = serving(await stores.hubs.all()) if sides else {}
    found = []
    for entry in kept:
        one, other = (sides.get(i) for i in entry.referral_ids)
        if one and other and (shown := view(entry, (one, other), viewer, served)):
            found.append(shown)
    return found
