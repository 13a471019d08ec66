"""The numbers of a quarter: a finished one is counted once, for what was published must not change;
and two versions of it could be subtracted."""

import contextlib

from pymongo.errors import DuplicateKeyError

from services.allocation.caseload.worker import day_of
from services.allocation.numbers.quarter import Numbers, count, stand
from services.allocation.numbers.rows import open_now, rows
from services.allocation.store import Stores
from shared.clock import now
from shared.rules.quarters import quarter_bounds


async def numbers_of(stores: Stores, hub_id: str, quarter: str) -> Numbers:
    """The numbers of a Hub. Raises `BadRequest` for what is no quarter, or has not begun."""
    at = now()
    start, end, runs = quarter_bounds(quarter, day_of(at))
    await stores.hubs.get(hub_id)
    if runs:
        counted = await rows(stores, hub_id, start, end)
        numbers = count(hub_id, quarter, counted, start, end, provisional=True)
        return numbers.model_copy(update={"now": stand(await open_now(stores, hub_id), at)})
    kept = {"_id": f"{hub_id}:{quarter}"}
    if (found := await stores.published.find_one(kept)) is None:
        numbers = count(hub_id, quarter, await rows(stores, hub_id, start, end), start, end)
        document = {**kept, "counted_at": at, "numbers": numbers.model_dump()}
        with contextlib.suppress(DuplicateKeyError):  # somebody else counted it at the same time
            await stores.published.insert_one(document)
        found = await stores.published.find_one(kept)
    return Numbers.model_validate(found["numbers"] if found else {})
