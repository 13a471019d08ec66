"""Intelligence reports: whoever may not read one is told that it is not there, conditions go with what
is shown, each look and each refusal is an event first, and what is destroyed can't be read or found.
Readers, reporters and handling codes by chance, by the seed that the run prints."""

import os
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, get_args

import httpx2
import pytest
import pytest_asyncio

from services.referral.intelligence.report import REPORT_ENDS_DUE, REVIEW_DUE
from shared.clock import now
from shared.events.intelligence import Assessment, Handling, SourceGrade
from shared.ids import new_id
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, Network, running
from tests.harness.waiting import until

SEED = int(os.environ["SEED"])
MARK = "ZQXINTEL"
COORDINATORS = {
    "north_coordinator": {"sub": "co_north", "role": "coordinator", "area_id": "northtown"},
    "west_coordinator": {"sub": "co_west", "role": "coordinator", "area_id": "westby"},
}
REPORTERS = ("school", "police", "stranger", "worker", "north_coordinator")
READERS = (
    *REPORTERS,
    "west_coordinator",
    "health",
    "other_worker",
    "manager",
    "auditor",
    "operator",
)
CAR = {"kind": "vehicle", "role": "suspect", "values": {"registration": "AB12 CDE"}}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    PEOPLE.update(COORDINATORS)
    async with running(broker, mongo, tmp_path_factory.mktemp("intelligence")) as started:
        await started.load_sample()
        await started.quiet()
        yield started
    for person in COORDINATORS:
        PEOPLE.pop(person)


def an_entry(**changes: Any) -> dict[str, Any]:
    handling = changes.pop("handling", "P")
    conditions = f"{MARK} tell nobody" if handling == "C" else ""
    said = {"text": f"{MARK} waits outside", "source": "2", "assessment": "B", "area": "northtown"}
    return {**said, "handling": handling, "conditions": conditions, "mentions": [CAR], **changes}


async def report(network: Network, who: str, key: str | None = None, **changes: Any) -> Any:
    headers = {"Idempotency-Key": key or new_id("key")}
    entry = an_entry(**changes)
    return await network.ask(who, "POST", "/v1/intelligence", json=entry, headers=headers)


async def test_who_reports_and_who_reads_by_chance(network: Network) -> None:
    rng = random.Random(SEED)
    for _ in range(12):
        who, area = rng.choice(REPORTERS), rng.choice(("northtown", "westby"))
        grade = {"source": rng.choice(get_args(SourceGrade))}
        grade["assessment"] = rng.choice(get_args(Assessment))
        handling = rng.choice(get_args(Handling))
        sent = await report(network, who, area=area, handling=handling, **grade)
        assert sent.status_code == 201, sent.text
        path = sent.headers["location"]
        may = {who, "manager", "north_coordinator" if area == "northtown" else "west_coordinator"}
        for reader in rng.sample(READERS, 5):
            read = await network.ask(reader, "GET", path)
            assert read.status_code == (200 if reader in may else 404), (
                f"{who} {reader} {read.text}"
            )
            if read.is_success:
                shown = read.json()
                assert shown["handling"] == handling
                assert bool(shown["conditions"]) == (handling == "C")
                assert shown["mentions"][0]["values"]["registration"] == "AB12 CDE"
                assert read.headers["cache-control"] == "no-store"
            else:
                nothing = await network.ask(reader, "GET", f"/v1/intelligence/rep_{32 * '0'}")
                assert [read.json()[n] for n in ("code", "title")] == [
                    nothing.json()[n] for n in ("code", "title")
                ]


async def test_the_same_request_is_one_report_and_each_look_an_event(network: Network) -> None:
    sent = [await report(network, "school", "twice") for _ in range(2)]
    other = await report(network, "school", "twice", source="1")
    assert sent[0].json() == sent[1].json()
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    one = sent[0].json()["id"]
    await network.ask("school", "GET", f"/v1/intelligence/{one}")
    await network.ask("stranger", "GET", f"/v1/intelligence/{one}")
    await network.quiet()

    entries = network.mongo_of("audit")["entries"]
    every = [str(document["leaf"]) async for document in entries.find()]
    leaves = [leaf for leaf in every if one in leaf]
    told = [kind for kind in ("reported", "viewed", "refused") if any(kind in x for x in leaves)]
    assert told == ["reported", "viewed", "refused"]
    assert not any(MARK in leaf or "AB12" in leaf for leaf in leaves)
    stored = await network.mongo_of("referral")["reports"].find_one({"_id": one}) or {}
    assert MARK not in str(stored)
    assert "AB12" not in str(stored)
    assert len(stored["nodes"]) == 2


