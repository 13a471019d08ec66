"""Whoever is marked as unsafe for a young person gets no case of theirs, keeps none and reads none."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from fastapi.routing import APIRoute
from pymongo import AsyncMongoClient

from services.allocation.app import ROUTERS
from services.allocation.safety.process import protect
from shared.ids import derived_id
from shared.messaging.bus import Message
from shared.origin import Origin
from tests.harness.mongo import Mongo, drop
from tests.harness.room import HUB, Room, a_mark, opened
from tests.harness.waiting import until

POLICE = "ag_police"
ODD = "odd|MANAGER@example.org"
# Every route about one case, with a body that is well-formed.
BODIES: dict[str, Any] = {
    "": None,
    "/explanation": None,
    "/risk": None,
    "/replay": None,
    "/judgement": {"level": "mild", "reason": "known_history"},
    "/reassessment": None,
    "/acceptance": None,
    "/decline": {"reason": "no_capacity"},
    "/start": None,
    "/hold": {"reason": "other"},
    "/resume": None,
    "/closure": {"reason": "ended_early"},
    "/review": None,
    "/debrief": {"outcome": "held"},
    "/assignment": {"worker_id": "wk_other", "reason": "workload"},
    "/assignment/confirmation": None,
}
ROOT = "/v1/allocations/{allocation_id}"


@pytest_asyncio.fixture
async def room(
    client: "AsyncMongoClient[Any]", mongo: Mongo, prefix: str, tmp_path: Path
) -> AsyncIterator[Room]:
    database = f"test_{prefix.strip('.')}"
    async with opened(client, mongo.url, database, tmp_path) as started:
        await started.hub(areas=["northtown", "nobodys"])
        yield started
    await drop(client, database)


def subject_of(key: str) -> str:
    return derived_id("sub", key)


async def explained(room: Room, referral_id: str) -> dict[str, Any]:
    answer = await room.ask("manager", "GET", f"/v1/allocations/{referral_id}/explanation")
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def gates(explanation: dict[str, Any], worker_id: str) -> dict[str, bool]:
    candidates = explanation["decisions"][-1]["decision"]["candidates"]
    (one,) = [c for c in candidates if c["worker_id"] == worker_id]
    return {gate["gate"]: gate["passed"] for gate in one["gates"]}


async def test_a_marked_worker_loses_the_case_and_the_next_one_has_it(room: Room) -> None:
    await room.worker("wk_near")
    referral = await room.refer("one")
    await room.stands(referral, "offered", "wk_near")
    await room.worker("wk_other")

    await room.mark(subject_of("one"), "worker:wk_near")

    await room.stands(referral, "offered", "wk_other")
    await room.caseloads(wk_near=0, wk_other=1)
    taken = (await room.told("allocation.taken_away"))[0]["data"]
    assert (taken["from_worker_id"], taken["worker_id"]) == ("wk_near", None)
    explanation = await explained(room, referral)
    assert not gates(explanation, "wk_near")["safe_for_young_person"]
    assert any("wk_near was not chosen" in s for s in explanation["decisions"][-1]["sentences"])
    known_to = explanation["decisions"][-1]["decision"]["case"]["known_to"]
    assert known_to == [], "to have worked with them speaks for nobody who is unsafe"


async def test_continuity_gives_the_next_referral_to_nobody_who_is_unsafe(room: Room) -> None:
    await room.worker("wk_near")
    first = await room.refer("first", subject="sub_one")
    await room.stands(first, "offered", "wk_near")
    await room.worker("wk_other")
    await room.mark("sub_one", "worker:wk_near")

    second = await room.refer("second", subject="sub_one")

    await room.stands(second, "offered", "wk_other")
    again = await room.ask("manager", "POST", f"/v1/allocations/{second}/replay")
    assert again.json()["same"]


@pytest.mark.parametrize("first", ["mark", "host"])
async def test_a_worker_whom_an_unsafe_agency_hosts_is_unsafe(room: Room, first: str) -> None:
    host = {"worker_role": "spoke_worker", "host_setting": "police", "host_agency_id": POLICE}
    await room.worker("wk_near", **(host if first == "host" else {}))
    referral = await room.refer("hosted")
    await room.stands(referral, "offered", "wk_near")
    await room.worker("wk_other")

    if first == "host":
        await room.mark(subject_of("hosted"), f"agency:{POLICE}")
    else:
        await room.mark(subject_of("hosted"), f"agency:{POLICE}")
        await room.stands(referral, "offered", "wk_near")
        entry = await room.ask("manager", "GET", "/v1/workers/wk_near")
        answer = await room.put_worker("wk_near", entry.headers["ETag"], "operator", **host)
        assert answer.is_success, answer.text

    await room.stands(referral, "offered", "wk_other")
    await room.caseloads(wk_near=0, wk_other=1)
    assert (await room.ask("wk_near", "GET", f"/v1/allocations/{referral}")).status_code == 404


async def test_a_mark_that_comes_while_the_worker_is_chosen_still_takes_the_case(
    room: Room,
) -> None:
    await room.worker("wk_near")
    referral = await room.refer("race")
    allocation = await room.stands(referral, "offered", "wk_near")
    # The mark is known, and whoever heard of it found no case of that worker yet.
    event = a_mark(subject_of("race"), "worker:wk_near")
    await room.stores.marks.keep(event)

    await protect(room.stores, allocation, Origin.of_service("allocation"))

    waits = await room.stands(referral, "waiting")
    assert waits.worker_id is None
    await room.caseloads(wk_near=0)


async def test_the_duty_worker_who_is_unsafe_gets_and_holds_nothing(room: Room) -> None:
    await room.worker("wk_duty", worker_role="hub_manager")
    entry = await room.ask("operator", "GET", f"/v1/hubs/{HUB}")
    hub = {"name": "North Hub", "areas": ["northtown"], "duty_worker_id": "wk_duty"}
    headers = {"If-Match": entry.headers["ETag"]}
    put = await room.ask("operator", "PUT", f"/v1/hubs/{HUB}", json=hub, headers=headers)
    assert put.is_success
    held = await room.refer("held")
    assert (await room.stands(held, "waiting")).holder_id == "wk_duty"

    await room.mark(subject_of("held"), "worker:wk_duty")
    await room.mark(subject_of("urgent"), "worker:wk_duty")
    urgent = await room.refer("urgent", urgency="immediate")

    assert (await room.stands(urgent, "waiting")).worker_id is None

    async def nobody() -> bool:
        found = [await room.stores.allocations.get(each) for each in (held, urgent)]
        return [a.holder_id for a in found] == [None, None]

    await until(nobody, deadline=10, what="the Hub's managers holding both")
    changed = await room.told("allocation.holder_changed")
    assert {e["data"]["from_worker_id"] for e in changed} == {"wk_duty"}
    reasons = {e["data"]["reason"] for e in await room.told("allocation.escalated")}
    assert "immediate_without_worker" in reasons


async def test_nobody_can_order_a_case_to_an_unsafe_worker(room: Room) -> None:
    await room.worker("wk_near")
    await room.worker("wk_other", areas=["nobodys"])
    referral = await room.refer("ordered")
    await room.stands(referral, "offered", "wk_near")
    await room.mark(subject_of("ordered"), "worker:wk_other")
    entry = await room.ask("manager", "GET", f"/v1/allocations/{referral}")

    for exceed in (False, True):
        order = {"worker_id": "wk_other", "reason": "workload", "exceed_hard_cap": exceed}
        answer = await room.ask(
            "manager",
            "POST",
            f"/v1/allocations/{referral}/assignment",
            json=order,
            headers={"If-Match": entry.headers["ETag"]},
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "worker_unsafe")

    assert (await room.stands(referral, "offered", "wk_near")).order is None
    await room.caseloads(wk_other=0)


async def test_a_plan_does_not_show_or_move_what_its_manager_may_not_read(room: Room) -> None:
    await room.worker("wk_near")
    cases = [await room.refer(f"plan{number}") for number in range(2)]
    for case in cases:
        await room.stands(case, "offered", "wk_near")
    entry = {"worker_id": "wk_near", "reason": "worker_leaves"}
    earlier = await room.ask(ODD, "POST", "/v1/handover-plans", json=entry)
    await room.mark(subject_of("plan0"), f"account:{room.account(ODD)}")

    hidden = await room.ask(ODD, "GET", earlier.headers["Location"])
    confirmed = await room.ask(
        ODD,
        "POST",
        f"{earlier.headers['Location']}/confirmation",
        headers={"If-Match": earlier.headers["ETag"]},
    )
    later = await room.ask(ODD, "POST", "/v1/handover-plans", json=entry)

    assert len(earlier.json()["moves"]) == 2
    assert (hidden.status_code, confirmed.status_code) == (404, 404)
    assert [move["referral_id"] for move in later.json()["moves"]] == [cases[1]]


async def test_a_lifted_mark_gives_back_the_reading_and_not_the_case(room: Room) -> None:
    await room.worker("wk_near")
    referral = await room.refer("lifted")
    await room.stands(referral, "offered", "wk_near")
    account = f"account:{room.account('manager')}"
    await room.mark(subject_of("lifted"), account, "worker:wk_near")
    await room.stands(referral, "waiting")
    blind = await room.ask("manager", "GET", f"/v1/allocations/{referral}")

    await room.mark(subject_of("lifted"), version=3)

    seen = await room.ask("manager", "GET", f"/v1/allocations/{referral}")
    gone = await room.ask("wk_near", "GET", f"/v1/allocations/{referral}")
    assert (blind.status_code, seen.status_code, gone.status_code) == (404, 200, 404)
    assert (await room.stands(referral, "waiting")).worker_id is None


async def test_a_late_mark_changes_nothing_after_a_newer_one(room: Room) -> None:
    await room.worker("wk_near")
    referral = await room.refer("late")
    await room.stands(referral, "offered", "wk_near")

    await room.mark(subject_of("late"), version=4)
    await room.mark(subject_of("late"), "worker:wk_near", version=3)
    await room.bus.publish(Message.of(a_mark(subject_of("late"), version=4).body()))

    await room.stands(referral, "offered", "wk_near")


async def test_a_referral_found_to_be_about_somebody_else_is_taken_from_who_is_unsafe_for_them(
    room: Room,
) -> None:
    await room.worker("wk_near")
    referral = await room.refer("moved")
    await room.stands(referral, "offered", "wk_near")
    await room.mark("sub_other", "worker:wk_near")
    await room.stands(referral, "offered", "wk_near")

    await room.amend("moved", version=2, subject_id="sub_other")

    await room.stands(referral, "waiting")
    await room.caseloads(wk_near=0)


Step = Callable[[Room, str], Any]


async def _nothing(room: Room, referral: str) -> None:
    """As it was placed."""


def _step(*steps: str) -> Step:
    async def walk(room: Room, referral: str) -> None:
        for step in steps:
            body = BODIES[f"/{step}"]
            options = {} if body is None else {"json": body}
            path = f"/v1/allocations/{referral}/{step}"
            (await room.ask("wk_near", "POST", path, **options)).raise_for_status()

    return walk


WHEN: dict[str, Step] = {
    "before": _nothing,
    "offered": _nothing,
    "accepted": _step("acceptance"),
    "in_progress": _step("acceptance", "start"),
    "on_hold": _step("acceptance", "start", "hold"),
    "waiting": _nothing,
    "closed": _step("acceptance", "start", "closure"),
}
# Who is marked, under which name, and who then tries.
MARKED = {
    "worker on the case": ("worker:wk_near", "wk_near"),
    "agency that hosts them": (f"agency:{POLICE}", "wk_near"),
    "another worker of the Hub": ("worker:wk_other", "wk_other"),
    "manager": ("account", "manager"),
    "manager with an odd subject": ("account", ODD),
}


@pytest.mark.parametrize("marked", MARKED)
async def test_whoever_is_marked_whenever_reads_nothing_and_does_nothing(
    room: Room, marked: str
) -> None:
    all_routes = [route for router in ROUTERS for route in router.routes]
    routes = [r for r in all_routes if isinstance(r, APIRoute) and r.path.startswith(ROOT)]
    assert {r.path.removeprefix(ROOT) for r in routes} == set(BODIES), "a route without a row"
    host = {"worker_role": "spoke_worker", "host_setting": "police", "host_agency_id": POLICE}
    await room.worker("wk_near", cap=100, **host)
    name, person = MARKED[marked]
    name = f"account:{room.account(person)}" if name == "account" else name
    wrong: list[str] = []
    for when, walk in WHEN.items():
        key = f"{marked}/{when}"
        area = "nobodys" if when == "waiting" else "northtown"
        if when == "before":
            await room.mark(subject_of(key), name)
        referral = await room.refer(key, area=area)
        await walk(room, referral)
        await room.mark(subject_of(key), name)
        if name.startswith(("worker:wk_near", "agency")):
            await room.stands(referral, "closed" if when == "closed" else "waiting")
        before = await room.stores.allocations.get(referral)
        for route in routes:
            suffix = route.path.removeprefix(ROOT)
            (method,) = route.methods or {"GET"}
            options = {} if BODIES[suffix] is None else {"json": BODIES[suffix]}
            headers = {"If-Match": f'"{before.version}"'}
            path = f"/v1/allocations/{referral}{suffix}"
            answer = await room.ask(person, method, path, headers=headers, **options)
            if answer.status_code not in (403, 404):
                wrong.append(f"{when}: {method} {suffix}: {answer.status_code}")
        listed = (await room.ask(person, "GET", "/v1/allocations")).json()["allocations"]
        wrong += [f"{when}: listed" for one in listed if one["id"] == referral]
        after = await room.stores.allocations.get(referral)
        assert (after.status, after.worker_id, after.level) == (
            before.status,
            before.worker_id,
            before.level,
        )
    assert not wrong
    await room.caseloads(
        wk_near=0
        if name.startswith(("worker:wk_near", "agency"))
        else (await room.a_worker("wk_near")).caseload
    )
