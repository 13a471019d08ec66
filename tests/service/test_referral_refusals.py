"""A referral that is refused has changed nothing; a step that crashed is finished."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from allinone import sample
from services.referral.sharing.speakers import MATCHED
from shared.events.allocation import AllocationMade
from shared.ids import new_id
from tests.golden.__main__ import sample as event_sample
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, a_referral, running, sent_by
from tests.harness.waiting import until
from tests.harness.young_people import COMPARED

YES = {
    "status": "given",
    "categories": ["existence", "concerns"],
    "given_by": "young_person",
    "gillick_competent": True,
}
FAULTY = {**YES, "gillick_competent": "yes"}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    folder = tmp_path_factory.mktemp("refusals")
    async with running(broker, mongo, folder, ["referral", "audit"]) as started:
        await started.load_referral_sample()
        yield started


async def everything(network: Network) -> dict[str, list[dict[str, Any]]]:
    """Every document of the referral service, once nothing is on its way."""
    await network.quiet()
    database = network.mongo_of("referral")
    names = sorted(await database.list_collection_names())
    return {name: await database[name].find().sort("_id").to_list() for name in names}


async def post(network: Network, key: str, document: Any) -> httpx2.Response:
    headers = {"Idempotency-Key": key}
    return await network.ask("school", "POST", "/v1/referrals", json=document, headers=headers)


def refused_ones(seed: int) -> list[tuple[str, dict[str, Any], int]]:
    """Key, document, status: referrals that can't be taken, each with something to leave behind."""
    chance = random.Random(seed)
    asked = [(f"other-{seed}", {"agency_reference": "known"}, 409), ("known", {}, 422)]
    asked += [(f"faulty-{seed}", {"agency_reference": f"faulty-{seed}"}, 422)]
    made = []
    for key, changes, status in asked:
        consents = [YES] * chance.randint(1, 3)
        if key.startswith("faulty"):
            consents.insert(chance.randint(1, len(consents)), FAULTY)
        subject = chance.choice(
            [
                {"name": "Known Child", "date_of_birth": "2012-05-17"},
                {"name": f"New Child {seed}", "date_of_birth": "2013-05-17"},
                {"name": f"No Date {seed}"},
            ]
        )
        document = a_referral(consents=consents, subject=subject, **changes)
        document["service_agreement"] = chance.choice(["agreed", "declined", "not_asked"])
        made.append((key, document, status))
    return made


async def test_a_refused_referral_changes_nothing(network: Network) -> None:
    known = {"name": "Known Child", "date_of_birth": "2012-05-17"}
    first = await post(network, "known", a_referral(agency_reference="known", subject=known))
    assert first.status_code == 201
    before = await everything(network)

    for seed in range(8):
        print("seed", seed)
        for key, document, status in refused_ones(seed):
            answer = await post(network, key, document)
            assert answer.status_code == status, answer.text

    assert await everything(network) == before


async def test_one_reference_by_many_at_once_is_one_referral(network: Network) -> None:
    def one(number: int) -> dict[str, Any]:
        child = {"name": f"Child Number {number}", "date_of_birth": "2011-02-03"}
        return a_referral(agency_reference="raced", subject=child, consents=[YES])

    answers = await asyncio.gather(*(post(network, f"race-{n}", one(n)) for n in range(8)))

    assert sorted(a.status_code for a in answers)[0] == 201
    assert {a.status_code for a in answers} <= {201, 409, 503}
    await network.quiet()
    database = network.mongo_of("referral")
    stored = await database["referrals"].find({"area": "northtown"}).to_list()
    ids = {r["subject_id"] for r in stored}
    # Nobody else's consent was recorded: every young person there is has a referral.
    assert {s["_id"] for s in await database["subjects"].find().to_list()} <= ids


@pytest.mark.parametrize(
    "point",
    [
        "intake.after_reservation",
        "intake.after_person",
        "intake.after_subject",
        "intake.after_key",
    ],
)
async def test_an_intake_that_died_is_finished_by_the_same_request(
    network: Network, point: str
) -> None:
    document = a_referral(
        agency_reference=point, subject={"name": f"Child {point}"}, consents=[YES]
    )
    process = await network.replace("referral", FAULTS="1", FAULT=point)
    with pytest.raises(httpx2.HTTPError):
        await post(network, point, document)
    await until(lambda: not process.running, deadline=20, what=f"dying at {point}")
    await network.replace("referral")

    elsewhere = await post(network, f"{point}-2", document)
    again = await post(network, point, document)

    # Somebody may still be at it: asked to come again, not told that it is there.
    assert (elsewhere.status_code, again.status_code) == (503, 201)


