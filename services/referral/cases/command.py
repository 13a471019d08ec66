"""A worker's open cases with names: each is decided as a reading of that referral is, and recorded as a
look before the page is shown. A page costs as many calls of the store however many cases there are,
and one for each key that is not in memory."""

from services.referral.access import own_referrals, person_of
from services.referral.acting import Asker
from services.referral.authorship import read
from services.referral.cases.line import CaseLine, line, named
from services.referral.disclosure.access_record import record_accesses
from services.referral.disclosure.rule import Shown, look, viewed
from services.referral.lifecycle.states import OPEN
from services.referral.records import Referral
from services.referral.store import Stores
from services.referral.vault import Erased
from shared.clock import now
from shared.events import EventData


async def list_cases(
    stores: Stores, asker: Asker, purpose: str, cursor: str | None, limit: int
) -> tuple[list[CaseLine], str | None]:
    """A page of the cases that a worker has or holds, the newest first, and the cursor of the next
    one. Whom the worker is marked for is not there, in no page and in no cursor; nor is what went to
    somebody else meanwhile."""
    viewer, at = asker.viewer, now()
    where = {**own_referrals(viewer), "status": {"$in": sorted(OPEN)}}
    if unsafe := await stores.unsafe_for(person_of(viewer).names):
        where["subject_id"] = {"$nin": unsafe}
    found, following = await stores.page(where, cursor, limit)
    ids = sorted({referral.subject_id for referral in found})
    subjects = {s.id: s for s in await stores.subjects.find({"_id": {"$in": ids}}, limit=len(ids))}
    lines: list[CaseLine] = []
    looks: list[tuple[str, EventData]] = []
    for referral in found:
        subject = subjects.get(referral.subject_id)
        shown = subject and look(referral, viewer, subject, (), purpose, at)
        if isinstance(shown, Shown):  # else a mark came between, or it is about another one now
            lines.append(line(referral, shown, await _name(stores, referral, shown)))
            looks.append((referral.id, viewed(referral, viewer, shown, purpose, part="name")))
    await record_accesses(stores, *asker, looks)
    return lines, following


async def _name(stores: Stores, referral: Referral, shown: Shown) -> dict[str, object]:
    try:
        return read(await stores.vault.open(referral.id, named(referral, shown)))
    except Erased:
        return {}
