"""What a Hub keeps: its workers, their leave. What its pages ask, and send."""

import asyncio
from typing import Any

from services.web.managing.loads import load_of, name_of
from services.web.managing.looking import MANY, names_of, workers_of
from services.web.managing.paging import piece
from services.web.managing.trying import tried
from services.web.visit import Form, Visit
from services.web.words import label

# Leave has a form for each line: so few at once.
FEW = 15


async def list_of(visit: Visit, number: int) -> dict[str, Any]:
    """A piece of all workers, those in post first."""
    found = await workers_of(visit)
    found.sort(key=lambda each: (not each["entry"]["active"], name_of(each).lower()))
    return {"workers": piece(found, number, MANY), "name_of": name_of}


async def worker_of(visit: Visit, worker_id: str) -> dict[str, Any]:
    """A worker, their entry's `tag`, and what supervision they are due."""
    answer = await visit.api.ask("allocation", "GET", f"/v1/workers/{worker_id}")
    worker = answer.body
    kinds = [(each, label(each, "supervision_kind")) for each in worker["supervision_due_on"]]
    known = {"worker": worker, "called": name_of(worker), "load": load_of(worker)}
    return {**known, "tag": answer.tag, "kinds": kinds}


async def supervised(visit: Visit, worker_id: str, form: Form) -> dict[str, str]:
    """Note that a supervision took place."""
    entry = {"kind": form.text("kind"), "held_on": form.text("held_on")}
    if not all(entry.values()):
        return {"held_on": "Choose the kind, and enter the day"}
    path = f"/v1/workers/{worker_id}/supervisions"
    return await tried(visit.api.post("allocation", path, entry), "held_on")


async def leave_of(visit: Visit, cursor: str | None) -> dict[str, Any]:
    """Leave that waits for a manager, and what the workers are called."""
    found, workers = await asyncio.gather(
        visit.api.get("allocation", "/v1/leave-requests", cursor=cursor, limit=FEW),
        workers_of(visit),
    )
    return {"found": found, "names": names_of(workers)}


async def approved(visit: Visit, worker_id: str, request_id: str) -> dict[str, str]:
    """Approve leave."""
    path = f"/v1/workers/{worker_id}/leave-requests/{request_id}/approval"
    return await tried(visit.api.post("allocation", path), request_id)


async def declined(visit: Visit, worker_id: str, request_id: str, form: Form) -> dict[str, str]:
    """Decline leave, with the reason."""
    if not form.text("reason"):
        return {request_id: "Say why it can’t be had"}
    path = f"/v1/workers/{worker_id}/leave-requests/{request_id}/decline"
    asking = visit.api.post("allocation", path, {"reason": form.text("reason")})
    return await tried(asking, request_id)