async def test_a_reference_left_by_a_request_that_came_to_nothing_is_free_again(
    network: Network,
) -> None:
    process = await network.replace("referral", FAULTS="1", FAULT="intake.after_reservation")
    with pytest.raises(httpx2.HTTPError):
        await post(network, "left", a_referral(agency_reference="left"))
    await until(lambda: not process.running, deadline=20, what="dying")
    long_ago = datetime.now(UTC) - timedelta(minutes=3)
    mine = {"referral_id": sent_by(sample.SCHOOL, "left")}
    references = network.mongo_of("referral")["references"]
    assert (await references.update_one(mine, {"$set": {"at": long_ago}})).modified_count == 1
    await network.replace("referral")

    document = a_referral(agency_reference="left")
    answers = [await post(network, f"left-{n}", document) for n in range(2)]

    assert [a.status_code for a in answers] == [201, 409]
    assert answers[1].json()["referral"] == answers[0].headers["Location"]


async def two_taken_for_different(network: Network, mark: str) -> tuple[str, str]:
    ids = []
    for number in ("one", "two"):
        child = {"name": f"Child {mark} {number}", "date_of_birth": "2012-01-02"}
        answer = await network.refer(f"{mark}-{number}", subject=child, consents=[YES])
        ids.append(answer.json()["id"])
        await network.mongo_of("referral")["referrals"].update_one(
            {"_id": ids[-1]}, {"$set": {"hub_id": sample.HUB}}
        )
    await network.quiet()
    return ids[0], ids[1]


@pytest.mark.parametrize(
    "point",
    [
        "match.after_decision",
        "relink.after_join",
        "relink.after_reassignment",
        "relink.after_pointing",
        "store.after_write",
    ],
)
async def test_a_joining_and_a_parting_that_died_half_way_are_finished(
    network: Network, point: str
) -> None:
    mine, other = await two_taken_for_different(network, point)
    path = f"/v1/referrals/{mine}/match-decisions"
    body = {
        "other_referral_id": other,
        "decision": "same_person",
        **COMPARED,
    }
    database = network.mongo_of("referral")
    before = await facts_of(network, mine, other)

    await die_at(network, point, path, body)

    subjects = await database["subjects"].find({f"facts.{mine}": {"$exists": True}}).to_list()
    referrals = await database["referrals"].find({"_id": {"$in": [mine, other]}}).to_list()
    (subject,) = subjects
    assert {r["subject_id"] for r in referrals} == {subject["_id"]}
    assert sorted(subject["facts"]) == sorted([mine, other])
    assert (await network.ask("manager", "POST", path, json=body)).status_code == 200
    again = await network.refer(
        f"{point}-again", subject={"name": f"Child {point} one", "date_of_birth": "2012-01-02"}
    )
    stored = await database["referrals"].find_one({"_id": again.json()["id"]})
    assert stored is not None
    assert stored["subject_id"] == subject["_id"]

    await die_at(network, point, path, {**body, "decision": "different_people"})

    assert await facts_of(network, mine, other) == before
    stored = await database["referrals"].find_one({"_id": again.json()["id"]})
    assert stored is not None
    assert stored["subject_id"] == before[0][0], "what linked it went there"
    body["decision"] = "different_people"
    assert (await network.ask("manager", "POST", path, json=body)).status_code == 200
    assert await facts_of(network, mine, other) == before


async def test_who_was_told_apart_is_so_on_both_sides_after_a_crash(network: Network) -> None:
    mine, other = await two_taken_for_different(network, "apart")
    body = {
        "other_referral_id": other,
        "decision": "different_people",
        **COMPARED,
    }

    await die_at(network, "match.after_decision", f"/v1/referrals/{mine}/match-decisions", body)

    for one, another in ((mine, other), (other, mine)):
        where = {f"facts.{one}": {"$exists": True}}
        subject = await network.mongo_of("referral")["subjects"].find_one(where)
        assert subject is not None
        assert subject["facts"][one]["apart"] == [another]


async def die_at(network: Network, point: str, path: str, body: dict[str, str]) -> None:
    """The decision is posted, the process dies, and another finishes what it left."""
    process = await network.replace("referral", FAULTS="1", FAULT=point)
    with pytest.raises(httpx2.HTTPError):
        await network.ask("manager", "POST", path, json=body)
    await until(lambda: not process.running, deadline=20, what=f"dying at {point}")
    await network.replace("referral")
    await network.quiet()


async def facts_of(network: Network, *referral_ids: str) -> list[tuple[str, dict[str, Any]]]:
    """Of each referral the young person, and every stored fact but for who was told apart, and whose
    decisions these were."""
    found, database = [], network.mongo_of("referral")
    for referral_id in referral_ids:
        stored = await database["referrals"].find_one({"_id": referral_id})
        where = {f"facts.{referral_id}": {"$exists": True}}
        (subject,) = await database["subjects"].find(where).to_list()
        assert stored is not None
        assert stored["subject_id"] == subject["_id"]
        facts = subject["facts"][referral_id]
        kept = {i: who for i, who in facts["accounts"].items() if not i.startswith(MATCHED)}
        found.append((subject["_id"], {**facts, "apart": [], "accounts": kept, "doubts": {}}))
    return found


