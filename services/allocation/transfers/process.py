"""A case goes over to the Hub that took its referral over, in steps that can be repeated.

1. The case of the Hub before ends and the new Hub's begins: one write of the one record.
2. Whoever holds capacity for it gives it back.
3. Nobody who is unsafe has it, and a worker of the new Hub is looked for.

The event comes again until all of it was done, so a crash is finished from step 1, which changes
nothing then.
"""

from services.allocation.assignment.process import release_strays
from services.allocation.assignment.queue import seek
from services.allocation.records import Allocation
from services.allocation.safety.process import protect
from services.allocation.store import Stores
from services.allocation.transfers.rule import follow_transfer
from shared.events import Event
from shared.events.transfer import ReferralTransferred
from shared.operating.failpoints import failpoint
from shared.origin import Origin
from shared.storage.records import Change


async def hand_over_to(stores: Stores, event: Event[ReferralTransferred], by: Origin) -> None:
    """The case is with the new Hub. Raises `NotFound` until the case and the Hub are here."""
    allocation = await stores.allocations.get(event.data.referral_id)
    hub = await stores.hubs.get(event.data.to_hub_id)
    subject = await stores.subjects.get(allocation.subject_id)

    def rule(known: Allocation) -> Change[Allocation]:
        return follow_transfer(known, event, hub, subject, stores.policy)

    await stores.allocations.change(allocation.id, rule, by=by, seen=allocation)
    await stores.proposals.keep(event)
    failpoint("transfer.after_case")
    await release_strays(stores, allocation.id, by)
    failpoint("transfer.after_release")
    await protect(stores, await stores.allocations.get(allocation.id), by)
    await seek(stores, allocation.id, by)
