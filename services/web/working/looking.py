"""What a worker's pages show, as the APIs say it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from services.web.api import Refused
from services.web.changing.register import offered
from services.web.messages.looking import news_of
from services.web.record import parts
from services.web.visit import Visit
from services.web.working.acts import can_close, seen_as

SUPERVISION = ("case", "professional")


async def day_of(visit: Visit) -> dict[str, Any]:
    """What is unread and what is due, the most pressing first, and how this worker stands."""
    news, cases, me = await asyncio.gather(
        news_of(visit),
        visit.api.get("allocation", "/v1/allocations", limit=100),
        visit.api.get("allocation", f"/v1/workers/{visit.person.worker_id}"),
    )
    due = [each for each in cases["allocations"] if each["next_step"]]
    return {
        **news,
        "due": sorted(due, key=lambda each: str(each["next_step"]["by"])),
        "me": me,
        "kinds": SUPERVISION,
    }


async def cases_of(visit: Visit, cursor: str | None, only: str | None) -> dict[str, Any]:
    """A page of the cases of this worker, or of this manager's Hub; or of those that are so."""
    found = await visit.api.get("allocation", "/v1/allocations", cursor=cursor, only=only)
    return {"found": found, "only": only, "seen_as": seen_as(visit.person.role)}


async def case_of(visit: Visit, referral_id: str) -> dict[str, Any]:
    """A case: how it stands, what is known and may be seen, its goals and its risk."""
    case, record, goals, risk = await asyncio.gather(
        visit.api.get("allocation", f"/v1/allocations/{referral_id}"),
        visit.api.get("referral", f"/v1/referrals/{referral_id}"),
        goals_of(visit, referral_id),
        visit.api.get("allocation", f"/v1/allocations/{referral_id}/risk"),
    )
    known = {"case": case, "record_of": record, "goals": goals, "risk": risk}
    view = seen_as(visit.person.role)
    shown = {
        "parts_of": parts(record["categories"], record["written"]),
        "seen_as": view,
        "acts": view.offered(case),
        "groups": offered(record, practitioner=True),
        "done": visit.noted(),
    }
    return {**known, **shown, "closable": can_close(case)}


async def goals_of(visit: Visit, referral_id: str) -> list[dict[str, Any]]:
    """None where this person may see none, which is no reason to hide the case from them."""
    try:
        found = await visit.api.get("referral", f"/v1/referrals/{referral_id}/goals")
    except Refused as error:
        if error.status not in (403, 404):
            raise
        return []
    return list(found["goals"])


async def tried(visit: Visit, path: str, sent: Mapping[str, Any], field: str) -> dict[str, str]:
    """Post it. What is wrong with it, as an error of that field; nothing where it was taken. Raises
    `Refused` for every other no."""
    try:
        await visit.api.post("allocation", path, dict(sent))
    except Refused as error:
        if error.status not in (409, 422):
            raise
        return {field: error.said("It was not taken as it is")}
    return {}
