"""What the pages of one case's worker ask, and send."""

import asyncio
from dataclasses import dataclass
from typing import Any

from services.web.api import Refused
from services.web.managing.candidates import candidates
from services.web.managing.looking import AT_ONCE, names_of, workers_of
from services.web.managing.paging import Piece, piece
from services.web.managing.trying import tried
from services.web.managing.why import called, decided
from services.web.visit import Form, Visit

MOST_ASKED = 500
MOST_ROWS = 40


@dataclass(frozen=True)
class Placing:
    """A case as it was shown, under `tag`, and who could have it."""

    case: dict[str, Any]
    tag: str
    weight: int
    decided_at: str | None
    candidates: Piece


async def why_of(visit: Visit, referral_id: str, number: int) -> dict[str, Any]:
    """One decision on a case, the newest has number 1. Who may not see the Hub's workers reads ids."""
    explained, names = await asyncio.gather(
        visit.api.get("allocation", f"/v1/allocations/{referral_id}/explanation"), _names(visit)
    )
    level = [called(sentence, names) for sentence in explained["level"]]
    shown = {"level": level, "flags": explained["flags"], "warning": explained["warning"]}
    one = piece(decided(explained, names), number, 1)
    return {"id": referral_id, "decisions": one, "most": MOST_ROWS, **shown}


async def placing_of(visit: Visit, referral_id: str, number: int) -> Placing:
    """What is to be known before somebody is named: a piece of those who could have it."""
    path = f"/v1/allocations/{referral_id}"
    answer, explained, workers, hub = await asyncio.gather(
        visit.api.ask("allocation", "GET", path),
        visit.api.get("allocation", f"{path}/explanation"),
        workers_of(visit),
        visit.api.get("allocation", f"/v1/hubs/{visit.person.hub_id}"),
    )
    case, last = answer.body, (explained["decisions"] or [None])[-1]
    weight = hub["weights"].get(case["level"], 1)
    found = candidates(workers, last and last["decision"], weight, case["worker_id"] or "")
    shown = piece(found, number, AT_ONCE)
    return Placing(case, answer.tag, weight, last and last["at"], shown)


async def placed(visit: Visit, referral_id: str, form: Form) -> dict[str, str]:
    """Name the worker. What is wrong with it, by its field; nothing where it was done."""
    entry = {"worker_id": form.text("worker_id"), "reason": form.text("reason")}
    asked = {"worker_id": "Choose a worker", "reason": "Choose a reason"}
    if wrong := {name: asked[name] for name, said in entry.items() if not said}:
        return wrong
    order = {**entry, "exceed_hard_cap": form.text("exceed_hard_cap") == "yes"}
    path = f"/v1/allocations/{referral_id}/assignment"
    asking = visit.api.post("allocation", path, order, tag=form.text("tag"))
    return await tried(asking, "worker_id")


async def asked_of(visit: Visit, referral_id: str) -> dict[str, Any]:
    """What was asked last beyond a hard cap, as the trail has it: nobody agrees to what they don't see."""
    asked = {"referral_id": referral_id, "type": "allocation.exception_requested"}
    found, names = await asyncio.gather(
        visit.api.get("audit", "/v1/trail", limit=MOST_ASKED, **asked), _names(visit)
    )
    events = [entry["leaf"]["event"] for entry in found["entries"]]
    last = events[-1] if events else None
    who = names.get(last["data"]["to_worker_id"], last["data"]["to_worker_id"]) if last else ""
    return {"id": referral_id, "last": last, "who": who}


async def agreed(visit: Visit, referral_id: str) -> dict[str, str]:
    """Agree, as the second person, that a hard cap is passed."""
    path = f"/v1/allocations/{referral_id}/assignment/confirmation"
    return await tried(visit.api.post("allocation", path), "agree")


async def _names(visit: Visit) -> dict[str, str]:
    try:
        return names_of(await workers_of(visit))
    except Refused:
        return {}
