"""What a Hub keeps: workers' entries, leave, agreements. What its pages ask, and send."""

import asyncio
from typing import Any

from services.web.managing.loads import load_of, name_of
from services.web.managing.looking import MANY, names_of, workers_of
from services.web.managing.paging import piece
from services.web.managing.trying import tried
from services.web.visit import Form, Visit
from services.web.words import label

# Leave has a form for each line, an agreement has many: so few at once.
FEW = 15
TEXTS = ("name", "cap", "fte_percent")
NUMBERS = ("cap", "fte_percent")


async def list_of(visit: Visit, number: int) -> dict[str, Any]:
    """A piece of all workers, those in post first."""
    found = await workers_of(visit)
    found.sort(key=lambda each: (not each["entry"]["active"], name_of(each).lower()))
    return {"workers": piece(found, number, MANY), "name_of": name_of}


async def worker_of(visit: Visit, worker_id: str) -> dict[str, Any]:
    """A worker's entry under its `tag`, and the areas that they may be given."""
    path = f"/v1/workers/{worker_id}"
    answer = await visit.api.ask("allocation", "GET", path)
    worker = answer.body
    hub = await visit.api.get("allocation", f"/v1/hubs/{worker['entry']['hub_id']}")
    areas = sorted({*hub["areas"], *worker["entry"]["areas"]})
    return {
        "worker": worker,
        "called": name_of(worker),
        "load": load_of(worker),
        "tag": answer.tag,
        "areas": [(each, label(each)) for each in areas],
        "usual": hub["caps"].get(worker["entry"]["worker_role"], 0),
        "kinds": [(each, label(each, "supervision_kind")) for each in worker["supervision_due_on"]],
    }


def amended(form: Form, entry: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The entry as the form has it, all else as it was; and what is wrong with the form."""
    said: dict[str, Any] = {name: form.text(name) or None for name in TEXTS}
    wrong = {
        name: "Enter a whole number" for name in NUMBERS if said[name] and not is_number(said[name])
    }
    if not form.each("areas"):
        wrong["areas"] = "Choose at least one area"
    if not wrong:
        said |= {name: int(said[name]) for name in NUMBERS if said[name]}
    usual = {"fte_percent": said["fte_percent"] or entry["fte_percent"]}
    return {**entry, **said, **usual, "areas": form.each("areas")}, wrong


def typed(form: Form) -> dict[str, Any]:
    """What was entered, right or wrong: nobody types it twice."""
    return {**{name: form.text(name) for name in TEXTS}, "areas": form.each("areas")}


def is_number(text: str) -> bool:
    """Whether it is a whole number as people write one."""
    return text.isascii() and text.isdecimal() and len(text) < 6


async def amend(visit: Visit, worker_id: str, form: Form) -> dict[str, str]:
    """Amend the entry that was shown. What is wrong with it, by its field; nothing where it was done."""
    path = f"/v1/workers/{worker_id}"
    # Of an entry that has changed since it was shown nothing is kept: its tag is another one.
    known = await visit.api.get("allocation", path)
    entry, wrong = amended(form, known["entry"])
    if wrong:
        return wrong
    fields = {"If-Match": form.text("tag")}
    asking = visit.api.ask("allocation", "PUT", path, json=entry, headers=fields)
    return await tried(asking, "name")


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


async def signed(visit: Visit, agreement_id: str, form: Form) -> dict[str, str]:
    """Sign the version that was shown, for the Hub."""
    path, version = f"/v1/agreements/{agreement_id}/signatures", form.text("version")
    read = {"version": int(version) if is_number(version) else 0}
    return await tried(visit.api.post("referral", path, read), agreement_id)
