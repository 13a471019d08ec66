"""One child, one worker: the cases of one young person are placed one after the other."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient

from services.allocation.assignment.queue import seek
from shared.clock import now
from shared.ids import derived_id
from shared.origin import Origin
from tests.conftest import SEED
from tests.harness.mongo import Mongo, drop
from tests.harness.room import Room, a_mark, opened
from tests.harness.waiting import until

CHILD = "sub_one"
ME = Origin("operator:test", "operator")
# With 4 codes of these a case weighs 5, without any 1.
SERIOUS = ("missing_episodes", "older_partner", "images_shared", "trafficking_concern")


@pytest_asyncio.fixture
async def room(
    client: "AsyncMongoClient[Any]", mongo: Mongo, prefix: str, tmp_path: Path
) -> AsyncIterator[Room]:
    database = f"test_{prefix.strip('.')}"
    async with opened(client, mongo.url, database, tmp_path) as started:
        await started.hub()
        yield started
    await drop(client, database)


async def together(room: Room, *keys: str, status: str, subject: str = CHILD) -> set[str | None]:
    """The workers of these cases, once all of them stand so."""
    return {(await room.stands(derived_id("ref", key), status)).worker_id for key in keys}


async def test_agencies_at_once_get_one_worker_and_the_child_counts_once(room: Room) -> None:
    for number in range(6):
        await room.worker(f"wk_{number}", cap=100)
    random_ = random.Random(SEED)
    keys = [(f"{child}/{n}", f"sub_{child}") for child in range(4) for n in range(3)]
    random_.shuffle(keys)

    await asyncio.gather(
        *(room.refer(key, subject=s, agency_id=f"ag_{key[-1]}") for key, s in keys)
    )

    for child in range(4):
        assert len(await together(room, *(f"{child}/{n}" for n in range(3)), status="offered")) == 1
    workers = await room.stores.workers.find({})
    assert sum(worker.caseload for worker in workers) == 4
    assert not [e for e in room.events if e["type"] == "allocation.escalated"]


async def test_where_the_first_waits_the_second_waits_with_it_and_both_go_to_one_worker(
    room: Room,
) -> None:
    await room.worker("wk_small", cap=2)
    serious = await room.refer("serious", *SERIOUS, subject=CHILD)
    await room.stands(serious, "waiting")
    # A practitioner finds it mild: alone it would fit now, but its sibling would not.
    await room.stores.subjects.collection.update_one({"_id": CHILD}, {"$set": {"level": "mild"}})
    await room.refer("mild", subject=CHILD)
    assert await together(room, "serious", "mild", status="waiting") == {None}

    await room.worker("wk_large", cap=10)

    assert await together(room, "serious", "mild", status="offered") == {"wk_large"}
    await room.caseloads(wk_small=0, wk_large=5)


async def test_what_adds_nothing_goes_to_their_worker_though_the_cap_is_full(room: Room) -> None:
    await room.worker("wk_one", cap=7)  # 5 within the soft cap
    await room.refer("first", *SERIOUS, subject=CHILD)
    assert await together(room, "first", status="offered") == {"wk_one"}
    await room.worker("wk_free", cap=100)

    await room.refer("second", *SERIOUS, subject=CHILD)

    assert await together(room, "first", "second", status="offered") == {"wk_one"}
    await room.caseloads(wk_one=5, wk_free=0)
    # The child counts until the last of the cases has ended.
    await room.status(derived_id("ref", "first"), "withdrawn", "allocated", version=3)
    await room.stands(derived_id("ref", "first"), "closed")
    await room.caseloads(wk_one=5)
    await room.status(derived_id("ref", "second"), "withdrawn", "allocated", version=3)
    await room.caseloads(wk_one=0)


async def test_cases_that_are_looked_at_at_once_choose_one_after_the_other(room: Room) -> None:
    for number in range(6):
        await room.worker(f"wk_{number}", active=False)
    ids = [await room.refer(key, subject=CHILD) for key in ("one", "two", "three")]
    await together(room, "one", "two", "three", status="waiting")
    back = {"$set": {"active": True, "room": 16}}  # nobody is told
    await room.stores.workers.collection.update_many({}, back)

    await asyncio.gather(*(seek(room.stores, referral_id, ME) for referral_id in ids))

    assert len(await together(room, "one", "two", "three", status="offered")) == 1


@pytest.mark.parametrize("by", ["mark", "plan"])
async def test_who_loses_the_child_loses_all_cases_and_they_go_to_one_worker(
    room: Room, by: str
) -> None:
    await room.worker("wk_first")
    keys = [f"case {number}" for number in range(3)]
    for key in keys:
        await room.refer(key, subject=CHILD)
    assert await together(room, *keys, status="offered") == {"wk_first"}
    for number in range(4):
        await room.worker(f"wk_{number}")

    if by == "mark":
        await room.mark(CHILD, "worker:wk_first")
    else:
        entry = {"worker_id": "wk_first", "reason": "worker_leaves"}
        plan = await room.ask("manager", "POST", "/v1/handover-plans", json=entry)
        path, tag = plan.headers["Location"], {"If-Match": plan.headers["ETag"]}
        await room.ask("manager", "POST", f"{path}/confirmation", headers=tag)

    await room.caseloads(wk_first=0)
    status = "offered" if by == "mark" else "handed_over"
    (worker_id,) = await together(room, *keys, status=status)
    await room.caseloads(**{str(worker_id): 1})
    assert not [e for e in room.events if e["type"] == "allocation.escalated"]


async def test_a_marked_worker_does_not_count_while_the_cases_are_being_taken_away(
    room: Room,
) -> None:
    await room.worker("wk_first")
    await room.stands(await room.refer("first", subject=CHILD), "offered", "wk_first")
    await room.worker("wk_next")
    await room.stores.marks.keep(a_mark(CHILD, "worker:wk_first"))  # known, and not seen to yet

    second = await room.refer("second", subject=CHILD)

    assert (await room.stands(second, "offered", "wk_next")).flags == ()


async def test_a_worker_on_leave_keeps_the_case_and_the_hub_hears_of_the_second_worker(
    room: Room,
) -> None:
    await room.worker("wk_away")
    first = await room.refer("first", subject=CHILD)
    await room.stands(first, "offered", "wk_away")
    leave = [{"start": "2020-01-01", "to": "2199-01-01"}]
    (await room.put_worker("wk_away", '"v1"', leave=leave)).raise_for_status()
    await room.worker("wk_here")

    second = await room.refer("second", subject=CHILD)

    assert (await room.stands(second, "offered", "wk_here")).flags == ("two_workers",)
    await room.stands(first, "offered", "wk_away")
    (told,) = await room.told("allocation.escalated")
    assert (told["data"]["referral_id"], told["data"]["reason"]) == (second, "two_workers")
    # The next goes to whoever has known the child for longest of those who may take it.
    third = await room.refer("third", subject=CHILD)
    await room.stands(third, "offered", "wk_here")


async def test_a_turn_whose_holder_died_blocks_nobody_for_longer_than_its_lease(room: Room) -> None:
    await room.worker("wk_one")
    await room.refer("first", subject=CHILD)
    over = now() + timedelta(seconds=1)
    turns = room.stores.turns._collection
    await turns.insert_one({"_id": CHILD, "by": "turn_dead", "until": over})

    second = await room.refer("second", subject=CHILD)

    assert now() >= over
    await room.stands(second, "offered", "wk_one")
    await until(lambda: _none_left(turns))


async def _none_left(turns: Any) -> bool:
    return bool(await turns.count_documents({}) == 0)


AWAY: dict[str, Any] = {"leave": [{"start": "2020-01-01", "to": "2199-01-01"}]}
# What has become of the worker who has the case, and of the one whom the manager names.
STATES: dict[str, dict[str, Any]] = {
    "as before": {},
    "on leave": AWAY,
    "removed": {"active": False},
    "of another area": {"areas": ["elsewhere"]},
    "over the cap": {"cap": 1},
}


async def left(room: Room, case: str) -> bool:
    return "worker_left" in (await room.stores.allocations.get(case)).flags


@pytest.mark.parametrize("giver", STATES)
async def test_a_manager_reassigns_whatever_has_become_of_the_worker(
    room: Room, giver: str
) -> None:
    for receiver, change in STATES.items():
        has, gets = f"wk_has_{len(receiver)}", f"wk_gets_{len(receiver)}"
        await room.worker(has, cap=100)
        case = await room.refer(receiver, *SERIOUS, subject=f"sub_{len(receiver)}")
        await room.stands(case, "offered", has)
        (await room.ask(has, "POST", f"/v1/allocations/{case}/acceptance")).raise_for_status()
        await room.worker(gets, **change)
        entry = {"cap": 100, **STATES[giver]}
        (await room.put_worker(has, '"v1"', by="operator", **entry)).raise_for_status()

        path = f"/v1/allocations/{case}"
        if giver == "removed":
            await until(partial(left, room, case), what=f"{case} being left behind")
        tag = {"If-Match": (await room.ask("manager", "GET", path)).headers["ETag"]}
        order = {"worker_id": gets, "reason": "worker_leaves"}
        answer = await room.ask("manager", "POST", f"{path}/assignment", json=order, headers=tag)

        refused = {"removed": "worker_not_here", "over the cap": "no_capacity"}.get(receiver)
        assert answer.json().get("code") == refused, (giver, receiver, answer.json())
        await room.stands(case, *(("accepted", has) if refused else ("handed_over", gets)))
        await room.caseloads(**{has: 5 if refused else 0, gets: 0 if refused else 5})
        if not refused:  # nobody is offered it again when they leave, below
            (await room.ask(gets, "POST", f"{path}/acceptance")).raise_for_status()
        for worker_id, entry in ((has, {"cap": 100, **STATES[giver]}), (gets, change)):
            tagged = (await room.ask("manager", "GET", f"/v1/workers/{worker_id}")).headers["ETag"]
            await room.put_worker(worker_id, tagged, **{**entry, "active": False})
