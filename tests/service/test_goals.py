"""Goals: in the young person's words, which are read by the worker on the case and the Hub alone and
are nowhere else; each has an outcome before the case is closed. Lives of chance, by the seed that the
run prints."""

import random
from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest
import pytest_asyncio

from shared.events.codes import GoalArea, GoalOutcome, GoalProgress
from shared.ids import new_id
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, SERVICES, Network, running
from tests.harness.waiting import until

MARKER = "Zebrafinch"


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("goals")) as started:
        await started.load_sample()
        await started.quiet()
        yield started
    for person in [name for name in PEOPLE if name.startswith("its_")]:
        PEOPLE.pop(person)


async def post(
    network: Network, who: str, path: str, body: Any = None, key: str | None = None, tag: str = "*"
) -> Any:
    headers = {"Idempotency-Key": key or new_id("key"), "If-Match": tag}
    return await network.ask(who, "POST", path, json=body, headers=headers)


async def a_case(network: Network, key: str) -> tuple[str, str]:
    """A referral that a worker has accepted, and who they are."""
    sent = await network.refer(key, subject={"name": f"Child {key}", "date_of_birth": "2012-05-17"})
    one = str(sent.raise_for_status().json()["id"])

    async def placed() -> str:
        case = await network.ask("manager", "GET", f"/v1/allocations/{one}")
        return str(case.json()["worker_id"] or "") if case.is_success else ""

    worker = await until(placed, deadline=30, what=f"a worker for {key}")
    who = f"its_{worker}"
    PEOPLE[who] = {"sub": worker, "role": "worker", "worker_id": worker}
    accepted = await network.ask(who, "POST", f"/v1/allocations/{one}/acceptance")
    assert accepted.is_success, accepted.text
    await network.quiet()
    return one, who


async def a_goal(network: Network, who: str, case: str, **changes: Any) -> dict[str, Any]:
    entry = {"area": random.choice(get_args(GoalArea)), "words": f"{MARKER} {random.random()}"}
    answer = await post(network, who, f"/v1/referrals/{case}/goals", {**entry, **changes})
    assert answer.status_code == 201, answer.text
    return {**entry, **changes, **answer.json()}


async def read(network: Network, who: str, case: str) -> Any:
    return await network.ask(who, "GET", f"/v1/referrals/{case}/goals")


async def test_goals_are_read_as_they_were_agreed_and_every_look_is_an_entry(
    network: Network,
) -> None:
    case, worker = await a_case(network, "agreed")
    made = [await a_goal(network, random.choice((worker, "manager")), case) for _ in range(5)]
    for goal in made:
        goal["said"] = random.choices(get_args(GoalProgress), k=random.randint(0, 3))
        for progress in goal["said"]:
            path = f"/v1/referrals/{case}/goals/{goal['id']}/reviews"
            assert (await post(network, worker, path, {"progress": progress})).status_code == 201

    for who in (worker, "manager"):
        shown = (await read(network, who, case)).json()["goals"]
        assert [(g["id"], g["area"], g["words"]) for g in shown] == [
            (g["id"], g["area"], g["words"]) for g in made
        ]
        assert [[r["progress"] for r in g["reviews"]] for g in shown] == [g["said"] for g in made]
        assert {g["outcome"] for g in shown} == {None}
    for who in ("school", "police", "other_worker", "other_manager", "auditor", "operator"):
        refused = await read(network, who, case)
        assert (refused.status_code, MARKER in refused.text) == (404, False), who
    await network.quiet()
    trail = await network.ask(
        "auditor", "GET", "/v1/trail", params={"referral_id": case, "limit": 200}
    )
    sentences = [str(entry["says"]) for entry in trail.json()["entries"]]
    assert sum("viewed the goals of" in one for one in sentences) == 2
    assert sum("agreed a goal of" in one for one in sentences) == len(made)


