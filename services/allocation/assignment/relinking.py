"""A case follows its referral, also to another young person, in steps that can be repeated.

1. The young person whom it is about gets what it says, with any judgement made looking at it.
2. The one whom it was about loses that. Each shows what their own referrals alone lead to.
3. The case is theirs; should a newer event have been faster, steps 1 and 2 are put right.
4. The capacity that its worker holds counts for the right young person.

The case knows until step 3 whom it was about, and the event says that it moved: a crash is finished
when it comes again.
"""

from services.allocation.assignment.referral_sync import Moved, follow_amendment, is_elsewhere
from services.allocation.caseload.capacity import count_for
from services.allocation.records import Allocation
from services.allocation.risk.process import fits, report, take_back, told_of
from services.allocation.risk.subject import Arrives, Subject
from services.allocation.safety.process import safe_of
from services.allocation.store import Stores
from shared.clock import now
from shared.events import Event
from shared.events.referral import ReferralAmended
from shared.operating.failpoints import failpoint
from shared.origin import Origin


async def follow_referral(
    stores: Stores, event: Event[ReferralAmended], by: Origin
) -> tuple[Allocation, Subject]:
    """The case and its young person with what the event says. Raises `NotFound` before the case is
    here. Any order of a referral's events, with repeats, leads to the same."""
    referral_id = event.data.referral_id
    allocation = await stores.allocations.get(referral_id)
    was, said = allocation.subject_id, event.data.subject_id
    about = said if event.version > allocation.referral_version else was
    arrives = Arrives(about)
    if about != was:
        arrives = Arrives(about, await told_of(stores, was, referral_id))
    moves = about != said or about != was
    subject, _ = await report(stores, event, by, arrives if moves else None)
    if about != was:
        await take_back(stores, was, referral_id, event.version, by)
        failpoint("moved.after_taking_back")
    still_fits = await fits(stores, allocation, avoided=event.data.settings_avoided)
    hub = await stores.hub_for(event.data.area)
    moved = Moved(subject.assessment, await _two_workers(stores, allocation, about))
    after = await stores.allocations.change(
        allocation.id,
        lambda a: follow_amendment(
            a, event, still_fits and not is_elsewhere(a, event.data.area, hub), moved
        ),
        by=by,
        seen=allocation,
    )
    failpoint("moved.after_case")
    for other in {about, said} - {after.subject_id}:
        await take_back(stores, other, referral_id, after.referral_version, by)
    if about != was or "subject_id" in event.data.amended:
        await count_rightly(stores, after, by)
    return after, subject


async def count_rightly(stores: Stores, allocation: Allocation, by: Origin) -> None:
    """Whoever holds capacity for the case holds it for the right young person."""
    for worker in await stores.holders(allocation.id):
        await stores.workers.change(
            worker.id,
            lambda w: count_for(w, allocation.id, allocation.subject_id, now()),
            by=by,
            seen=worker,
        )


async def _two_workers(stores: Stores, allocation: Allocation, about: str) -> bool:
    """Whether the young person has workers of the Hub, none of whom has this case."""
    if allocation.subject_id == about:
        return False
    others = (await stores.others(about, allocation.id)).with_workers(allocation.hub_id)
    theirs = await safe_of(stores, others, await stores.marks.unsafe_for(about))
    return bool(theirs) and allocation.worker_id not in theirs
