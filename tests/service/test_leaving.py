"""Who leaves has nothing any more: all at once, and their Hub has it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from pymongo import AsyncMongoClient

from services.allocation.records import ESCALATE_DUE
from tests.harness.mongo import Mongo, drop
from tests.harness.room import Room, opened
from tests.harness.waiting import until

SERIOUS = ("missing_episodes", "older_partner", "images_shared", "trafficking_concern")


@pytest_asyncio.fixture
async def room(
    client: "AsyncMongoClient[Any]", mongo: Mongo, prefix: str, tmp_path: Path
) -> AsyncIterator[Room]:
    database = f"test_{prefix.strip('.')}"
    async with opened(client, mongo.url, database, tmp_path) as started:
        yield started
    await drop(client, database)


async def with_cases(room: Room) -> dict[str, str]:
    """The worker `wk_leaver` has a case in each state of those that a worker has, by that state."""
    await room.hub(duty_worker_id="wk_leaver")
    await room.worker("wk_leaver", cap=5)  # four mild cases within the soft cap
    cases = {}
    for status in ("offered", "accepted", "in_progress", "on_hold"):
        cases[status] = await room.refer(status, subject=f"sub_{status}")
        await room.stands(cases[status], "offered", "wk_leaver")
    steps = {"accepted": 1, "in_progress": 2, "on_hold": 3}
    for status, count in steps.items():
        for step in ("acceptance", "start", "hold")[:count]:
            path = f"/v1/allocations/{cases[status]}/{step}"
            why = {"json": {"reason": "health"}} if step == "hold" else {}
            answer = await room.ask("wk_leaver", "POST", path, **why)
            answer.raise_for_status()
    return cases


async def test_who_leaves_has_nothing_and_the_hub_has_it_all(room: Room) -> None:
    cases = await with_cases(room)
    await room.worker("wk_next", cap=5)
    waits = await room.refer("waits", *SERIOUS, subject="sub_waits")
    assert (await room.stands(waits, "waiting")).holder_id == "wk_leaver"
    left = await room.ask(
        "manager", "DELETE", "/v1/workers/wk_leaver", headers={"If-Match": '"v1"'}
    )
    left.raise_for_status()

    # What was not accepted goes to the next at once; who holds what waits is the Hub's managers.
    await room.stands(cases["offered"], "offered", "wk_next")

    async def held_by_managers() -> bool:
        return (await room.stores.allocations.get(waits)).holder_id is None

    await until(held_by_managers, deadline=10, what="the managers to hold what waits")
    told = await room.told("allocation.escalated", 3)
    mine = {cases[status] for status in ("accepted", "in_progress", "on_hold")}
    assert {(e["data"]["referral_id"], e["data"]["reason"]) for e in told} == {
        (case, "worker_left") for case in mine
    }
    # A hand-over within the caps is proposed; what a manager confirms is carried out.
    (proposed,) = await room.told("handover_plan.proposed")
    path = f"/v1/handover-plans/{proposed['data']['plan_id']}"
    plan = await room.ask("manager", "GET", path)
    moves = plan.json()["moves"]
    assert {move["referral_id"] for move in moves} == mine
    assert {move["to_worker_id"] for move in moves} == {"wk_next"}
    for case in mine:
        answer = await room.ask("wk_leaver", "GET", f"/v1/allocations/{case}")
        assert answer.status_code == 404
    tag = {"If-Match": plan.headers["ETag"]}
    (await room.ask("manager", "POST", f"{path}/confirmation", headers=tag)).raise_for_status()
    for case in mine:
        after = await room.stands(case, "handed_over", "wk_next")
        assert (after.flags, after.escalate_at) == ((), None)
    await room.caseloads(wk_leaver=0)


async def test_the_managers_are_told_again_until_somebody_has_it(room: Room) -> None:
    cases = await with_cases(room)
    await room.put_worker("wk_leaver", '"v1"', cap=5, active=False)
    await room.told("allocation.escalated", 3)

    case = cases["in_progress"]
    past = await room.run_out(room.stores.allocations, case, ESCALATE_DUE, "escalate_at")

    told = await room.told("allocation.escalated", 4)
    assert (told[-1]["data"]["referral_id"], told[-1]["data"]["reason"]) == (case, "worker_left")
    due = (await room.stores.allocations.get(case)).escalate_at
    assert due is not None
    assert due > past


async def test_who_is_back_goes_on_with_what_nobody_was_given(room: Room) -> None:
    cases = await with_cases(room)
    await room.put_worker("wk_leaver", '"v1"', cap=5, active=False)
    await room.told("handover_plan.proposed")

    await room.put_worker("wk_leaver", '"v2"', cap=5)

    await room.told("allocation.taken_up", 3)
    for status in ("accepted", "in_progress", "on_hold"):
        case = await room.stands(cases[status], status, "wk_leaver")
        assert (case.flags, case.escalate_at) == ((), None)
    # And leaves again: there is a new plan, for the old one may have been carried out.
    await room.put_worker("wk_leaver", '"v3"', cap=5, active=False)
    first, second = await room.told("handover_plan.proposed", 2)
    assert first["data"]["plan_id"] != second["data"]["plan_id"]
    await room.told("allocation.escalated", 6)


async def waits_for_nobody(room: Room, **hub: Any) -> str:
    """Somebody is on duty, and a case that is too much for anybody waits with them."""
    await room.hub(duty_worker_id="wk_duty", **hub)
    await room.worker("wk_duty", cap=5)
    waits = await room.refer("waits", *SERIOUS, subject="sub_waits")
    assert (await room.stands(waits, "waiting")).holder_id == "wk_duty"
    return waits


async def held_by(room: Room, referral_id: str, holder_id: str | None) -> None:
    async def there() -> bool:
        return (await room.stores.allocations.get(referral_id)).holder_id == holder_id

    await until(there, deadline=10, what=f"{referral_id} being held by {holder_id}")


async def test_what_waits_is_held_by_who_is_on_duty_now(room: Room) -> None:
    waits = await waits_for_nobody(room)
    path = f"/v1/allocations/{waits}"
    listed = (await room.ask("wk_duty", "GET", "/v1/allocations")).json()["allocations"]
    assert [case["id"] for case in listed] == [waits]
    assert (await room.ask("wk_duty", "GET", path)).status_code == 200
    (await room.ask("wk_duty", "POST", f"{path}/review")).raise_for_status()

    away = [{"start": "2020-01-01", "to": "2199-01-01"}]
    await room.put_worker("wk_duty", '"v1"', cap=5, leave=away)
    await held_by(room, waits, None)
    assert (await room.ask("wk_duty", "GET", path)).status_code == 404

    await room.put_worker("wk_duty", '"v2"', cap=5)
    await held_by(room, waits, "wk_duty")
    changed = await room.told("allocation.holder_changed", 2)
    assert [(e["data"]["from_worker_id"], e["data"]["holder_id"]) for e in changed] == [
        ("wk_duty", None),
        (None, "wk_duty"),
    ]


FRIEND = f"wk_{'0f' * 16}"
MANAGER_ACTS: dict[str, Any] = {
    "remove the worker": ("DELETE", "/v1/workers/wk_duty", None),
    "move the worker": ("PUT", "/v1/workers/wk_duty", {"host_agency_id": "ag_else"}),
    "bring a worker": ("PUT", f"/v1/workers/{FRIEND}", {}),
    "name who is on duty": ("PUT", "/v1/hubs/hub_north", {"duty_worker_id": FRIEND}),
}


async def test_a_marked_manager_does_not_place_the_case_by_moving_workers_nor_counts_it(
    room: Room,
) -> None:
    await room.hub()
    await room.worker("wk_duty")
    case = await room.refer("case", subject="sub_marked")
    await room.stands(case, "offered", "wk_duty")
    await room.mark("sub_marked", f"account:{room.account('manager')}")
    entries = {
        "workers": {
            **{"hub_id": "hub_north", "worker_role": "hub_worker", "areas": ["northtown"]},
            "host_setting": "hub",
        },
        "hubs": {"name": "North Hub", "areas": ["northtown"]},
    }

    for act, (method, path, change) in MANAGER_ACTS.items():
        body = None if change is None else {**entries[path.split("/")[2]], **change}
        answer = await room.ask("manager", method, path, json=body, headers={"If-Match": "*"})
        assert (answer.status_code, answer.json()["code"]) == (409, "somebody_else"), act
    line = f"{FRIEND},hub_north,hub_worker,northtown,hub"
    lines = f"worker_id,hub_id,worker_role,areas,host_setting\n{line}\n"
    imported = await room.ask(
        *("manager", "POST", "/v1/workers/import"),
        content=lines.encode(),
        headers={"Content-Type": "text/csv"},
    )
    assert imported.json()["lines"][0]["faults"] == ["line: somebody_else"]

    for path in ("/v1/workers/wk_duty", "/v1/workers"):
        found = (await room.ask("manager", "GET", path)).json()
        worker = found["workers"][0] if "workers" in found else found
        assert (worker["open_cases"], worker["caseload"]) == (0, 0), path
    assert (await room.ask("operator", "GET", "/v1/workers/wk_duty")).json()["open_cases"] == 1
    # When the case has ended, there is nothing left that they could place.
    await room.status(case, "withdrawn", "allocated", version=3)
    await room.stands(case, "closed")
    assert (await room.put_worker(FRIEND)).is_success
