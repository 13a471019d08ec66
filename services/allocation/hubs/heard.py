"""Messages in: who is registered, who calls, and what a Hub is asked."""

from services.allocation.assignment.duty import follow_duty, follow_duty_of
from services.allocation.assignment.queue import offer_capacity, take_over
from services.allocation.caseload.capacity import follow_hub
from services.allocation.leaving.process import after_entry
from services.allocation.rota.standing import watch_gaps
from services.allocation.safety.looking import look_again, look_at_worker
from services.allocation.safety.process import protect_held
from services.allocation.store import Stores
from shared.clock import now
from shared.events import Event
from shared.events.absence import LeaveDecided
from shared.events.accounts import AccountSeen
from shared.events.rota import RotaChanged
from shared.events.transfer import TransferEnded, TransferProposed
from shared.events.workers import HubRegistered, WorkerRegistered, WorkerSupervised
from shared.origin import Origin


async def on_worker_registered(stores: Stores, event: Event[WorkerRegistered], by: Origin) -> None:
    """The worker follows the Hub's policy, and takes who waits."""
    worker_id = event.data.worker_id
    if (hub := await stores.hub(event.data.hub_id)) is not None:
        # The Hub's policy may have changed between the route's look at it and this entry.
        await stores.workers.change(worker_id, lambda w: follow_hub(w, hub, now()), by=by)
    if event.data.host_agency_id is not None:
        await protect_held(stores, worker_id, by)
    await after_entry(stores, worker_id, by)
    await follow_duty_of(stores, worker_id, by)
    await offer_capacity(stores, worker_id, by)


async def on_hub_registered(stores: Stores, event: Event[HubRegistered], by: Origin) -> None:
    """The Hub's workers follow its policy, and it takes over what waits in its areas for a Hub."""
    hub = await stores.hubs.get(event.data.hub_id)
    async for worker_id in stores.worker_ids(hub.id):
        await stores.workers.change(worker_id, lambda w: follow_hub(w, hub, now()), by=by)
    await follow_duty(stores, hub, by)
    await take_over(stores, hub, by)


async def on_rota_changed(stores: Stores, event: Event[RotaChanged], by: Origin) -> None:
    """What waits is held by whoever is on duty now, and the managers hear where nobody will be."""
    hub = await stores.hubs.get(event.data.hub_id)
    await follow_duty(stores, hub, by)
    await watch_gaps(stores, hub, by)


async def on_account_seen(stores: Stores, event: Event[AccountSeen], by: Origin) -> None:
    """It is known as which worker an account has called, and what it did for them is looked at."""
    await stores.people.keep(event)
    await look_again(stores, event.data.account, by)


async def on_deed(
    stores: Stores, event: Event[WorkerSupervised] | Event[LeaveDecided], by: Origin
) -> None:
    """Something that only another person does for a worker: whether it was one, as far as is known."""
    await look_at_worker(stores, event.data.worker_id, by)


async def on_proposal(
    stores: Stores, event: Event[TransferProposed] | Event[TransferEnded], _: Origin
) -> None:
    """A Hub is asked to take a referral over, or is no longer."""
    await stores.proposals.keep(event)
