"""Two children taken for one, or one for two: cases, risk, capacity and marks follow the referral."""

import os
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from pymongo import AsyncMongoClient

from services.allocation.records import HELD, OPEN, Allocation
from services.allocation.risk.subject import respond
from shared.events import Event
from shared.events.subject import SubjectRelinked
from shared.ids import derived_id
from shared.messaging.bus import Message
from tests.conftest import SEED
from tests.harness.mongo import Mongo, drop
from tests.harness.room import Room, a_mark, opened
from tests.harness.waiting import until

ONE, TWO = "sub_one", "sub_two"
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


async def quiet(room: Room) -> None:
    """Until everything that happened has been published, and so handled."""
    stores = room.stores

    async def nothing_left() -> bool:
        for store in (stores.allocations, stores.workers, stores.subjects, stores.plans):
            if await store.collection.find_one({"outbox_due": {"$exists": True}}, {"_id": 1}):
                return False
        return True

    for _ in range(2):
        await until(nothing_left, deadline=20, what="all outboxes being empty")


async def two_joined(room: Room) -> tuple[str, str]:
    """A case of each of two, with a worker each; then the second is found to be about the first."""
    await room.worker("wk_one")
    first = await room.refer("first", "drug_use", subject=ONE, agency_id="ag_one")
    await room.stands(first, "offered", "wk_one")
    tagged = (await room.ask("manager", "GET", "/v1/workers/wk_one")).headers["ETag"]
    away = [{"start": "2020-01-01"}]
    (await room.put_worker("wk_one", tagged, leave=away)).raise_for_status()
    await room.worker("wk_two")
    second = await room.refer("second", *SERIOUS, subject=TWO, agency_id="ag_two")
    await room.stands(second, "offered", "wk_two")
    tagged = (await room.ask("manager", "GET", "/v1/workers/wk_one")).headers["ETag"]
    (await room.put_worker("wk_one", tagged)).raise_for_status()

    await room.amend("second", *SERIOUS, version=2, subject=ONE, agency_id="ag_two")
    await quiet(room)
    return first, second


async def test_joined_two_workers_stay_and_the_hub_hears_once_and_the_next_goes_to_the_first(
    room: Room,
) -> None:
    first, second = await two_joined(room)

    await room.stands(first, "offered", "wk_one")
    both = await room.stands(second, "offered", "wk_two")
    assert both.flags == ("two_workers",)
    told = [e["data"] for e in room.events if e["type"] == "allocation.escalated"]
    told = [data for data in told if data["reason"] == "two_workers"]
    assert [(data["referral_id"], data["subject_id"]) for data in told] == [(second, ONE)]
    third = await room.refer("third", subject=ONE)
    await room.stands(third, "offered", "wk_one")
    await room.caseloads(wk_one=5, wk_two=5)  # the third weighs what the child is answered with


async def test_parted_each_case_shows_and_counts_what_its_own_child_is_known_by(room: Room) -> None:
    first, second = await two_joined(room)
    joined = await room.stores.allocations.get(first)
    assert joined.level == "significant"
    decided = joined.decisions

    await room.amend("second", *SERIOUS, version=3, subject="sub_new", agency_id="ag_two")
    await quiet(room)

    alone, other = [await room.stores.allocations.get(i) for i in (first, second)]
    assert (alone.level, other.level) == ("none_apparent", "significant")
    assert _agencies(alone) == {"ag_one"}
    assert _agencies(other) == {"ag_two"}
    assert other.flags == ()
    assert alone.decisions == decided, "what was decided stays"
    subjects = {i: await room.stores.subjects.get(i) for i in (ONE, TWO, "sub_new")}
    assert {i: len(s.concerns) for i, s in subjects.items()} == {ONE: 1, TWO: 0, "sub_new": 4}
    assert (await room.told("risk.recomputed", 2))[-1]["data"]["from_level"] == "significant"
    # A late event of before says nothing of the first child.
    await room.amend("second", *SERIOUS, version=2, subject=ONE, agency_id="ag_two")
    assert len((await room.stores.subjects.get(ONE)).concerns) == 1
    fourth = await room.refer("fourth", subject="sub_new")
    await room.stands(fourth, "offered", "wk_two")


async def test_parted_only_the_mark_of_ones_own_child_counts_and_what_waits_is_placed(
    room: Room,
) -> None:
    await room.worker("wk_near")
    first = await room.refer("first", subject=ONE)
    second = await room.refer("second", subject=ONE)
    await room.mark(ONE, "worker:wk_near", version=2)
    for referral in (first, second):
        await room.stands(referral, "waiting")

    # The mark was of the second referral, which is about somebody else.
    await room.mark(TWO, "worker:wk_near", version=1)
    await room.amend("second", version=2, subject=TWO)
    said = {**dict(a_mark(ONE).data), "from_subject_id": ONE, "to_subject_id": TWO}
    parted = a_mark(ONE, version=3).model_dump() | {
        "type": "subject.relinked",
        "dataschema": "urn:hub-and-spoke:subject.relinked:1",
        "data": SubjectRelinked.model_validate(
            {n: said[n] for n in SubjectRelinked.model_fields if n in said}
        ),
    }
    event = Event[SubjectRelinked].model_validate(parted)
    await room.bus.publish(Message.of(event.body()))

    await room.stands(first, "offered", "wk_near")
    await room.stands(second, "waiting")
    await room.caseloads(wk_near=1)


async def test_whatever_is_referred_joined_parted_marked_and_left_each_case_is_of_its_child(
    room: Room,
) -> None:
    for life in range(int(os.environ.get("LIVES", "2"))):
        await Life(room, random.Random(f"{SEED}/{life}"), f"life{life}").live(22)


