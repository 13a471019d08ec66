"""Questions before there is a case: the Hub of the area hears and answers, who asked hears of it, nobody
else reads it, and where nobody answers the next one is told."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from shared.clock import now
from shared.ids import new_id
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import SERVICES, Network, running
from tests.harness.waiting import until

MARK = "Sandmartin"
# Who stands to a question of the school to the Hub of the north: its workers and managers answer.
MAY = ("school", "worker", "other_worker", "manager")
MAY_NOT = ("police", "health", "stranger", "other_manager", "auditor", "operator")


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("advice")) as started:
        await started.load_sample()
        await started.quiet()
        yield started


async def post(network: Network, who: str, path: str, body: Any, key: str | None = None) -> Any:
    headers = {"Idempotency-Key": key or new_id("key")}
    return await network.ask(who, "POST", path, json=body, headers=headers)


async def a_question(network: Network, text: str = MARK, **changes: Any) -> str:
    entry = {"area": "northtown", "theme": "online", "text": text, **changes}
    answer = await post(network, "school", "/v1/advice", entry)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def told(network: Network, who: str, kind: str, one: str) -> bool:
    inbox = await network.ask(who, "GET", "/v1/notifications?limit=100")
    return any((n["kind"], n["about_id"]) == (kind, one) for n in inbox.json()["notifications"])


async def test_a_question_is_answered_and_both_sides_hear(network: Network) -> None:
    one = await a_question(network)
    path = f"/v1/advice/{one}"
    await network.quiet()
    assert await told(network, "manager", "advice_asked", one)
    assert (
        await post(network, "worker", f"{path}/messages", {"text": f"{MARK} answer"})
    ).is_success
    await network.quiet()
    assert await told(network, "school", "advice_answered", one)

    for who in MAY:
        shown = (await network.ask(who, "GET", path)).json()
        assert [(m["side"], m["text"]) for m in shown["messages"]] == [
            ("asker", MARK),
            ("hub", f"{MARK} answer"),
        ], who
        listed = (await network.ask(who, "GET", "/v1/advice")).json()["advice"]
        assert one in [each["id"] for each in listed], who
    for who in MAY_NOT:
        refused = await network.ask(who, "GET", path)
        assert (refused.status_code, MARK in refused.text) == (404, False), who
        written = await post(network, who, f"{path}/messages", {"text": "x"})
        assert written.status_code == 404, who
    await network.quiet()
    events = [
        entry["leaf"]["event"]
        for entry in (await network.ask("auditor", "GET", "/v1/trail?limit=500")).json()["entries"]
    ]
    looks = [e for e in events if e["type"] == "advice.viewed" and e["data"]["advice_id"] == one]
    assert len(looks) == len(MAY)


async def test_its_words_are_nowhere_but_sealed(network: Network) -> None:
    await a_question(network, f"{MARK} sealed")
    await network.quiet()

    for service in SERVICES:
        database = network.mongo_of(service)
        for name in await database.list_collection_names():
            async for document in database[name].find({}):
                assert MARK not in repr(document), (service, name)


async def test_the_same_request_is_one_question_and_one_message(network: Network) -> None:
    entry = {"area": "northtown", "theme": "signs", "text": MARK}
    first, again = [await post(network, "school", "/v1/advice", entry, "one") for _ in range(2)]
    assert first.json() == again.json()
    other = await post(network, "school", "/v1/advice", {**entry, "text": "x"}, "one")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    path = f"/v1/advice/{first.json()['id']}"
    for _ in range(2):
        await post(network, "manager", f"{path}/messages", {"text": MARK}, "two")
    assert len((await network.ask("manager", "GET", path)).json()["messages"]) == 2


async def test_where_no_hub_would_hear_it_the_asker_hears_so(network: Network) -> None:
    entry = {"area": "nowhere", "theme": "signs", "text": MARK}
    answer = await post(network, "school", "/v1/advice", entry)
    assert (answer.status_code, answer.json()["code"]) == (409, "area_not_served")
    assert "999" in answer.json()["detail"]


async def test_a_question_becomes_a_referral_of_the_same_agency_and_ends(network: Network) -> None:
    one = await a_question(network)
    referral_id = (await network.refer("after advice")).json()["id"]
    path = f"/v1/advice/{one}"
    for wrong in (f"ref_{32 * '0'}",):
        body = {"outcome": "became_referral", "referral_id": wrong}
        assert (await post(network, "school", f"{path}/closure", body)).status_code == 404
    body = {"outcome": "became_referral", "referral_id": referral_id}
    for _ in range(2):
        closed = await post(network, "school", f"{path}/closure", body)
        assert (closed.json()["status"], closed.json()["referral_id"]) == ("closed", referral_id)
    late = await post(network, "manager", f"{path}/messages", {"text": MARK})
    assert (late.status_code, late.json()["code"]) == (409, "advice_closed")


async def test_where_nobody_answers_in_time_the_next_one_is_told(network: Network) -> None:
    one = await a_question(network)
    await network.quiet()
    collection = network.mongo_of("referral")["advice"]
    for reminders in (1, 2):
        past = now() - timedelta(seconds=1)
        due = {"$set": {"answer_by": past, "answer_due": past}}
        await collection.update_one({"_id": one}, due)

        async def reminded(count: int = reminders) -> bool:
            found = await collection.find_one({"_id": one})
            return bool(found and found["reminders"] == count)

        await until(reminded, deadline=30, what="the reminder")
    await network.quiet()
    assert await told(network, "manager", "advice_unanswered", one)
    assert await told(network, "operator", "advice_unanswered", one)


async def test_its_words_and_their_key_go_when_their_time_has_come(network: Network) -> None:
    one = await a_question(network)
    database, past = network.mongo_of("referral"), now() - timedelta(seconds=1)
    due = {"$set": {"destroyed_at": past, "destruction_due": past}}
    await database["advice"].update_one({"_id": one}, due)

    async def gone() -> bool:
        return await database["vault"].find_one({"keyAltNames": one}) is None

    await until(gone, deadline=30, what="the key being gone")
    shown = (await network.ask("school", "GET", f"/v1/advice/{one}")).json()
    assert [m["text"] for m in shown["messages"]] == [None]


async def test_few_questions_are_not_counted(network: Network) -> None:
    for who, query in (("manager", ""), ("auditor", "?hub_id=hub_north")):
        shown = (await network.ask(who, "GET", f"/v1/advice/summary{query}")).json()
        assert all(q["by_theme"] == {"cells": {}, "total": None} for q in shown["quarters"])
    for who in ("school", "worker", "operator"):
        assert (await network.ask(who, "GET", "/v1/advice/summary")).status_code == 403