async def test_lists_show_ones_own_and_those_of_ones_area_page_by_page(network: Network) -> None:
    for _ in range(3):
        await report(network, "stranger")
    ids, cursor = [], ""
    while True:
        path = f"/v1/intelligence?limit=2{cursor}"
        page = (await network.ask("stranger", "GET", path)).json()
        ids += [each["id"] for each in page["reports"]]
        assert MARK not in str(page)
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    collection = network.mongo_of("referral")["reports"]
    own = {d["_id"] async for d in collection.find({"agency_id": "ag_elsewhere"})}
    assert (set(ids), len(ids)) == (own, len(own))
    west = (await network.ask("west_coordinator", "GET", "/v1/intelligence?limit=100")).json()
    assert {each["area"] for each in west["reports"]} <= {"westby"}


async def test_nobody_names_a_referral_that_they_may_not_read(network: Network) -> None:
    sent = (await network.refer("named")).json()["id"]
    await network.quiet()
    for who, status in (("school", 201), ("manager", 403), ("police", 404), ("stranger", 404)):
        answer = await report(network, who, referral_id=sent)
        assert answer.status_code == status, f"{who}: {answer.text}"


async def test_what_is_taken_back_is_found_no_more_and_an_erasure_takes_what_names_the_child(
    network: Network,
) -> None:
    child = (await network.refer("to-be-erased")).json()["id"]
    await network.quiet()
    one = (await report(network, "school")).json()["id"]
    two = (await report(network, "school", referral_id=child)).json()["id"]
    back = await network.ask(
        *("school", "POST", f"/v1/intelligence/{one}/withdrawal"),
        json={"reason": "withdrawn"},
        headers={"If-Match": "*"},
    )
    assert back.json()["status"] == "withdrawn"
    reports = network.mongo_of("referral")["reports"]
    assert (await reports.find_one({"_id": one}) or {})["nodes"] == []
    tag = {"If-Match": "*"}
    withdrawn = {"json": {"reason": "no_longer_needed"}, "headers": tag}
    path = f"/v1/referrals/{child}"
    await network.ask("school", "POST", f"{path}/steps/withdrawal", **withdrawn)
    gone = {"json": {"reason": "right_to_erasure"}, "headers": tag}
    erased = await network.ask("manager", "POST", f"{path}/erasure", **gone)
    assert erased.is_success, erased.text
    await network.quiet()

    left = await reports.find_one({"_id": two}) or {}
    assert (left["status"], left["sealed"], left["nodes"]) == ("destroyed", {}, [])
    vault = network.mongo_of("referral")["vault"]
    assert await vault.find_one({"keyAltNames": two}) is None
    shown = (await network.ask("north_coordinator", "GET", f"/v1/intelligence/{two}")).json()
    assert (shown["text"], shown["mentions"][0]["values"]) == (None, None)


async def _run_out(network: Network, report_id: str, timer: str, field: str) -> None:
    past = now() - timedelta(minutes=1)
    reports = network.mongo_of("referral")["reports"]
    await reports.update_one({"_id": report_id}, {"$set": {timer: past, field: past}})


@pytest.mark.parametrize("point", ["intelligence.after_record", ""])
async def test_its_time_ends_it_whatever_crashes_and_a_review_is_asked_for_before(
    network: Network, point: str
) -> None:
    one = (await report(network, "school")).json()["id"]
    await _run_out(network, one, REVIEW_DUE, "review_at")
    reports, vault = (network.mongo_of("referral")[name] for name in ("reports", "vault"))

    async def reminded() -> bool:
        found = await reports.find_one({"_id": one}) or {}
        return bool(found["version"] > 1)

    process = await network.replace(
        "referral", **({"FAULTS": "1", "FAULT": point} if point else {})
    )
    await until(reminded, deadline=30, what="the question whether it is needed")
    await _run_out(network, one, REPORT_ENDS_DUE, "destroyed_at")
    if point:
        await until(lambda: not process.running, deadline=30, what="dying")
        await network.replace("referral")

    async def gone() -> bool:
        return await vault.find_one({"keyAltNames": one}) is None

    await until(gone, deadline=30, what="the end of its key")
    assert (await reports.find_one({"_id": one}) or {})["sealed"] == {}


async def test_a_request_that_died_half_way_is_one_report_when_it_comes_again(
    network: Network,
) -> None:
    process = await network.replace("referral", FAULTS="1", FAULT="intelligence.after_key")
    with pytest.raises(httpx2.HTTPError):
        await report(network, "school", "died")
    await until(lambda: not process.running, deadline=20, what="dying")
    await network.replace("referral")

    again = [await report(network, "school", "died") for _ in range(2)]
    assert {answer.status_code for answer in again} == {201}
    assert len({answer.json()["id"] for answer in again}) == 1
