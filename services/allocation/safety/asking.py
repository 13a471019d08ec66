"""For which young people a caller is marked as unsafe: what lists leave out, and what is not theirs
to change."""

from services.allocation.records import OPEN
from services.allocation.store import Stores
from shared.errors import NotFound, Refused
from shared.web.access import person
from shared.web.tokens import Caller


async def host_of(stores: Stores, caller: Caller) -> str | None:
    """The agency that a worker sits with."""
    if caller.worker_id is None:
        return None
    try:
        return (await stores.workers.get(caller.worker_id)).host_agency_id
    except NotFound:
        return None


async def hidden_from(stores: Stores, caller: Caller) -> list[str]:
    """The young people for whom the caller is marked: no list shows them."""
    who = person(caller, host_agency_id=await host_of(stores, caller))
    return await stores.marks.subjects_of(who.names)


async def may_arrange(stores: Stores, caller: Caller, hub_id: str) -> None:
    """Returns if the caller may change who works at the Hub, and how its cases are given out.

    Raises `Refused` for who is marked as unsafe for a young person with an open case there, or
    whom it is asked to take over: by
    removing workers, moving them or naming one for duty they would place that case.
    """
    if hidden := await hidden_from(stores, caller):
        where = {"hub_id": hub_id, "status": {"$in": list(OPEN)}, "subject_id": {"$in": hidden}}
        has = await stores.allocations.find(where, limit=1)
        if has or await stores.proposals.wait(hub_id, hidden):
            raise Refused(
                "somebody_else", "Somebody else of the Hub, or an operator, has to do this."
            )


async def not_oneself(stores: Stores, caller: Caller, worker_id: str) -> None:
    """Returns if somebody else than the worker asks: nobody enters their own leave, room or
    supervision. Raises `Refused` for an account that has called as this worker."""
    if worker_id in await stores.people.workers_of(caller.account):
        raise Refused("second_person_needed", "Someone other than the worker must do this.")


async def not_the_same(stores: Stores, account: str, other: str) -> None:
    """Returns if these are two people, as far as it is known. Raises `Refused`."""
    if await stores.people.one_person(account, other):
        raise Refused("second_person_needed", "Both accounts are of one person: ask another.")
