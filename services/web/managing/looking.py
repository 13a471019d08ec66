"""What a manager's pages show, as the APIs say it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from services.web.managing.board import by_urgency, most_urgent_first, sections, soonest_first
from services.web.managing.loads import heaviest_first, name_of
from services.web.managing.paging import piece
from services.web.messages.looking import news_in
from services.web.visit import Visit
from shared.clock import now

SAFETY_HOLD = "safety_hold"
SOON = timedelta(days=60)
MANY = 100
# Bars are long in HTML: so many, and a page stays under 60 kB.
AT_ONCE = 40
Found = tuple[Sequence[Mapping[str, Any]], bool]


async def board_of(visit: Visit) -> dict[str, Any]:
    """All that presses, the most pressing first."""
    soon = (now() + SOON).isoformat()
    names = {
        "news": _list(visit, "notify", "/v1/notifications/unread-first", "notifications"),
        "overdue": _cases(visit, "overdue", list),
        "unaccepted": _cases(visit, "unaccepted", soonest_first),
        "waiting": _cases(visit, "waiting", most_urgent_first),
        "gaps": _gaps(visit),
        "leave": _list(visit, "allocation", "/v1/leave-requests", "requests"),
        "matches": _list(visit, "referral", "/v1/possible-matches", "matches"),
        "transfers": _to_answer(visit),
        "plans": _list(visit, "allocation", "/v1/handover-plans", "plans", status="proposed"),
        "agreements": _list(visit, "referral", "/v1/agreements", "agreements", ending_before=soon),
    }
    workers, *lists = await asyncio.gather(workers_of(visit), *names.values())
    found: dict[str, Found] = dict(zip(names, lists, strict=True))
    news, beyond = found.pop("news")
    found["holds"] = _holds(news, beyond)
    found["supervision"] = [each for each in workers if each["supervision_overdue"]], False
    waiting = by_urgency(found["waiting"][0])
    return {
        **news_in(news),
        "sections": sections(found),
        "waiting": waiting,
        "names": names_of(workers),
    }


async def workers_of(visit: Visit) -> list[dict[str, Any]]:
    """All workers of the Hub."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await visit.api.get("allocation", "/v1/workers", limit=MANY, cursor=cursor)
        found += page["workers"]
        cursor = page["next"]
        if cursor is None:
            return found


def names_of(workers: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What each worker is called, by id."""
    return {each["id"]: name_of(each) for each in workers}


async def caseloads_of(visit: Visit, number: int) -> dict[str, Any]:
    """Who carries how much, those with too much first: a piece of the list."""
    shown = heaviest_first(await workers_of(visit))
    return {"workers": piece(shown, number, AT_ONCE), "name_of": name_of}


async def _list(visit: Visit, service: str, path: str, name: str, **asked: Any) -> Found:
    found = await visit.api.get(service, path, limit=MANY, **asked)
    return found[name], found["next"] is not None


async def _cases(
    visit: Visit, only: str, order: Callable[[list[Any]], Sequence[Mapping[str, Any]]]
) -> Found:
    found, beyond = await _list(visit, "allocation", "/v1/allocations", "allocations", only=only)
    return order(list(found)), beyond


async def _gaps(visit: Visit) -> Found:
    path = f"/v1/hubs/{visit.person.hub_id}/rota/gaps"
    return (await visit.api.get("allocation", path))["gaps"], False


def _holds(found: Sequence[Mapping[str, Any]], beyond: bool) -> Found:
    """What was held back for a young person's safety, of which nobody has said that they have read it."""
    unread = [each for each in found if each["opened_at"] is None]
    held = [each for each in unread if each["kind"] == SAFETY_HOLD]
    return held, beyond and len(unread) == len(found)


async def _to_answer(visit: Visit) -> Found:
    found, beyond = await _list(visit, "referral", "/v1/transfers", "transfers")
    return [each for each in found if each["to_hub_id"] == visit.person.hub_id], beyond
