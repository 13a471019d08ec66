"""People at work while everything fails: referrals are posted, cases accepted, referrals withdrawn.

Each does what a careful client does: it repeats what was not answered, under the same key.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.faults.stage import Stage
from tests.harness.network import a_referral
from tests.harness.waiting import PATIENCE

MARK = "ZQXFAULT"
URGENCIES = ("immediate", "same_day", "one_working_day", "ten_working_days")
# No more wait for their worker at once: the store of this machine sets the pace, not the test.
BACKLOG = 40
STAR = {"If-Match": "*"}


@dataclass
class History:
    """What was asked and what was answered. `accepted`: key → id, of every 201."""

    asked: set[str] = field(default_factory=set)
    accepted: dict[str, str] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    repeated: int = 0


class Load:
    """So many people who refer at once, until `stop` is set or each key of `count` is answered."""

    def __init__(self, stage: Stage, random_: random.Random) -> None:
        self.stage, self.random, self.history = stage, random_, History()
        self.stop = asyncio.Event()
        self._number = 0

    async def run(self, people: int) -> None:
        """Refer until told to stop; what was begun is brought to its end."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(people):
                tasks.create_task(self._person())

    async def _person(self) -> None:
        while not self.stop.is_set():
            await self._room()
            self._number += 1
            number = self._number
            referral_id = await self._refer(f"fault-{number}", number)
            chance = self.random.random()
            if chance < 0.3:
                await self._accept(referral_id)
            elif chance < 0.4:
                await self._withdraw(referral_id)

    async def _room(self) -> None:
        """Until not too many wait. Where the store is away nobody knows, and nobody waits."""
        while not self.stop.is_set():
            try:
                referrals = self.stage.mongo_of("referral")["referrals"]
                waiting = await referrals.count_documents({"status": "received"}, limit=BACKLOG)
            except Exception:  # it was killed a moment ago
                waiting = BACKLOG
            if waiting < BACKLOG:
                return
            await asyncio.sleep(0.2)  # pacing, not waiting

    async def _refer(self, key: str, number: int) -> str:
        child = {"name": f"{MARK} Child {number}", "date_of_birth": _born(number)}
        body = a_referral(
            agency_reference=key,
            urgency=self.random.choice(URGENCIES),
            subject=child,
            narrative=f"{MARK} synthetic text",
            settings_avoided=[],
        )
        self.history.asked.add(key)
        headers = {"Idempotency-Key": key}

        async def post() -> httpx2.Response:
            return await self.stage.ask(
                "school", "POST", "/v1/referrals", json=body, headers=headers
            )

        answer = await self._insisting(post, {201})
        self.history.accepted[key] = answer.json()["id"]
        return str(answer.json()["id"])

    async def _accept(self, referral_id: str) -> None:
        path = f"/v1/allocations/{referral_id}"

        async def find() -> httpx2.Response:
            return await self.stage.ask("manager", "GET", path)

        found = await self._insisting(find, {200, 404}, tries=40)
        worker = found.json().get("worker_id") if found.status_code == 200 else None
        if not worker or found.json()["status"] != "offered":
            return

        async def accept() -> httpx2.Response:
            token = self.stage.issue(sub=worker, role="worker", worker_id=worker)
            headers = {"Authorization": f"Bearer {token}", **STAR}
            url = f"{self.stage.modules['allocation'].url}{path}/acceptance"
            return await self.stage.http.post(url, headers=headers)

        answer = await self._insisting(accept, {200, 404, 409})
        if answer.status_code == 200:
            self.history.taken.add(referral_id)

    async def _withdraw(self, referral_id: str) -> None:
        path = f"/v1/referrals/{referral_id}/steps/withdrawal"

        async def withdraw() -> httpx2.Response:
            return await self.stage.ask(
                "school", "POST", path, json={"reason": "moved_away"}, headers=STAR
            )

        answer = await self._insisting(withdraw, {200, 409})
        if answer.status_code == 200:
            self.history.withdrawn.add(referral_id)

    async def _insisting(
        self, ask: Callable[[], Awaitable[httpx2.Response]], wanted: set[int], tries: int = 0
    ) -> Any:
        """The first answer that is one of these. Broken connections, 429 and 503 are tried again; any
        other answer is a fault."""
        last: object = None
        for _ in range(tries or int(600 * PATIENCE)):
            try:
                answer = await ask()
            except (httpx2.HTTPError, KeyError) as error:
                last = repr(error)
            else:
                if answer.status_code in wanted:
                    return answer
                last = f"{answer.status_code} {answer.text[:300]}"
                assert answer.status_code in (429, 503), last
            self.history.repeated += 1
            await asyncio.sleep(0.1 + 0.4 * self.random.random())  # pacing, as a client paces
        raise AssertionError(f"never answered as it should: {last}")


def _born(number: int) -> str:
    """Birth dates spread over years: children who are alike are not what is tested here."""
    return f"{2009 + number % 7}-{1 + number // 7 % 12:02}-{1 + number // 84 % 28:02}"
