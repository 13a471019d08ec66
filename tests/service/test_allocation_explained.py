"""Random Hubs, workers and referrals: each decision has every worker of the Hub once, chosen or with
the gate that closed; of a large Hub those who were not looked at are counted."""

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient

from services.allocation.store import PAGE
from shared.events.codes import Setting, WorkerRole
from tests.conftest import SEED
from tests.harness.mongo import Mongo, drop
from tests.harness.room import Room, opened

AREAS = ("northtown", "southtown", "easttown")
CODES = ("missing_episodes", "older_partner", "images_shared", "trafficking_concern", "drug_use")
SETTINGS: tuple[Setting, ...] = ("hub", "police", "school")
ROLES: tuple[WorkerRole, ...] = ("hub_worker", "hub_worker", "spoke_worker", "hub_manager")
AGENCIES = ("ag_school", "ag_police")
SIZES = (0, 4, 12, PAGE - 1, PAGE, 47)
MOST = 14
# Each way that a decision comes about, and each gate that a worker can meet here.
WAYS = {"automatic", "duty", "manual", "nobody"}
GATES = {
    *("active", "not_on_leave", "role_may_take_level", "qualified", "area", "no_conflict"),
    *("setting_not_avoided", "safe_for_young_person", "not_declined", "within_cap"),
}


