"""The problem profile of an area: a quarter is counted once it has ended, and kept as it was seen first.
Two versions of it could be taken from each other."""

from datetime import datetime

from services.referral.access import Viewer, person_of
from services.referral.hubs.rule import serving
from services.referral.intelligence.profile import Profile, profile
from services.referral.store import Stores
from shared.clock import now
from shared.errors import Refused
from shared.rules.access import Thing
from shared.rules.calendars import LONDON
from shared.rules.quarters import quarter_bounds
from shared.rules.sharing import Terms, in_force
from shared.web.access import require

# What an agency may want an area's numbers for, by its agreement with the Hub there.
PURPOSES = frozenset({"prevention_of_crime", "oversight", "research"})
ABOUT = ("subject_id", "age_band", "received_at", "concerns.code")
TOLD = ("reported_at", "observed_at", "mentions.kind")


async def profile_of(stores: Stores, viewer: Viewer, area: str, quarter: str) -> Profile:
    """The profile of an area's quarter. Raises `NotFound` for who has nothing to do with the area,
    `BadRequest` for what is no quarter, `Refused` for one that has not ended."""
    at = now()
    hub_id = serving(await stores.hubs.all()).get(area)
    agreed = viewer.role == "agency" and _agreed(await stores.terms_between(viewer.id, hub_id))
    shared_with = (viewer.id,) if agreed else ()
    of_area = Thing(hub_id=hub_id, areas=(area,), shared_with=shared_with)
    require("view_profile", person_of(viewer), of_area)
    start, end, runs = quarter_bounds(quarter, at.astimezone(LONDON).date())
    if runs:
        raise Refused("quarter_not_ended", "A quarter is counted a week after it has ended.")
    if (kept := await stores.profiles.find(area, quarter)) is not None:
        return kept
    return await stores.profiles.keep(await _counted(stores, area, quarter, start, end), at)


async def _counted(
    stores: Stores, area: str, quarter: str, start: datetime, end: datetime
) -> Profile:
    within = {"$gte": start, "$lt": end}
    real = {"area": area, "status": {"$ne": "entered_in_error"}}
    sent, told = {**real, "received_at": within}, {**real, "reported_at": within}
    referrals = stores.referrals.collection.find(sent, dict.fromkeys(ABOUT, 1))
    reports = stores.reports.store.collection.find(told, dict.fromkeys(TOLD, 1))
    return profile(area, quarter, [d async for d in referrals], [d async for d in reports])


def _agreed(agreements: list[Terms]) -> bool:
    """Whether one of them is in force, signed, and gives numbers of intelligence to learn from."""
    return any(
        in_force(terms, now())
        and set(terms.parties) <= set(terms.signed_by)
        and "intelligence" in terms.categories
        and not PURPOSES.isdisjoint(terms.purposes)
        for terms in agreements
    )
