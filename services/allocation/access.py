"""What access depends on here: the facts of a case, a worker and a Hub. Pure.

Who may do what to them, `shared.rules.access` decides. Each returns if the caller may do this. It
raises `NotFound` where the caller may not even know that the thing is there; of a case `NotTheirs`.
"""

from collections.abc import Collection
from typing import Any

from services.allocation.caseload.worker import Worker
from services.allocation.handover.plan import Plan
from services.allocation.records import Allocation
from shared.rules.access import Person, Thing
from shared.rules.access_table import Action
from shared.web.access import person, require, require_record
from shared.web.tokens import Caller


def manages_hub(action: Action, caller: Caller, hub_id: str | None) -> None:
    """Something of a Hub: its entry, its numbers, a worker as the Hub's own."""
    require(action, person(caller), Thing(hub_id=hub_id))


def has_case(action: Action, who: Person, allocation: Allocation, unsafe: Collection[str]) -> None:
    """A case of a young person for whom these names are marked. A worker who had it is one who may
    repeat what was answered and got lost."""
    thing = Thing(
        hub_id=allocation.hub_id,
        worker_id=allocation.worker_id,
        holder_id=allocation.holder_id,
        workers_before=allocation.workers_before,
        unsafe=unsafe,
    )
    require_record(action, who, thing, allocation.id)


def has_plan(caller: Caller, plan: Plan, *, marked: bool) -> None:
    """A hand-over plan; `marked`: the caller is, for a young person whose case it moves."""
    who = person(caller)
    require("plan_handover", who, Thing(hub_id=plan.hub_id, unsafe=who.names if marked else ()))


def sees_worker(caller: Caller, worker: Worker, action: Action = "view_worker") -> None:
    """A worker's entry, and the leave they ask for."""
    require(action, person(caller), Thing(hub_id=worker.hub_id, person_id=worker.id))


def listed_allocations(caller: Caller) -> dict[str, Any]:
    """Which allocations a list shows: those that a worker has or holds, or the Hub's."""
    if caller.role == "worker":
        return {"$or": [{"worker_id": caller.worker_id}, {"holder_id": caller.worker_id}]}
    return {"hub_id": caller.hub_id}


def listed_hub(caller: Caller, asked_for: str | None) -> str | None:
    """Of which Hub a list shows workers: a manager's own; the one an operator asks for, or all."""
    return caller.hub_id if caller.role == "hub_manager" else asked_for