class Life:
    """Children and workers to whom things happen; what must hold is looked at now and then."""

    def __init__(self, room: Room, random_: random.Random, name: str) -> None:
        self.room, self.random, self.name = room, random_, name
        self.about: dict[str, str] = {}
        self.versions: defaultdict[str, int] = defaultdict(int)
        self.codes: dict[str, list[str]] = {}
        # A mark belongs to the referral through which it was made.
        self.marks: dict[str, set[str]] = {}
        self.workers = [f"wk_{name}_{n}" for n in range(4)]
        self.steps: list[str] = []

    async def live(self, steps: int) -> None:
        for worker_id in self.workers:
            await self.room.worker(worker_id, cap=self.random.choice((8, 40)))
        for _ in range(steps):
            step = self.random.choice(
                (self.refer, self.refer, self.move, self.move, self.mark, self.leave, self.plan)
            )
            await step()
            if self.random.random() < 0.5:
                await quiet(self.room)
        await quiet(self.room)
        await self.check()

    async def refer(self) -> None:
        key = f"{self.name}/{len(self.about)}"
        child = f"sub_{self.name}_{self.random.randrange(3)}"
        self.steps.append(f"refer {key} {child}")
        self.about[key], self.marks[key] = child, set()
        self.codes[key] = self.random.sample(SERIOUS, self.random.randrange(4))
        self.versions[key] = 1
        await self.room.refer(
            key, *self.codes[key], subject=child, agency_id=f"ag_{len(self.about)}"
        )

    async def move(self) -> None:
        if not self.about:
            return
        key = self.random.choice(sorted(self.about))
        was, to = self.about[key], f"sub_{self.name}_{self.random.randrange(4)}"
        self.steps.append(f"move {key} {was} {to}")
        self.about[key] = to
        for child in (to, was):
            await self._tell_marks(child)
        self.versions[key] += 1
        agency = f"ag_{int(key.rpartition('/')[2]) + 1}"
        await self.room.amend(
            key, *self.codes[key], version=self.versions[key], subject=to, agency_id=agency
        )

    async def mark(self) -> None:
        if not self.about:
            return
        key = self.random.choice(sorted(self.about))
        self.marks[key] ^= {f"worker:{self.random.choice(self.workers)}"}
        self.steps.append(f"mark {key} {self.marks[key]}")
        await self._tell_marks(self.about[key])

    async def leave(self) -> None:
        worker_id = self.random.choice(self.workers)
        away = self.random.random() < 0.5
        self.steps.append(f"leave {worker_id} {away}")
        leave = [{"start": "2020-01-01", "to": "2199-01-01"}] if away else []
        tag = (await self.room.ask("manager", "GET", f"/v1/workers/{worker_id}")).headers["ETag"]
        (await self.room.put_worker(worker_id, tag, leave=leave, cap=40)).raise_for_status()

    async def plan(self) -> None:
        worker_id = self.random.choice(self.workers)
        self.steps.append(f"plan {worker_id}")
        entry = {"worker_id": worker_id, "reason": "worker_absent"}
        plan = await self.room.ask("manager", "POST", "/v1/handover-plans", json=entry)
        path, tag = plan.headers["Location"], {"If-Match": plan.headers["ETag"]}
        await self.room.ask("manager", "POST", f"{path}/confirmation", headers=tag)

    async def _tell_marks(self, child: str) -> None:
        self.versions[child] += 1
        names = set().union(*(m for key, m in self.marks.items() if self.about[key] == child))
        await self.room.mark(child, *sorted(names), version=self.versions[child])

    async def check(self) -> None:
        life = f"seed {SEED}, {self.name}: {self.steps}"
        stores = self.room.stores
        ids = {derived_id("ref", key): key for key in self.about}
        cases = {i: await stores.allocations.get(i) for i in ids}
        held: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
        for worker in await stores.workers.find({}, limit=1000):
            for one in worker.cases:
                held[one.referral_id].append((worker.id, one.subject_id))
        agency = {i: f"ag_{int(key.rpartition('/')[2]) + 1}" for i, key in ids.items()}
        for referral_id, case in cases.items():
            child = self.about[ids[referral_id]]
            own = {i for i, key in ids.items() if self.about[key] == child}
            subject = await stores.subjects.get(child)
            assert case.subject_id == child, life
            assert {i for i, told in subject.reported.items() if told.here} == own, life
            assert {c.agency_id for c in subject.concerns} <= {agency[i] for i in own}, life
            assert case.level == respond(subject, case.urgency, stores.policy), life
            assert _agencies(case) <= {agency[i] for i in own}, life
            has = [(case.worker_id, child)] if case.status in HELD else []
            assert held[referral_id] == has, life
            unsafe = set().union(*(self.marks[ids[i]] for i in own))
            assert f"worker:{case.worker_id}" not in unsafe, life
        self._one_worker(cases, life)

    def _one_worker(self, cases: dict[str, Allocation], life: str) -> None:
        """One child, one worker; two only where the Hub was told of it."""
        told = {
            e["data"]["subject_id"]
            for e in self.room.events
            if e["type"] == "allocation.escalated"
            # A plan that finds no receiver for one of the cases says so.
            and e["data"]["reason"] in ("two_workers", "handover_without_receiver")
        }
        workers: dict[str, set[str | None]] = defaultdict(set)
        for case in cases.values():
            assert case.status in OPEN
            if case.status in HELD:
                workers[case.subject_id].add(case.worker_id)
        for child, theirs in workers.items():
            assert len(theirs) == 1 or child in told, f"{child} has {theirs}: {life}"


def _agencies(case: Allocation) -> set[str]:
    return {agency for c in case.assessment.contributions for agency in c.agencies}