@dataclass
class Life:
    """What a test knows of a Hub and its workers, and what has come up so far."""

    room: Room
    dice: random.Random
    size: int
    workers: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    met: Counter[str] = field(default_factory=Counter)

    async def hub(self) -> None:
        """The Hub with its workers, and another one whose workers serve the same areas."""
        dice = self.dice
        demands = {"significant": {"qualifications": ["sw"], "experience_months": 24}}
        ids = [f"wk_{number:02d}" for number in range(self.size)]
        duty = dice.choice([*ids, None]) if ids else None
        await self.room.hub(areas=AREAS, demands=demands, duty_worker_id=duty)
        elsewhere = {"name": "South Hub", "areas": ["westtown"]}
        south = await self.room.ask("operator", "PUT", "/v1/hubs/hub_south", json=elsewhere)
        south.raise_for_status()
        for worker_id in ids:
            self.workers[worker_id] = self._worker()
            await self.room.worker(worker_id, **self.workers[worker_id])
        stranger: dict[str, Any] = {"hub_id": "hub_south", "areas": AREAS}
        (await self.room.put_worker("wk_south", by="operator", **stranger)).raise_for_status()

    def _worker(self) -> dict[str, Any]:
        dice = self.dice
        away = {"start": "2026-01-01", "kind": "study"}
        return {
            "worker_role": dice.choice(ROLES),
            "areas": dice.sample(AREAS, dice.choice([1, 1, 2])),
            "host_setting": dice.choice(SETTINGS),
            "host_agency_id": dice.choice([None, *AGENCIES]),
            "cap": dice.choice([0, 4, 10, 40]),
            "active": dice.random() < 0.9,
            "leave": [away] if dice.random() < 0.15 else [],
            "conflicts": [{"kind": "agency", "id": a} for a in AGENCIES if dice.random() < 0.15],
            "qualifications": ["sw"] if dice.random() < 0.4 else [],
            "experience_months": dice.choice([0, 30]),
        }

    async def case(self, number: int) -> None:
        """A referral, and what people do with it: decline, or give it to somebody else."""
        dice, room = self.dice, self.room
        subject = f"sub_{dice.randrange(4)}"
        if self.workers and dice.random() < 0.4:
            unsafe = (f"worker:{dice.choice(sorted(self.workers))}", "agency:ag_police")
            await room.mark(subject, *unsafe, version=number + 2)
        about = {
            "agency_id": dice.choice(AGENCIES),
            "area": dice.choice(AREAS),
            "urgency": dice.choice(["five_working_days", "same_day", "immediate"]),
            "settings_avoided": dice.sample(SETTINGS, dice.choice([0, 1, 2])),
        }
        codes = dice.sample(CODES, dice.randrange(len(CODES)))
        referral = await room.refer(f"{self.size}/{number}", *codes, subject=subject, **about)
        self.asked[referral] = about
        for _ in range(dice.randrange(3)):
            await dice.choice([self._decline, self._order])(referral)

    async def _decline(self, referral: str) -> None:
        stands = await self.room.stores.allocations.get(referral)
        if stands.status in ("offered", "handed_over"):
            path, why = f"/v1/allocations/{referral}/decline", {"reason": "no_capacity"}
            await self.room.ask(str(stands.worker_id), "POST", path, json=why)

    async def _order(self, referral: str) -> None:
        path = f"/v1/allocations/{referral}"
        tag = {"If-Match": (await self.room.ask("manager", "GET", path)).headers["ETag"]}
        order = {
            "worker_id": self.dice.choice([*self.workers, "wk_south"]),
            "reason": "young_persons_wish",
        }
        said = await self.room.ask("manager", "POST", f"{path}/assignment", json=order, headers=tag)
        assert said.status_code in (200, 409, 412), said.text

    async def check(self) -> None:
        """Every decision of every case."""
        for referral, about in self.asked.items():
            path = f"/v1/allocations/{referral}/explanation"
            answer = await self.room.ask("manager", "GET", path)
            decisions = answer.raise_for_status().json()["decisions"]
            assert decisions
            for decided in decisions:
                self._complete(decided["decision"], about["area"])
                self._said(decided)
                self._true(decided["decision"], about)
            again = await self.room.ask("manager", "POST", f"/v1/allocations/{referral}/replay")
            assert again.json()["same"]

    def _complete(self, decision: dict[str, Any], area: str) -> None:
        """Each worker of the Hub once, or counted once; nobody else."""
        listed = Counter(candidate["worker_id"] for candidate in decision["candidates"])
        assert set(listed) <= set(self.workers)
        assert set(listed.values()) <= {1}
        here = {w for w, entry in self.workers.items() if area in entry["areas"]}
        assert decision["beyond"] == len(here - set(listed))
        assert decision["elsewhere"] == len(set(self.workers) - here - set(listed))
        if self.size < PAGE:
            assert set(listed) == set(self.workers)
        assert decision["worker_id"] is None or decision["worker_id"] in listed

    def _said(self, decided: dict[str, Any]) -> None:
        """Each worker has a sentence; whoever did not pass, one with a reason."""
        decision, (first, *others) = decided["decision"], decided["sentences"]
        chosen = decision["worker_id"]
        self.met[decided["kind"] if chosen else "nobody"] += 1
        assert (chosen in first) if chosen else ("nobody" in first)
        for candidate in decision["candidates"]:
            worker_id = candidate["worker_id"]
            about = [line for line in others if line.startswith(f"{worker_id} ")]
            assert len(about) == (worker_id != chosen)
            closed = [gate["gate"] for gate in candidate["gates"] if not gate["passed"]]
            self.met.update(closed)
            if about and closed:
                assert about[0].startswith(f"{worker_id} was not chosen: the worker ")
            elif about:
                assert "could have taken it" in about[0] or "the last room" in about[0]

    def _true(self, decision: dict[str, Any], about: dict[str, Any]) -> None:
        """The gates that follow from an entry are as it says."""
        for candidate in decision["candidates"]:
            entry = self.workers[candidate["worker_id"]]
            gates = {gate["gate"]: gate["passed"] for gate in candidate["gates"]}
            conflicts = [conflict["id"] for conflict in entry["conflicts"]]
            assert gates["active"] == entry["active"]
            assert gates["not_on_leave"] == (not entry["leave"])
            assert gates["area"] == (about["area"] in entry["areas"])
            avoided = entry["host_setting"] in about["settings_avoided"]
            assert gates["setting_not_avoided"] == (not avoided)
            assert gates["no_conflict"] == (about["agency_id"] not in conflicts)


async def test_every_worker_of_the_hub_is_in_every_decision_once_or_counted(
    client: "AsyncMongoClient[Any]", mongo: Mongo, prefix: str, tmp_path: Path
) -> None:
    met: Counter[str] = Counter()
    for number in range(MOST):
        if number >= len(SIZES) and set(met) >= WAYS | GATES:
            return
        dice = random.Random(f"{SEED}/{number}")
        size = SIZES[number] if number < len(SIZES) else dice.randrange(60)
        database = f"test_{prefix.strip('.')}_{number}"
        async with opened(client, mongo.url, database, tmp_path) as room:
            life = Life(room, dice, size)
            await life.hub()
            for case in range(8):
                await life.case(case)
            await life.check()
            met += life.met
        await drop(client, database)
    assert set(met) >= WAYS | GATES, f"never came: {(WAYS | GATES) - set(met)}"
