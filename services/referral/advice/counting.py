"""What agencies ask a Hub: finished quarters, counted once, small numbers withheld."""

import contextlib
from collections import Counter

from pymongo.errors import DuplicateKeyError

from services.referral.access import Viewer
from services.referral.advice.request import AdviceQuarter, AdviceSummary
from services.referral.participation.counting import MOST_QUARTERS, hub_asked
from services.referral.participation.rule import finished
from services.referral.store import Stores
from shared.clock import now
from shared.rules.calendars import LONDON
from shared.rules.suppression import publish

MOST_COUNTED = 20_000


async def advice_summary(stores: Stores, viewer: Viewer, hub_id: str | None) -> AdviceSummary:
    """The last quarters of a manager's Hub, or of the Hub that an auditor names. Raises as
    `hub_asked`."""
    of = await hub_asked(stores, viewer, hub_id, "view_advice_numbers")
    quarters = finished(now().astimezone(LONDON).date(), MOST_QUARTERS)
    return AdviceSummary(hub_id=of, quarters=[await _quarter(stores, of, q) for q in quarters])


async def _quarter(stores: Stores, hub_id: str, quarter: str) -> AdviceQuarter:
    kept = {"_id": f"advice:{hub_id}:{quarter}"}
    published = stores.voices.published
    if (found := await published.find_one(kept)) is None:
        where = {"hub_id": hub_id, "quarter": quarter}
        asked = await stores.advice.find(where, limit=MOST_COUNTED)
        numbers = AdviceQuarter(
            quarter=quarter,
            by_theme=publish(Counter(one.theme for one in asked)),
            by_agency_kind=publish(Counter(one.agency_kind for one in asked)),
        )
        with contextlib.suppress(DuplicateKeyError):  # somebody else counted it at the same time
            await published.insert_one({**kept, "numbers": numbers.model_dump()})
        found = await published.find_one(kept)
    return AdviceQuarter.model_validate(found["numbers"] if found else {})
