"""Finding referrals that no Hub serves, looking at one, and putting it where it belongs."""

from services.referral.access import person_of, refusal_of
from services.referral.acting import Asker, find
from services.referral.areas.command import word_of
from services.referral.areas.request import PlaceEntry
from services.referral.areas.rule import place
from services.referral.disclosure.access_record import record_access, record_accesses, refuse
from services.referral.hubs.rule import serving
from services.referral.records import ENDED, Referral
from services.referral.store import Stores
from services.referral.stranded.rule import (
    StrandedView,
    find_place,
    is_stranded,
    shown,
    viewed,
    was_put,
)
from shared.clock import now
from shared.errors import Refused
from shared.rules.access import Thing, decide
from shared.rules.access_table import Action
from shared.web.etags import Match


async def list_stranded(
    stores: Stores, asker: Asker, cursor: str | None, limit: int
) -> tuple[list[StrandedView], str | None]:
    """A page of them, newest first, and the cursor of the next one; without those of young people
    for whom the viewer is marked as unsafe. Each whose word is shown is recorded as a look first."""
    caller, viewer = asker
    where = {
        "hub_id": None,
        "status": {"$nin": sorted(ENDED)},
        "area": {"$nin": sorted(await _served(stores))},
    }
    if unsafe := await stores.unsafe_for(person_of(viewer).names):
        where["subject_id"] = {"$nin": unsafe}
    found, following = await stores.page(where, cursor, limit)
    views = await _views(stores, found)
    looks = [
        (referral.id, viewed(referral, viewer.id))
        for referral, view in zip(found, views, strict=True)
        if view.area_word is not None
    ]
    await record_accesses(stores, caller, viewer, looks)
    return views, following


async def read_stranded(
    stores: Stores, asker: Asker, referral_id: str
) -> tuple[Referral, StrandedView]:
    """One of them; the look is recorded first. Raises `NotFound` for any other referral."""
    referral = await _stranded(stores, asker, referral_id, "view_stranded")
    (view,) = await _views(stores, [referral])
    await record_access(stores, *asker, referral_id, viewed(referral, asker.viewer.id))
    return referral, view


async def place_stranded(
    stores: Stores, asker: Asker, referral_id: str, entry: PlaceEntry, match: Match
) -> Referral:
    """One of them in the area that the operator names: allocation follows by its event. Raises
    `Refused` for a name that nobody knows, and `NotFound` for any other referral."""
    caller, at = asker.caller, now()
    referral = await _stranded(stores, asker, referral_id, "place_stranded")
    here = await stores.register.place(entry.area)
    if not here.known:
        near = ", ".join(one.code for one in here.near)
        raise Refused("area_unknown", "No area of the register is called so.", near=near)
    served = await _served(stores)
    rule = match.guard(lambda r: find_place(r, here.code, served, caller.actor, at))
    by = caller.origin(referral_id)
    after = await stores.referrals.change(referral_id, rule, by=by, seen=referral)
    await stores.matches.in_area(after)
    return after


async def _stranded(stores: Stores, asker: Asker, referral_id: str, action: Action) -> Referral:
    caller, viewer = asker
    found, served = await find(stores, referral_id), await _served(stores)
    if found is None:
        raise await refuse(stores, caller, viewer, referral_id, action, "not_there")
    referral, subject = found
    verdict = decide(action, person_of(viewer), Thing(unsafe=subject.unsafe))
    again = action == "place_stranded" and was_put(referral, caller.actor)
    if not (verdict.allowed and (again or is_stranded(referral, served))):
        raise await refuse(stores, caller, viewer, referral_id, action, refusal_of(verdict))
    return referral


async def _views(stores: Stores, found: list[Referral]) -> list[StrandedView]:
    """Each with its word, and with what is called nearly so by the register as it is now."""
    words = [await word_of(stores, referral) for referral in found]
    if not any(words):
        return [shown(r, word, ()) for r, word in zip(found, words, strict=True)]
    areas, of_hubs = await stores.register.all(), await stores.register.of_hubs()
    return [
        shown(referral, word, place(word, areas, of_hubs).near if word else ())
        for referral, word in zip(found, words, strict=True)
    ]


async def _served(stores: Stores) -> dict[str, str]:
    return serving(await stores.hubs.all())
