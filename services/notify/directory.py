"""Messages in about who there is: Hubs and workers."""

from services.notify.store import Stores
from shared.events import Event
from shared.events.workers import HubRegistered, WorkerRegistered


class Directory:
    """Events about Hubs and workers."""

    def __init__(self, stores: Stores) -> None:
        self._stores, self._projections = stores, stores.projections

    async def on_hub(self, event: Event[HubRegistered]) -> None:
        """A Hub serves these areas now."""
        await self._projections.hubs.apply(event.data.hub_id, event)

    async def on_worker(self, event: Event[WorkerRegistered]) -> None:
        """A worker belongs to this Hub now, and sits with that agency, which may be unsafe; or is
        gone, and told nothing more."""
        stores, worker_id = self._stores, event.data.worker_id
        await self._projections.workers.apply(worker_id, event)
        if event.data.host_agency_id is not None or not event.data.active:
            where = {"recipient_kind": "worker", "recipient": f"worker:{worker_id}"}
            await stores.notifications.re_evaluate_soon(where, stores.clock(), workers=True)
