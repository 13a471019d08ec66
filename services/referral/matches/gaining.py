"""Whether a decision on two referrals would open something to an agency, whoever holds them."""

from collections.abc import Collection, Iterable
from typing import get_args

from services.referral.documents import Purpose
from services.referral.matches.effect import Change, Effect, effect
from services.referral.matches.finding import sides_of
from services.referral.people.deciding import Decided
from services.referral.sharing.facts import AGENCY
from services.referral.store import Stores
from shared.clock import now
from shared.errors import NotFound, Outage

MOST_AGREEMENTS = 1000


async def gains(
    stores: Stores,
    pair: tuple[str, str],
    decision: Decided,
    agency_ids: Collection[str],
    hub_id: str | None,
) -> bool:
    """Whether one of these agencies would be shown more of any referral about the two young people,
    for any purpose, or would no longer be marked for one of them. `hub_id`: the Hub that asks."""
    for told in await _effects(stores, pair, decision, agency_ids, hub_id):
        if any(shift.more for shift in told.shifts) or _unmarked(agency_ids, told.changes):
            return True
    return False


def _unmarked(agency_ids: Collection[str], changes: Iterable[Change]) -> bool:
    gone = {mark for change in changes for mark in change.marks_gone}
    return any(f"{AGENCY}{agency_id}" in gone for agency_id in agency_ids)


async def _effects(
    stores: Stores,
    pair: tuple[str, str],
    decision: Decided,
    agency_ids: Collection[str],
    hub_id: str | None,
) -> list[Effect]:
    """What that decision would change for these agencies, for each purpose. Raises `Outage` while a
    referral moves."""
    two = await sides_of(stores, pair)
    if len(two) < len(pair):
        raise Outage("referral_moved")
    theirs = await sides_of(stores, {i for side in two.values() for i in side.subject.facts})
    found = [side.referral for side in theirs.values()]
    hubs = sorted({hub for hub in (hub_id, *(referral.hub_id for referral in found)) if hub})
    # What is with no Hub yet will be: it is asked as if it were with each of these.
    coming = [r.but(hub_id=hub) for r in found if not r.hub_id for hub in hubs]
    referrals = [r for r in found if r.hub_id] + coming
    kinds, aliases = dict[str, str](), dict[str, str | None]()
    for agency_id in agency_ids:
        try:
            agency = await stores.agencies.get(agency_id)
        except NotFound:
            continue
        kinds[agency_id], aliases[agency_id] = agency.kind, agency.alias
    where = {"terms.parties": {"$in": hubs}}
    terms = [each.terms for each in await stores.agreements.find(where, limit=MOST_AGREEMENTS)]
    sides = (two[pair[0]], two[pair[1]])
    given = (decision, referrals, kinds, terms)
    return [effect(sides, *given, purpose, now(), aliases=aliases) for purpose in get_args(Purpose)]