async def ended_one(network: Network, mark: str) -> str:
    """The id of a referral that its agency has withdrawn."""
    child = {"name": f"Child {mark}", "date_of_birth": "2012-01-02"}
    posted = await network.refer(mark, subject=child)
    referral_id = str(posted.json()["id"])
    await network.quiet()
    referrals = network.mongo_of("referral")["referrals"]
    await referrals.update_one({"_id": referral_id}, {"$set": {"hub_id": sample.HUB}})
    path = f"/v1/referrals/{referral_id}/steps/withdrawal"
    reason = {"reason": "moved_away"}
    ended = await network.ask("school", "POST", path, json=reason, headers={"If-Match": "*"})
    assert ended.status_code == 200, ended.text
    return referral_id


async def nothing_personal_is_left(network: Network, referral_id: str) -> None:
    database = network.mongo_of("referral")
    stored = await database["referrals"].find_one({"_id": referral_id})
    assert stored is not None
    assert (stored["sealed"], stored["blocks"], bool(stored["erased_at"])) == ({}, [], True)
    assert await database["vault"].find_one({"keyAltNames": referral_id}) is None
    assert await database["references"].find_one({"referral_id": referral_id}) is None
    assert await database["people"].find_one({"subject_id": stored["subject_id"]}) is None


@pytest.mark.parametrize(
    "point",
    ["store.after_write", "erase.after_record", "forget.after_key", "forget.after_reference"],
)
async def test_an_erasure_that_died_half_way_is_finished(network: Network, point: str) -> None:
    referral_id = await ended_one(network, f"erasure {point}")
    asked: dict[str, Any] = {
        "json": {"reason": "right_to_erasure"},
        "headers": {"If-Match": "*"},
    }
    path = f"/v1/referrals/{referral_id}/erasure"
    process = await network.replace("referral", FAULTS="1", FAULT=point)
    with pytest.raises(httpx2.HTTPError):
        await network.ask("manager", "POST", path, **asked)
    await until(lambda: not process.running, deadline=20, what="dying")
    await network.replace("referral")

    await network.quiet()

    await nothing_personal_is_left(network, referral_id)
    assert (await network.ask("manager", "POST", path, **asked)).status_code == 200
    assert (await network.steps(referral_id))["referral.erased"] == 1


@pytest.mark.parametrize(
    "point", ["retention.after_record", "forget.after_key", "forget.after_reference"]
)
async def test_a_retention_run_that_died_half_way_is_finished_by_the_service(
    network: Network, point: str
) -> None:
    referral_id = await ended_one(network, f"retention {point}")
    long_ago = datetime.now(UTC) - timedelta(days=100 * 365)
    referrals = network.mongo_of("referral")["referrals"]
    await referrals.update_one({"_id": referral_id}, {"$set": {"changed_at": long_ago}})
    armed = {"FAULTS": "1", "FAULT": point}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.referral.retention", "apply"),
        env={**os.environ, **network.environment("referral"), **armed},
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == -signal.SIGKILL

    await network.quiet()

    await nothing_personal_is_left(network, referral_id)
    assert (await network.steps(referral_id))["referral.erased"] == 1


async def test_a_message_whose_handler_died_while_it_was_put_off_is_handled_later(
    network: Network,
) -> None:
    """Its referral is not there yet: put off, and the process dies before it says that it has it."""
    referral_id = sent_by(sample.SCHOOL, "put-off")
    made = event_sample(AllocationMade)
    moved = {"referral_id": referral_id, "agency_id": sample.SCHOOL, "hub_id": sample.HUB}
    data = made.data.model_copy(update=moved)
    early = made.model_copy(update={"id": new_id("evt"), "data": data, "subject": referral_id})
    point = {"FAULTS": "1", "FAULT": "consumer.after_retry_publish"}
    process = await network.replace("referral", **point)
    await network.publish(early.body().encode(), types=["allocation.made"])
    await until(lambda: not process.running, deadline=20, what="dying while it puts it off")
    await network.replace("referral")

    posted = await network.refer("put-off", subject={"name": "Child Put Off"})

    assert posted.json()["id"] == referral_id

    async def allocated() -> bool:
        stored = await network.mongo_of("referral")["referrals"].find_one({"_id": referral_id})
        return bool(stored and stored["status"] == "allocated")

    await until(allocated, deadline=30, what="the allocation to be heard")
