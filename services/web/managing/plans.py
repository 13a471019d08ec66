"""Hand-over plans: what their pages ask, and send."""

import asyncio
from typing import Any

from services.web.api import Refused
from services.web.managing.loads import name_of
from services.web.managing.looking import names_of, workers_of
from services.web.managing.trying import tried, why_not
from services.web.visit import Form, Visit

ASKED = {"worker_id": "Choose a worker", "reason": "Choose a reason"}
PATH = "/v1/handover-plans"


async def plans_of(visit: Visit) -> dict[str, Any]:
    """The Hub's plans, the newest first, and whose cases could be handed over."""
    found, workers = await asyncio.gather(visit.api.get("allocation", PATH), workers_of(visit))
    names = names_of(workers)
    having = [(each["id"], name_of(each)) for each in workers if each["open_cases"]]
    return {"found": found, "names": names, "having": having}


async def proposed(visit: Visit, form: Form) -> tuple[str, dict[str, str]]:
    """The id of a new plan; or what is wrong with it, by its field."""
    entry = {name: form.text(name) for name in ASKED}
    if wrong := {name: said for name, said in ASKED.items() if not entry[name]}:
        return "", wrong
    try:
        made = await visit.api.post("allocation", PATH, entry)
    except Refused as error:
        if error.status not in (409, 422):
            raise
        return "", {"worker_id": why_not(error)}
    return str(made["id"]), {}


async def plan_of(visit: Visit, plan_id: str) -> dict[str, Any]:
    """A plan under its `tag`, and the workers' names."""
    answer, workers = await asyncio.gather(
        visit.api.ask("allocation", "GET", f"{PATH}/{plan_id}"), workers_of(visit)
    )
    names = names_of(workers)
    return {"plan": answer.body, "tag": answer.tag, "names": names}


async def confirmed(visit: Visit, plan_id: str, form: Form) -> dict[str, str]:
    """Carry out the plan that was shown."""
    path = f"{PATH}/{plan_id}/confirmation"
    return await tried(visit.api.post("allocation", path, tag=form.text("tag")), "confirm")
