"""Leave that workers ask for, through the outside: asked, decided on, withdrawn, forgotten."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest_asyncio
from pymongo import AsyncMongoClient

from shared.clock import now
from tests.harness.mongo import Mongo, drop
from tests.harness.room import HUB, PEOPLE, Room, opened

PEOPLE["one"] = {"role": "worker", "worker_id": "wk_one"}
PEOPLE["two"] = {"role": "worker", "worker_id": "wk_two"}
TWOFOLD = "/v1/workers/wk_one/leave-requests"


@pytest_asyncio.fixture
async def room(
    client: "AsyncMongoClient[Any]", mongo: Mongo, prefix: str, tmp_path: Path
) -> AsyncIterator[Room]:
    database = f"test_{prefix.strip('.')}"
    async with opened(client, mongo.url, database, tmp_path) as started:
        await started.hub()
        await started.worker("wk_one")
        await started.worker("wk_two")
        yield started
    await drop(client, database)


def days(first: int, last: int, **more: str) -> dict[str, str]:
    """From so many days from now to so many."""
    today = now().date()
    return {
        "start": str(today + timedelta(days=first)),
        "to": str(today + timedelta(days=last)),
        **more,
    }


async def asks(room: Room, first: int, last: int, who: str = "one", **more: str) -> httpx2.Response:
    path = f"/v1/workers/wk_{who}/leave-requests"
    return await room.ask(who, "POST", path, json=days(first, last, **more))


async def says(room: Room, by: str, request_id: str, word: str, **body: str) -> httpx2.Response:
    return await room.ask(by, "POST", f"{TWOFOLD}/{request_id}/{word}", json=body or None)


async def stands(room: Room, request_id: str) -> str:
    listed = (await room.ask("one", "GET", TWOFOLD)).json()["requests"]
    return str(next(each["status"] for each in listed if each["id"] == request_id))


async def test_leave_counts_from_when_a_manager_approves_it_and_not_before(room: Room) -> None:
    asked = await asks(room, 0, 3, kind="study")
    one = asked.json()["id"]
    again = await asks(room, 0, 3, kind="study")
    before = (await room.ask("one", "GET", "/v1/workers/wk_one")).json()

    waits = (await room.ask("manager", "GET", "/v1/leave-requests")).json()["requests"]
    approved = await says(room, "manager", one, "approval")
    twice = await says(room, "second", one, "approval")
    after = (await room.ask("one", "GET", "/v1/workers/wk_one")).json()

    assert (asked.status_code, again.json()["id"]) == (201, one), "the same again is the same"
    assert [each["id"] for each in waits] == [one]
    assert (before["available"], before["entry"]["leave"]) == (True, [])
    assert (approved.status_code, twice.status_code) == (200, 200)
    assert (after["available"], after["entry"]["leave"]) == (False, [days(0, 3, kind="study")])
    assert after["revision"] == before["revision"] + 1, "once, however often it is approved"
    assert (await room.ask("manager", "GET", "/v1/leave-requests")).json()["requests"] == []
    said = await room.told("worker.leave_decided")
    assert [(e["data"]["status"], e["data"]["before"]) for e in said] == [("approved", "waiting")]
    assert "study" not in str([e for e in room.events if "leave" in e["type"]])


async def test_a_manager_sees_what_a_leave_would_leave(room: Room) -> None:
    every_day = {
        "name": "always",
        "days": [*"monday tuesday wednesday thursday friday saturday sunday".split()],
        **{"start": "00:00", "end": "00:00", "worker_id": "wk_one"},
    }
    every_day["days"] = [*every_day["days"], "bank_holiday"]
    tag = {"If-Match": "*"}
    put = await room.ask(
        "manager", "PUT", f"/v1/hubs/{HUB}/rota", json={"spans": [every_day]}, headers=tag
    )
    assert put.status_code == 200, put.text
    await room.refer("case", "missing_episodes")
    await asks(room, 5, 9)
    await asks(room, 5, 9, "two")

    waits = (await room.ask("manager", "GET", "/v1/leave-requests")).json()["requests"]

    seen = {each["worker_id"]: each["uncovered"] for each in waits}
    assert seen["wk_two"] == [], "who is on no rota leaves no gap"
    (gap,) = seen["wk_one"]
    assert (gap["start"][:10] <= days(5, 9)["start"], gap["until"]) == (True, None)
    caseloads = {one: (await room.a_worker(one)).cases for one in ("wk_one", "wk_two")}
    assert {w["worker_id"]: w["open_cases"] for w in waits} == {
        one: len(cases) for one, cases in caseloads.items()
    }


async def test_nobody_approves_what_they_asked_for_and_nobody_decides_elsewhere(room: Room) -> None:
    # One person, with a token as a worker and one as a manager of the same Hub.
    PEOPLE["herself"] = {"role": "worker", "worker_id": "wk_one", "sub": "both"}
    PEOPLE["boss"] = {"role": "hub_manager", "hub_id": HUB, "sub": "both"}
    asked = await room.ask("herself", "POST", TWOFOLD, json=days(10, 12))
    one = asked.json()["id"]

    own = [await says(room, "boss", one, word, **body) for word, body in DECIDE]
    foreign = [await says(room, "stranger", one, word, **body) for word, body in DECIDE]
    other = await room.ask("two", "POST", f"{TWOFOLD}/{one}/withdrawal")

    assert {a.json()["code"] for a in own} == {"second_person_needed"}
    assert {a.status_code for a in (*foreign, other)} == {404}
    assert await stands(room, one) == "waiting"
    assert (await says(room, "manager", one, "approval")).status_code == 200


DECIDE: list[tuple[str, dict[str, str]]] = [("approval", {}), ("decline", {"reason": "no_cover"})]


async def test_of_many_who_decide_at_once_one_is_heard_and_the_entry_says_the_same(
    room: Room,
) -> None:
    for number in range(12):
        one = (await asks(room, 20 * number, 20 * number + 3)).json()["id"]
        acts = [
            says(room, "manager", one, "approval"),
            says(room, "second", one, "decline", reason="other_dates"),
            says(room, "one", one, "withdrawal"),
            says(room, "second", one, "approval"),
        ]
        random.shuffle(acts)
        answers = await asyncio.gather(*acts)

        assert {a.status_code for a in answers} <= {200, 409}, [a.text for a in answers]
        status = await stands(room, one)
        entry = (await room.ask("one", "GET", "/v1/workers/wk_one")).json()["entry"]
        away = days(20 * number, 20 * number + 3)["start"] in {e["start"] for e in entry["leave"]}
        assert away == (status == "approved"), (status, entry["leave"])
        ends = [
            e["data"]["status"]
            for e in room.events
            if e["type"] == "worker.leave_decided" and e["data"]["request_id"] == one
        ]
        # Approved leave may still be withdrawn: that is two turns, each said once.
        assert ends in ([status], ["approved", "withdrawn"]), ends


async def test_approved_leave_that_goes_is_said_whoever_takes_it_away(room: Room) -> None:
    withdrawn = (await asks(room, 5, 6)).json()["id"]
    begun = (await asks(room, 0, 1)).json()["id"]
    cancelled = (await asks(room, 15, 16)).json()["id"]
    waits = (await asks(room, 25, 26)).json()["id"]
    for one in (withdrawn, begun, cancelled):
        assert (await says(room, "manager", one, "approval")).status_code == 200

    early = await says(room, "one", withdrawn, "withdrawal")
    late = await says(room, "one", begun, "withdrawal")
    kept = (await room.ask("one", "GET", "/v1/workers/wk_one")).json()["entry"]
    kept["leave"] = [each for each in kept["leave"] if each["start"] != days(15, 16)["start"]]
    tag = {"If-Match": "*"}
    await room.ask("manager", "PUT", "/v1/workers/wk_one", json=kept, headers=tag)
    after = await stands(room, cancelled)
    await room.ask("manager", "DELETE", "/v1/workers/wk_one", headers=tag)
    stored = {each.id: each.status for each in (await room.a_worker("wk_one")).requests}

    assert (early.status_code, late.json()["code"]) == (200, "leave_has_begun")
    assert after == "cancelled"
    assert stored == {
        **{withdrawn: "withdrawn", begun: "approved", cancelled: "cancelled", waits: "cancelled"},
    }
    said = [(e["data"]["request_id"], e["data"]["status"]) for e in await decided(room, 6)]
    assert said[3:] == [
        *((withdrawn, "withdrawn"), (cancelled, "cancelled"), (waits, "cancelled")),
    ]


async def decided(room: Room, count: int) -> list[dict[str, Any]]:
    return await room.told("worker.leave_decided", count)


async def test_what_nobody_decides_on_is_said_again_and_lapses_when_it_is_over(room: Room) -> None:
    one = (await asks(room, 2, 4)).json()["id"]
    far = (await asks(room, 90, 91)).json()["id"]
    for count in (1, 2):
        await room.run_out(room.stores.workers, "wk_one", "leave_due", "undecided_at")
        (*_, last) = await room.told("worker.leave_undecided", count)
        assert last["data"]["request_id"] == one, "what begins first"
    # Time passes: the days of the first one are over.
    worker = await room.a_worker("wk_one")
    shifted = [
        request.model_copy(
            update={"start": request.start - timedelta(9), "to": request.to - timedelta(9)}
        ).model_dump()
        if request.id == one
        else request.model_dump()
        for request in worker.requests
    ]
    await room.stores.workers.collection.update_one(
        {"_id": "wk_one"}, {"$set": {"requests": shifted}}
    )
    await room.run_out(room.stores.workers, "wk_one", "leave_due", "undecided_at")
    (lapsed,) = await decided(room, 1)
    (*_, last) = await room.told("worker.leave_undecided", 3)

    assert (lapsed["data"]["request_id"], lapsed["data"]["status"]) == (one, "lapsed")
    assert last["data"]["request_id"] == far
    assert (await says(room, "manager", one, "approval")).json()["code"] == "leave_was_decided"
    due = (await room.a_worker("wk_one")).undecided_at
    assert due is not None
    assert due > now()


async def test_few_requests_of_one_worker_wait_at_once(room: Room) -> None:
    answers = [await asks(room, 10 * n, 10 * n + 1) for n in range(12)]

    assert [a.status_code for a in answers] == [201] * 10 + [409] * 2
    assert answers[-1].json()["code"] == "too_many_requests_for_leave"
    first = answers[0].json()["id"]
    assert (await says(room, "one", first, "withdrawal")).status_code == 200
    assert (await asks(room, 200, 201)).status_code == 201


async def test_days_that_make_no_leave_are_refused_and_a_year_of_asking_fits(room: Room) -> None:
    bad = [
        await asks(room, *span)
        for span in ((-2, 3), (731, 732), (5, 4), (1, 400))  # past, too far, turned round, too long
    ]
    for number in range(60):
        asked = await asks(room, number * 10, number * 10 + 2)
        assert asked.status_code == 201, asked.text
        word = random.choice(("approval", "decline", "withdrawal"))
        by, body = ("one", {}) if word == "withdrawal" else ("manager", dict(DECIDE)[word])
        done = await says(room, by, asked.json()["id"], word, **body)
        assert done.status_code == 200, done.text
        overlap = await asks(room, number * 10 + 1, number * 10 + 3)
        if word == "approval":
            assert overlap.json()["code"] == "leave_overlaps"
        else:
            assert overlap.status_code == 201, overlap.text
            await says(room, "one", overlap.json()["id"], "withdrawal")

    assert [a.status_code for a in bad] == [409, 409, 422, 422]
    assert len((await room.a_worker("wk_one")).requests) <= 50


async def test_what_nobody_was_planned_for_is_not_what_a_leave_leaves_uncovered(
    room: Room,
) -> None:
    kinds = [*"monday tuesday wednesday thursday friday saturday sunday bank_holiday".split()]
    span = {"name": "days", "days": kinds, "start": "09:00", "end": "17:00", "worker_id": "wk_one"}

    async def uncovered(**changes: str) -> list[dict[str, str]]:
        body, tag = {"spans": [{**span, **changes}]}, {"If-Match": "*"}
        put = await room.ask("manager", "PUT", f"/v1/hubs/{HUB}/rota", json=body, headers=tag)
        put.raise_for_status()
        (waits,) = (await room.ask("manager", "GET", "/v1/leave-requests")).json()["requests"]
        found: list[dict[str, str]] = waits["uncovered"]
        return found

    await asks(room, 5, 7)

    assert len(await uncovered()) == 3, "three days of work, and no night between them"
    assert await uncovered(stand_in_id="wk_two") == []
    assert await uncovered(cover="operators") == []


async def test_who_is_marked_decides_on_no_leave_and_counts_no_case_they_may_not_know_of(
    room: Room,
) -> None:
    await room.refer("case", "missing_episodes", subject="sub_one")
    await room.mark("sub_one", f"account:{room.account('second')}")
    asked = {who: (await asks(room, 5, 9, who)).json()["id"] for who in ("one", "two")}

    answers = [await says(room, "second", asked["one"], word, **body) for word, body in DECIDE]
    seen = {
        by: sum(
            each["open_cases"]
            for each in (await room.ask(by, "GET", "/v1/leave-requests")).json()["requests"]
        )
        for by in ("manager", "second")
    }

    assert {answer.json()["code"] for answer in answers} == {"somebody_else"}
    assert seen == {"manager": 1, "second": 0}
    assert await stands(room, asked["one"]) == "waiting"


async def test_who_amends_an_entry_that_they_read_before_an_approval_is_told_so(room: Room) -> None:
    tag = (await room.ask("manager", "GET", "/v1/workers/wk_one")).headers["etag"]
    one = (await asks(room, 5, 9)).json()["id"]
    assert (await room.put_worker("wk_one", tag, cap=10)).status_code == 200, "asking is no entry"
    tag = (await room.ask("manager", "GET", "/v1/workers/wk_one")).headers["etag"]
    await says(room, "manager", one, "approval")

    assert (await room.put_worker("wk_one", tag, cap=12)).status_code == 412
    assert len((await room.a_worker("wk_one")).leave) == 1


async def test_what_waits_goes_with_its_worker_to_another_hub(room: Room) -> None:
    hub = {"name": "South Hub", "areas": ["southtown"]}
    await room.ask("operator", "PUT", "/v1/hubs/hub_south", json=hub)
    one = (await asks(room, 5, 9)).json()["id"]
    moved = await room.put_worker("wk_one", "*", by="operator", hub_id="hub_south")
    assert moved.status_code == 200, moved.text

    before = (await room.ask("manager", "GET", "/v1/leave-requests")).json()["requests"]
    (waits,) = (await room.ask("stranger", "GET", "/v1/leave-requests")).json()["requests"]

    assert (before, waits["id"]) == ([], one)
    assert (await says(room, "manager", one, "approval")).status_code == 404
    assert (await says(room, "stranger", one, "approval")).status_code == 200
