"""Whoever had a case repeats what they said, and is told what they were told then: nothing of since."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from fastapi.routing import APIRoute
from pymongo import AsyncMongoClient

from services.allocation.app import ROUTERS
from shared.ids import derived_id
from shared.rules.access_table import TABLE
from shared.web.access import Gate
from tests.harness.mongo import Mongo, drop
from tests.harness.room import Room, opened

# Every route of a case that is open to who had it before, with what they say there.
SAYS: dict[str, dict[str, Any]] = {
    "/decline": {"reason": "no_capacity"},
    "/closure": {"reason": "ended_early"},
    "/debrief": {"outcome": "held"},
}
ROOT = "/v1/allocations/{allocation_id}"


@pytest_asyncio.fixture
async def room(
    client: "AsyncMongoClient[Any]", mongo: Mongo, prefix: str, tmp_path: Path
) -> AsyncIterator[Room]:
    database = f"test_{prefix.strip('.')}"
    async with opened(client, mongo.url, database, tmp_path) as started:
        await started.hub(debrief_from="mild")
        for one in ("wk_one", "wk_two"):
            await started.worker(one, cap=100)
        yield started
    await drop(client, database)


def test_every_route_that_is_open_to_who_had_a_case_is_asked_here() -> None:
    routes = [r for router in ROUTERS for r in router.routes if isinstance(r, APIRoute)]
    open_to = {
        route.path.removeprefix(ROOT)
        for route in routes
        for needed in route.dependencies
        if isinstance(needed.dependency, Gate)
        and "worker_before" in TABLE[needed.dependency.action].relations
    }

    assert open_to == set(SAYS)


async def test_a_repeat_tells_what_the_first_told_whatever_has_become_of_the_case(
    room: Room,
) -> None:
    case = await room.refer("before")
    path = f"/v1/allocations/{case}"
    first: dict[tuple[str, str], Any] = {}

    async def says(who: str, step: str) -> None:
        answer = await room.ask(who, "POST", path + step, json=SAYS.get(step))
        assert answer.is_success, answer.text
        first[who, step] = answer.json()

    async def repeated(when: str) -> None:
        """Each has had the case, and has it no longer: they hear what they heard, or a no."""
        for who in {who for who, _ in first}:
            for step, body in SAYS.items():
                told = first.get((who, step))
                if step == "/debrief" and (who, "/closure") in first and told is None:
                    continue  # theirs to settle, and not yet said
                again = await room.ask(who, "POST", path + step, json=body)
                if again.is_success:
                    # Whoever closed it settles their debrief themselves.
                    known = told | {"debrief": again.json()["debrief"]} if told else None
                    assert again.json() == known, (when, who, step)
                else:
                    assert again.status_code in (404, 409), (when, who, step)
                    assert told is None, (when, who, step)

    one = str((await room.stands(case, "offered")).worker_id)
    two = "wk_two" if one == "wk_one" else "wk_one"
    await says(one, "/decline")
    await room.stands(case, "offered", two)
    await repeated("offered to the next")
    assert (await room.ask(two, "POST", f"{path}/acceptance")).is_success
    judged = {"level": "significant", "reason": "known_history"}
    assert (await room.ask("manager", "POST", f"{path}/judgement", json=judged)).is_success
    await room.mark(derived_id("sub", "before"), "agency_kind:parent")
    assert (await room.ask(two, "GET", path)).json()["instructions"] == ["do_not_tell_parents"]
    await repeated("the next has it, and it is more serious")
    await says(two, "/closure")
    await repeated("closed by the next")
    await says(two, "/debrief")
    await repeated("after the debrief")

    await room.status(case, "received", "closed", 9)
    order = {"worker_id": one, "reason": "workload"}
    any_tag = {"If-Match": "*"}
    ordered = await room.ask("manager", "POST", f"{path}/assignment", json=order, headers=any_tag)
    assert ordered.is_success, ordered.text
    await room.stands(case, "offered", one)
    for step, body in SAYS.items():
        again = await room.ask(two, "POST", path + step, json=body)
        assert again.status_code == 409, f"{step}: it is somebody's again"
