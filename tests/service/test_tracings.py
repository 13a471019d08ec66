"""From a referral, or an agency's reference, to the young person: two auditors, both told, each step an
entry, and nobody else learns whether there is anything."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from allinone import sample
from shared.clock import now
from shared.events import Event, EventData, schema_of
from shared.events.workers import WorkerRegistered
from shared.ids import derived_id
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, Network, running

AUDITORS = {
    name: {"sub": name, "role": "auditor"} for name in ("second", "third", "marked", "witness")
}
REFERENCE = "Jane Doe's case 7"
NOBODY = f"ref_{'0' * 32}"


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    PEOPLE.update(AUDITORS)
    folder = tmp_path_factory.mktemp("tracings")
    async with running(broker, mongo, folder, ["referral", "audit"]) as started:
        await started.load_referral_sample()
        await started.ask("marked", "GET", "/v1/trail?limit=1")  # so that they are known
        await started.quiet()
        yield started
    for name in AUDITORS:
        PEOPLE.pop(name)


async def a_case(network: Network, reference: str) -> tuple[str, str]:
    """A referral of the school, and the young person it is about."""
    sent = await network.refer(reference, subject={"name": f"Child {len(reference)}"})
    assert sent.status_code == 201, sent.text
    referral_id = sent.json()["id"]
    kept = await network.mongo_of("referral")["referrals"].find_one({"_id": referral_id})
    return referral_id, str((kept or {})["subject_id"])


async def post(network: Network, who: str, path: str, **body: Any) -> httpx2.Response:
    return await network.ask(who, "POST", path, json=body)


async def traced(network: Network, **wanted: str) -> tuple[str, Any]:
    """A tracing that two auditors made, and what the second was told."""
    asked = await post(network, "auditor", "/v1/tracings", purpose="access_request", **wanted)
    assert asked.status_code == 201, asked.text
    assert asked.json()["traced"] is None
    path = f"/v1/tracings/{asked.json()['id']}"
    confirmed = await post(network, "second", f"{path}/confirmation", **wanted)
    assert confirmed.status_code == 200, confirmed.text
    return path, confirmed.json()


async def entries(network: Network, **where: str) -> list[dict[str, Any]]:
    await network.quiet()
    query = "&".join(f"{name}={value}" for name, value in where.items())
    answer = await network.ask("witness", "GET", f"/v1/trail?limit=500&{query}")
    return [one["leaf"]["event"] for one in answer.json()["entries"]]


async def test_two_auditors_get_from_a_referral_to_the_young_person_and_their_report(
    network: Network,
) -> None:
    referral_id, subject_id = await a_case(network, "by-id")

    path, told = await traced(network, referral_id=referral_id)

    assert told["traced"] == {"subject_id": subject_id, "referral_ids": [referral_id]}
    for who in ("auditor", "second"):
        again = (await network.ask(who, "GET", path)).json()
        assert again["traced"] == told["traced"]
    await network.quiet()
    report = await network.ask("auditor", "GET", f"/v1/subjects/{subject_id}/report?format=csv")
    assert "was told that" in report.text
    assert "tracing.answered" in report.text


async def test_an_agencys_reference_leads_there_and_is_nowhere_else(network: Network) -> None:
    referral_id, subject_id = await a_case(network, REFERENCE)
    wanted = {"agency_id": sample.SCHOOL, "agency_reference": REFERENCE}

    _, told = await traced(network, **wanted)

    assert told["traced"] == {"subject_id": subject_id, "referral_ids": [referral_id]}
    await network.quiet()
    for service in ("referral", "audit"):
        database = network.mongo_of(service)
        for name in await database.list_collection_names():
            for document in await database[name].find().to_list():
                raw = repr(document)
                assert REFERENCE not in raw.replace("\\'", "'"), f"{service}.{name}"
    answered = await entries(network, type="tracing.asked")
    assert answered[-1]["data"]["referral_id"] is None
    assert answered[-1]["data"]["by"] == "agency_reference"


@pytest.mark.parametrize(
    "wanted",
    [
        {"referral_id": NOBODY},
        {"agency_id": sample.SCHOOL, "agency_reference": "never sent"},
        {"agency_id": sample.POLICE, "agency_reference": "by-id"},
        {"agency_id": "ag_nobody", "agency_reference": "by-id"},
    ],
)
async def test_what_is_not_there_finds_nobody(network: Network, wanted: dict[str, str]) -> None:
    _, told = await traced(network, **wanted)

    assert (told["status"], told["traced"]) == ("confirmed", None)


async def test_one_person_alone_is_told_nothing(network: Network) -> None:
    referral_id, subject_id = await a_case(network, "alone")
    asked = await post(
        network, "auditor", "/v1/tracings", purpose="complaint", referral_id=referral_id
    )
    nothing = await post(
        network, "auditor", "/v1/tracings", purpose="complaint", referral_id=NOBODY
    )
    path = f"/v1/tracings/{asked.json()['id']}"

    own = await post(network, "auditor", f"{path}/confirmation", referral_id=referral_id)
    looked = await network.ask("auditor", "GET", path)

    assert (own.status_code, own.json()["code"]) == (409, "second_person_needed")
    assert looked.json()["traced"] is None
    for answer in (asked, nothing, own, looked):
        assert subject_id not in answer.text
    varying = ("id", "asked_at", "expires_at")
    known, unknown = (
        {k: v for k, v in one.json().items() if k not in varying} for one in (asked, nothing)
    )
    assert known == unknown


async def test_the_second_person_names_the_same_and_in_time(network: Network) -> None:
    referral_id, _ = await a_case(network, "same")
    asked = await post(
        network, "auditor", "/v1/tracings", purpose="complaint", referral_id=referral_id
    )
    path = f"/v1/tracings/{asked.json()['id']}"

    other = await post(network, "second", f"{path}/confirmation", referral_id=NOBODY)
    kept = network.mongo_of("referral")["tracings"]
    found = await kept.find_one({"_id": asked.json()["id"]}) or {}
    early = {"asked_at": found["asked_at"] - timedelta(days=8)}
    await kept.update_one({"_id": found["_id"]}, {"$set": early})
    late = await post(network, "second", f"{path}/confirmation", referral_id=referral_id)

    assert (other.status_code, other.json()["code"]) == (409, "not_the_same")
    assert (late.status_code, late.json()["code"]) == (409, "tracing_expired")


async def test_a_third_auditor_is_told_it_is_not_there_and_that_is_an_entry(
    network: Network,
) -> None:
    referral_id, _ = await a_case(network, "third")
    path, _ = await traced(network, referral_id=referral_id)
    nowhere = f"/v1/tracings/trc_{'0' * 32}"

    answers = [
        *[await network.ask("third", "GET", one) for one in (path, nowhere)],
        *[
            await post(network, "third", f"{one}/confirmation", referral_id=referral_id)
            for one in (path, nowhere)
        ],
    ]

    assert [one.status_code for one in answers] == [404] * 4
    assert len({json.dumps({**one.json(), "instance": ""}) for one in answers}) == 1
    refused = await entries(
        network, type="record.refused", actor=f"auditor:{network.account('third')}"
    )
    assert [one["data"]["action"] for one in refused] == ["trace"] * 4


@pytest.mark.parametrize("marked_first", [True, False])
async def test_who_is_marked_as_unsafe_finds_nobody_and_neither_does_the_other(
    network: Network, marked_first: bool
) -> None:
    referral_id, subject_id = await a_case(network, f"marked-{marked_first}")
    mark = {"unsafe": True, "relation": "close_associate", "sub": AUDITORS["marked"]["sub"]}
    path = f"/v1/referrals/{referral_id}/unsafe-accounts"
    put = await network.ask("manager", "PUT", path, json=mark)
    assert put.is_success, put.text
    first, second = ("marked", "auditor") if marked_first else ("auditor", "marked")

    asked = await post(network, first, "/v1/tracings", purpose="complaint", referral_id=referral_id)
    path = f"/v1/tracings/{asked.json()['id']}"
    told = await post(network, second, f"{path}/confirmation", referral_id=referral_id)

    assert (told.status_code, told.json()["traced"]) == (200, None)
    assert (await network.ask(first, "GET", path)).json()["traced"] is None
    answered = await entries(network, type="tracing.answered")
    assert subject_id not in json.dumps(answered[-2:])
    refused = await entries(network, type="record.refused", referral_id=referral_id)
    assert {one["data"]["reason"] for one in refused} == {"recipient_unsafe"}
    # Neither what is told nor how many entries there are says whether there is anything.
    nowhere = await post(network, first, "/v1/tracings", purpose="complaint", referral_id=NOBODY)
    counts = []
    for tracing, wanted in ((asked, referral_id), (nowhere, NOBODY)):
        before = len(await entries(network))
        path = f"/v1/tracings/{tracing.json()['id']}/confirmation"
        again = await post(network, second, path, referral_id=wanted)
        assert (again.status_code, again.json()["traced"]) == (200, None)
        counts.append(len(await entries(network)) - before)
    assert counts[0] == counts[1]


async def test_a_mark_on_a_worker_holds_for_the_same_person_as_an_auditor(
    network: Network,
) -> None:
    referral_id, subject_id = await a_case(network, "same person")
    data = WorkerRegistered(
        worker_id="wk_twofold",
        hub_id=sample.HUB,
        worker_role="hub_worker",
        areas=("northtown",),
        host_setting="hub",
        cap=1,
        active=True,
    )
    await network.publish(_an_event(data).body().encode(), types=[data.event_type])
    PEOPLE["twofold_worker"] = {"sub": "twofold", "role": "worker", "worker_id": "wk_twofold"}
    PEOPLE["twofold_auditor"] = {"sub": "twofold", "role": "auditor"}
    await network.quiet()
    await network.ask("twofold_worker", "GET", f"/v1/referrals/{referral_id}")
    await network.quiet()
    mark = {"unsafe": True, "relation": "close_associate"}
    path = f"/v1/referrals/{referral_id}/unsafe-workers/wk_twofold"
    put = await network.ask("manager", "PUT", path, json=mark)
    assert put.is_success, put.text

    for first, second in (("twofold_auditor", "auditor"), ("auditor", "twofold_auditor")):
        wanted = {"referral_id": referral_id}
        asked = await post(network, first, "/v1/tracings", purpose="complaint", **wanted)
        path = f"/v1/tracings/{asked.json()['id']}"
        told = await post(network, second, f"{path}/confirmation", **wanted)
        assert (told.status_code, told.json()["traced"]) == (200, None)
        assert subject_id not in told.text
    for name in ("twofold_worker", "twofold_auditor"):
        PEOPLE.pop(name)


def _an_event(data: EventData) -> Event[Any]:
    """The event of somebody whom the allocation service has registered."""
    return Event(
        id=derived_id("evt", data.event_type),
        source="/services/allocation",
        type=data.event_type,
        subject="wk_twofold",
        time=now(),
        dataschema=schema_of(type(data)),
        correlationid="wk_twofold",
        version=1,
        actor=f"operator:usr_{'0' * 32}",
        actorrole="operator",
        data=data,
    )


async def test_only_auditors_trace(network: Network) -> None:
    for who in ("school", "worker", "manager", "operator"):
        answer = await post(network, who, "/v1/tracings", purpose="complaint", referral_id=NOBODY)
        assert answer.status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"purpose": "complaint"},
        {"purpose": "curiosity", "referral_id": NOBODY},
        {"purpose": "complaint", "referral_id": "Jane"},
        {"purpose": "complaint", "agency_id": "ag_x"},
        {"purpose": "complaint", "agency_reference": "x"},
        {"purpose": "complaint", "referral_id": NOBODY, "agency_id": "a", "agency_reference": "x"},
        {"purpose": "complaint", "referral_id": NOBODY, "why": "I want to know"},
    ],
)
async def test_what_is_malformed_is_refused(network: Network, body: dict[str, str]) -> None:
    assert (await post(network, "auditor", "/v1/tracings", **body)).status_code == 422


async def test_each_step_is_an_entry_that_names_the_two(network: Network) -> None:
    referral_id, subject_id = await a_case(network, "steps")
    await traced(network, referral_id=referral_id)

    (asked,) = await entries(network, asked=referral_id, type="tracing.asked")
    (answered,) = await entries(network, subject_id=subject_id, type="tracing.answered")

    one, two = (f"auditor:{network.account(who)}" for who in ("auditor", "second"))
    assert (asked["actor"], asked["data"]["purpose"]) == (one, "access_request")
    assert (answered["actor"], answered["data"]["asked_by"]) == (two, one)
    assert answered["data"]["confirmed_by"] == two
