"""What is looked at again when it is known as whom an account calls: by the event of its call and by
that of the deed, so that neither can be missed, whichever comes first."""

from services.allocation.safety.oneself import by_oneself
from services.allocation.store import Stores
from shared.clock import now
from shared.errors import NotFound
from shared.origin import Origin


async def look_at_worker(stores: Stores, worker_id: str, by: Origin) -> None:
    """What was done for the worker by an account that has called as them is taken back. Safe to repeat;
    nothing where nobody has called as them, or none is registered."""
    if accounts := await stores.people.accounts_of(worker_id):
        try:
            await stores.workers.change(worker_id, lambda w: by_oneself(w, accounts, now()), by=by)
        except NotFound:
            return


async def look_again(stores: Stores, account: str, by: Origin) -> None:
    """The same of every worker as whom this account has called."""
    for worker_id in await stores.people.workers_of(account):
        await look_at_worker(stores, worker_id, by)
