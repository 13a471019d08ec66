"""One life: what is done through either service, the referral and its allocation stand alike.

Random lives by the seed that the run prints; all commands of both APIs, some of them two at once.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from shared.ids import new_id
from tests.conftest import SEED
from tests.harness.alike import ALIKE
from tests.harness.cases import at_once
from tests.harness.mongo import Mongo
from tests.harness.network import a_referral
from tests.harness.waiting import until
from tests.harness.whole import Whole, whole

LIVES, STEPS = 4, 6
GOALS = [{"goal": "safety", "outcome": "achieved"}]

# Who does it, at which service, which step, with what. `worker` is the one who has the case.
COMMANDS: list[tuple[str, str, str, dict[str, Any]]] = [
    *[("manager", "referrals", step, {}) for step in ("screening", "acceptance")],
    *[("manager", "referrals", step, {}) for step in ("hold", "resumption")],
    *[("manager", "referrals", "closure", {"outcome": o}) for o in ("other", "goals_achieved")],
    ("manager", "referrals", "return", {"reason": "insufficient_information"}),
    ("manager", "referrals", "rejection", {"reason": "no_capacity"}),
    ("manager", "referrals", "signposting", {"reason": "needs_met_elsewhere"}),
    ("manager", "referrals", "withdrawal", {"reason": "moved_away"}),
    ("school", "referrals", "withdrawal", {"reason": "no_longer_needed"}),
    ("school", "referrals", "resubmission", {}),
    *[("school", "referrals", "reopening", {"reason": "new_information"})] * 4,
    ("manager", "referrals", "reopening", {"reason": "other"}),
    *[("worker", "allocations", "acceptance", {})] * 6,
    *[("worker", "allocations", "start", {})] * 4,
    *[("worker", "allocations", "hold", {"reason": "health"})] * 3,
    *[("worker", "allocations", "resume", {})] * 3,
    *[("manager", "allocations", step, {"reason": "health"}) for step in ("hold", "resume")],
    ("worker", "allocations", "decline", {"reason": "no_capacity"}),
    ("worker", "allocations", "closure", {"reason": "completed", "outcomes": GOALS}),
    ("manager", "allocations", "closure", {"reason": "moved_away"}),
]


@pytest_asyncio.fixture(scope="module")
async def services(mongo: Mongo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETRY_DELAYS", "[0.2, 0.5, 1]")
        async with whole(mongo.url, tmp_path_factory.mktemp("whole")) as made:
            yield made


@dataclass
class Life:
    """A referral, and everything that was done to it, with the answers."""

    services: Whole
    id: str
    done: list[str] = field(default_factory=list)

    async def stands(self) -> tuple[Any, Any, str | None]:
        """The state of the referral, of its allocation, and the worker who has it."""
        case = await self.services.ask("manager", "GET", f"/v1/allocations/{self.id}")
        seen = await self.services.ask("school", "GET", f"/v1/referrals/{self.id}")
        if case.is_error or seen.is_error:
            return "none", "none", None
        return seen.json()["status"], case.json()["status"], case.json()["worker_id"]

    async def alike(self) -> tuple[Any, Any, str | None]:
        """How they stand, once they agree. Fails with all that was done if they never do."""

        async def agree() -> tuple[Any, Any, str | None] | None:
            status, case, worker = await self.stands()
            return (status, case, worker) if case in ALIKE.get(status, frozenset()) else None

        try:
            return await until(agree, deadline=40) or ("", "", None)
        except AssertionError:
            stands = await self.stands()
            raise AssertionError(f"seed {SEED}: {stands} after {self.done}") from None

    async def take(self, command: tuple[str, str, str, dict[str, Any]], worker: str | None) -> int:
        """The status of the answer to a command."""
        who, service, step, body = command
        if who == "worker":
            me = worker or "wk_hub_one"
            self.services.tokens[me] = self.services.token(sub=me, role="worker", worker_id=me)
            who = me
        between = "/steps" if service == "referrals" else ""
        options: dict[str, Any] = {"json": body} if body or between else {}
        if step == "resume":
            options = {}
        answer = await self.services.ask(
            *(who, "POST", f"/v1/{service}/{self.id}{between}/{step}"),
            headers={"If-Match": "*"} if between else {},
            **options,
        )
        self.done.append(f"{who} {service}/{step} {answer.status_code}")
        assert answer.status_code < 500, (self.done, answer.text)
        return answer.status_code


async def begin(services: Whole, **changes: Any) -> Life:
    """A referral that was just sent."""
    key = new_id("key")
    posted = await services.ask(
        *("school", "POST", "/v1/referrals"),
        json=a_referral(agency_reference=key, urgency="same_day", **changes),
        headers={"Idempotency-Key": key},
    )
    return Life(services, posted.raise_for_status().json()["id"])


async def test_through_whichever_service_a_referral_and_its_allocation_stand_alike(
    services: Whole,
) -> None:
    taken: list[int] = []

    async def live(number: int) -> None:
        chance = random.Random(f"{SEED}/{number}")
        life = await begin(services)
        worker = None
        for _ in range(STEPS):
            # The first half is settled before each step; of the others some come two at once.
            if number % 2 == 0 or chance.random() < 0.5:
                _, _, worker = await life.alike()
            # Most of what is asked is refused: another is asked then.
            for _ in range(6):
                some = chance.sample(COMMANDS, 2 if number % 2 and chance.random() < 0.5 else 1)
                codes = await asyncio.gather(*(life.take(each, worker) for each in some))
                taken.extend(codes)
                if min(codes) < 300:
                    break
        await life.alike()

    await at_once(live, range(LIVES))
    print(f"seed {SEED}: {len(taken)} commands, {sum(code < 300 for code in taken)} carried out")


async def in_inbox(services: Whole, person: str, referral_id: str) -> list[tuple[str, str | None]]:
    """Of what kind somebody was told about a referral, and what with it."""
    answer = await services.ask(person, "GET", "/v1/notifications")
    page = answer.raise_for_status().json()["notifications"]
    return [(n["kind"], n["detail"]) for n in page if n["referral_id"] == referral_id]


async def test_news_reaches_the_worker_and_after_the_end_the_hub_which_reopens(
    services: Whole,
) -> None:
    life = await begin(services)
    _, _, worker = await life.alike()
    await life.take(("worker", "allocations", "acceptance", {}), worker)
    amendments = f"/v1/referrals/{life.id}/amendments"
    star = {"If-Match": "*"}

    async def amend(said: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        answer = await services.ask("school", "POST", amendments, json=said, headers=star)
        return answer.status_code, answer.json()

    async def told(person: str, kind: str, detail: str) -> bool:
        return (kind, detail) in await in_inbox(services, person, life.id)

    assert (await amend({"safe_contact": {"never_contact": ["mother"]}}))[0] == 200
    await until(lambda: told(worker or "", "case_news", "safe_contact"), deadline=30)

    await life.take(("manager", "referrals", "withdrawal", {"reason": "moved_away"}), None)
    await life.alike()
    await until(lambda: told("school", "referral_withdrawn", "moved_away"), deadline=30)
    code, problem = await amend({"urgency": "immediate"})
    assert (code, problem["code"]) == (409, "ended")
    assert (await amend({"narrative": "Synthetic text."}))[0] == 200
    await until(lambda: told("manager", "news_on_ended", "narrative"), deadline=30)

    again = await services.ask(
        "manager", "POST", problem["door"], json={"reason": "new_information"}, headers=star
    )
    assert again.status_code == 200
    await until(lambda: told("school", "referral_reopened", "new_information"), deadline=30)
