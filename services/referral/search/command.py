"""Searching one's own referrals by keyed hashes. The search is recorded before its answer is told,
and every hit as a look."""

from services.referral.access import VIEWED_AS, own_referrals, person_of
from services.referral.acting import Asker
from services.referral.disclosure.access_record import record_accesses
from services.referral.disclosure.rule import Shown, viewed
from services.referral.matches.queue import matches_of_all
from services.referral.people.finding import details_of, hashed_keys, identity
from services.referral.records import Referral
from services.referral.search.request import Hit, SearchQuery, SearchResult
from services.referral.search.rule import agreeing, keys_of
from services.referral.store import Stores
from shared.events import EventData
from shared.events.records import UNKNOWN, RecordsSearched
from shared.rules.sharing import CATEGORIES

MOST_LOOKED_AT = 200
MOST_HITS = 20


async def search(stores: Stores, asker: Asker, query: SearchQuery) -> SearchResult:
    """What of the asker's own referrals is like that. What is not theirs, or about somebody for
    whom they are marked as unsafe, is looked for no more than what is not there."""
    viewer = asker.viewer
    keys = keys_of(query)
    where = own_referrals(viewer)
    unsafe = await stores.unsafe_for(person_of(viewer).names)
    like = [{"blocks": {"$in": hashed_keys(stores, each)}} for each in keys]
    about = {"subject_id": {"$nin": unsafe}} if unsafe else {}
    newest = [("received_at", -1), ("_id", -1)]
    near = await stores.referrals.find(
        {"$and": [where, about, *like]}, sort=newest, limit=MOST_LOOKED_AT
    )
    found: list[tuple[Referral, Hit]] = []
    for referral in near:
        details = await details_of(stores, referral)
        agrees = agreeing(query, identity(details)) if details else None
        if agrees is not None:
            hit = Hit(referral_id=referral.id, status=referral.status, agrees=agrees)
            found.append((referral, hit))
    kept = found[:MOST_HITS]
    await _record(stores, asker, [referral for referral, _ in kept], query)
    return SearchResult(
        hits=[hit for _, hit in kept],
        more=len(near) == MOST_LOOKED_AT or len(found) > MOST_HITS,
        possible_matches=await matches_of_all(stores, [r.id for r, _ in kept], viewer),
    )


async def _record(stores: Stores, asker: Asker, hits: list[Referral], query: SearchQuery) -> None:
    worker = asker.viewer.role == "worker"
    kind = VIEWED_AS["worker_on_case" if worker else "manager_of_hub"]
    shown = Shown(kind, CATEGORIES)
    looks: list[tuple[str, EventData]] = [
        (r.id, viewed(r, asker.viewer, shown, query.purpose, part="search_hit")) for r in hits
    ]
    searched = RecordsSearched(
        viewer_kind="worker" if worker else "hub_manager",
        viewer_id=asker.viewer.id,
        purpose=query.purpose,
        by_fields=query.given,
        hits=len(hits),
    )
    await record_accesses(stores, *asker, [(UNKNOWN, searched), *looks])
