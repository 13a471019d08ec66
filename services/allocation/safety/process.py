"""Nobody who is unsafe for a young person has or holds a case of theirs: seen to, and safe to repeat.

It runs when a mark is heard of, when a referral is about somebody else, when a worker moves to
another host, and after every placing: a mark that is heard of while a worker is being chosen finds
no case to take away yet.
"""

from services.allocation.records import HELD, Allocation
from services.allocation.rota.calling import call_cover
from services.allocation.rota.standing import duty_at
from services.allocation.safety.rule import is_unsafe, replace_holder, take_away
from services.allocation.store import Stores
from shared.errors import NotFound
from shared.operating.failpoints import failpoint
from shared.origin import Origin


async def protect(stores: Stores, allocation: Allocation, by: Origin) -> None:
    """Whoever is unsafe has the case no longer on return. Its event gives their capacity back and
    looks for the next worker."""
    unsafe = await stores.marks.unsafe_for(allocation.subject_id)
    if not unsafe:
        return
    worker_id, holder_id = allocation.worker_id, allocation.holder_id
    if (
        worker_id
        and allocation.status in HELD
        and await worker_is_unsafe(stores, worker_id, unsafe)
    ):
        await stores.allocations.change(
            allocation.id, lambda a: take_away(a, worker_id), by=by, seen=allocation
        )
        failpoint("safety.after_taking_away")
    elif holder_id and await worker_is_unsafe(stores, holder_id, unsafe):
        hub = await stores.hub(allocation.hub_id)
        to = (await duty_at(stores, hub)).on_duty(unsafe) if hub else None
        await stores.allocations.change(
            allocation.id, lambda a: replace_holder(a, holder_id, to), by=by, seen=allocation
        )
        await call_cover(stores, await stores.allocations.get(allocation.id), by)


async def protect_all(stores: Stores, subject_id: str, by: Origin) -> None:
    """No open case of the young person is with somebody unsafe on return."""
    for allocation_id in await stores.open_of_subject(subject_id):
        await protect(stores, await stores.allocations.get(allocation_id), by)
        failpoint("safety.after_one")


async def protect_held(stores: Stores, worker_id: str, by: Origin) -> None:
    """The worker sits with another agency now: no case of a young person for whom that one is unsafe
    stays with them. What is reserved for a case that isn't stored yet, its placing looks after."""
    for case in (await stores.workers.get(worker_id)).cases:
        try:
            await protect(stores, await stores.allocations.get(case.referral_id), by)
        except NotFound:
            continue


async def safe_of(
    stores: Stores, worker_ids: tuple[str, ...], unsafe: tuple[str, ...]
) -> tuple[str, ...]:
    """Those workers who may go on with the young person: what the others have is being taken away."""
    if not unsafe:
        return worker_ids
    return tuple([w for w in worker_ids if not await worker_is_unsafe(stores, w, unsafe)])


async def worker_is_unsafe(stores: Stores, worker_id: str, unsafe: tuple[str, ...]) -> bool:
    """Whether a worker, or the agency that hosts them now, is among these names."""
    if f"worker:{worker_id}" in unsafe:
        return True
    try:
        return is_unsafe(await stores.workers.get(worker_id), unsafe)
    except NotFound:
        return False  # a duty worker whom nobody has registered sits nowhere
