"""What many young people say to a Hub: finished quarters, counted once, small numbers withheld."""

import contextlib
from collections import Counter

from pymongo.errors import DuplicateKeyError

from services.referral.access import Viewer, their_hub
from services.referral.participation.request import ParticipationSummary, Quarter
from services.referral.participation.rule import finished
from services.referral.store import Stores
from shared.clock import now
from shared.errors import BadRequest, NotFound
from shared.rules.access_table import Action
from shared.rules.calendars import LONDON
from shared.rules.suppression import publish

MOST_QUARTERS = 8


async def summary(stores: Stores, viewer: Viewer, hub_id: str | None) -> ParticipationSummary:
    """The last quarters of a manager's Hub, or of the Hub that an auditor names. Raises `NotFound` for
    a Hub that is not theirs or not there, `BadRequest` where none is named."""
    of = await hub_asked(stores, viewer, hub_id, "view_participation_numbers")
    quarters = finished(now().astimezone(LONDON).date(), MOST_QUARTERS)
    return ParticipationSummary(
        hub_id=of, quarters=[await _quarter(stores, of, each) for each in quarters]
    )


async def hub_asked(stores: Stores, viewer: Viewer, hub_id: str | None, action: Action) -> str:
    """A manager's own Hub, or the one that an auditor names."""
    if viewer.role == "hub_manager":
        own = their_hub(action, viewer)
        if hub_id not in (None, own):
            raise NotFound
        return own
    if hub_id is None:
        raise BadRequest("hub_missing", "Say of which Hub: hub_id.")
    if not await stores.hubs.has(hub_id):
        raise NotFound
    return hub_id


async def _quarter(stores: Stores, hub_id: str, quarter: str) -> Quarter:
    """Counted once: what is taken back later changes no number, which could be subtracted."""
    kept = {"_id": f"{hub_id}:{quarter}"}
    published = stores.voices.published
    if (found := await published.find_one(kept)) is None:
        said = await stores.voices.counted(hub_id, quarter)
        numbers = Quarter(
            quarter=quarter,
            feelings=publish(Counter(one.feeling for one in said if one.feeling)),
            themes=publish(Counter(theme for one in said for theme in one.themes)),
        )
        with contextlib.suppress(DuplicateKeyError):  # somebody else counted it at the same time
            await published.insert_one({**kept, "numbers": numbers.model_dump()})
        found = await published.find_one(kept)
    return Quarter.model_validate(found["numbers"] if found else {})