async def test_the_words_are_nowhere_but_sealed(network: Network) -> None:
    case, worker = await a_case(network, "sealed")
    await a_goal(network, worker, case)
    await network.quiet()

    for service in SERVICES:
        database = network.mongo_of(service)
        for name in await database.list_collection_names():
            async for document in database[name].find({}):
                assert MARKER not in repr(document), (service, name)
    listed = await network.ask("school", "GET", f"/v1/referrals/{case}")
    assert MARKER not in listed.text
    assert MARKER not in (await network.ask(worker, "GET", f"/v1/allocations/{case}")).text


async def test_the_same_request_is_one_goal_and_one_review(network: Network) -> None:
    case, worker = await a_case(network, "again")
    path, entry = f"/v1/referrals/{case}/goals", {"area": "safety", "words": MARKER}
    first, again = [await post(network, worker, path, entry, "one") for _ in range(2)]
    assert first.json() == again.json()
    other = await post(network, worker, path, {**entry, "words": "other"}, "one")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    reviews = f"{path}/{first.json()['id']}/reviews"
    for _ in range(2):
        answer = await post(network, worker, reviews, {"progress": "closer"}, "two")
    assert len(answer.json()["reviews"]) == 1
    stale = await post(network, worker, path, entry, "three", tag=first.headers["ETag"])
    assert stale.status_code == 412


async def test_a_case_is_closed_once_every_goal_has_its_outcome(network: Network) -> None:
    for number in range(3):
        case, worker = await a_case(network, f"closed{number}")
        made = [await a_goal(network, worker, case) for _ in range(random.randint(1, 5))]
        outcomes = {g["id"]: random.choice(get_args(GoalOutcome)) for g in made}
        before = random.sample(sorted(outcomes), random.randint(0, len(outcomes) - 1))
        for goal in before:
            body = {"outcome": outcomes[goal]}
            closed = await post(network, worker, f"/v1/referrals/{case}/goals/{goal}/closure", body)
            assert closed.json()["outcome"] == outcomes[goal]
        await network.quiet()
        left = sorted(set(outcomes) - set(before))
        given = [{"goal_id": goal, "outcome": outcomes[goal]} for goal in left]
        path = f"/v1/allocations/{case}/closure"
        reason = random.choice(("completed", "moved_away", "turned_18"))

        lacking = await network.ask(
            worker, "POST", path, json={"reason": reason, "outcomes": given[1:]}
        )
        assert (lacking.status_code, lacking.json()["code"]) == (409, "goals_open")
        assert lacking.json()["goals"] == left[0]
        done = await network.ask(worker, "POST", path, json={"reason": reason, "outcomes": given})
        assert done.is_success, done.text
        told = {one["goal_id"]: one["outcome"] for one in done.json()["outcomes"]}
        assert told == outcomes

        async def ended(case: str = case, outcomes: dict[str, str] = outcomes) -> bool:
            shown = (await read(network, "manager", case)).json()["goals"]
            return {g["id"]: g["outcome"] for g in shown} == outcomes

        await until(ended, deadline=30, what="the goals to end with the case")


async def test_goals_are_agreed_while_a_worker_has_the_case_and_go_with_the_erasure(
    network: Network,
) -> None:
    case, worker = await a_case(network, "erased")
    goal = await a_goal(network, worker, case)
    steps = f"/v1/referrals/{case}/steps"
    gone = await post(network, "school", f"{steps}/withdrawal", {"reason": "moved_away"})
    assert gone.is_success, gone.text
    await network.quiet()
    entry = {"area": "safety", "words": MARKER}
    late = await post(network, "manager", f"/v1/referrals/{case}/goals", entry)
    assert (late.status_code, late.json()["code"]) == (409, "not_from_here")

    erased = await post(
        network, "manager", f"/v1/referrals/{case}/erasure", {"reason": "right_to_erasure"}
    )
    assert erased.is_success, erased.text
    shown = (await read(network, "manager", case)).json()["goals"]
    assert [(g["id"], g["words"]) for g in shown] == [(goal["id"], None)]
    kept = await network.mongo_of("referral")["referrals"].find_one({"_id": case}) or {}
    assert (kept["goals"][0]["words"], kept["goals"][0]["asked"]) == (None, None)
