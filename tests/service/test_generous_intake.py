"""What real forms say is taken, kept as sent, and marked; what was sent can be read back."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from services.referral.intake.request import ReceiveReferral
from tests.harness.broker import Broker
from tests.harness.faulty import content_faults, pointer, schema_of, whole, with_fault
from tests.harness.mongo import Mongo
from tests.harness.network import Network, a_referral, running

NAMED = {"name": "Sample Child", "date_of_birth": "2012-05-17"}
SAID = {"status": "given", "categories": ["existence"], "given_by": "young_person"}
# What was refused: what is sent, and the mark or the warning that says so.
SEEN: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"subject": {"estimated_age": 14}}, "name_unknown"),
    "a blank name": ({"subject": {**NAMED, "name": " \t"}}, "/subject/name"),
    "an unknown member": ({"hotel": {"room": 12}}, "/hotel"),
    "an indicator without recency": (
        {"indicators": [{"code": "older_partner"}]},
        "/indicators/0/recency",
    ),
    "a language with its country": ({"languages": ["en-GB"]}, "/languages/0"),
    "an area in upper case": ({"area": "NORTHTOWN"}, "area_unknown"),  # no Hub is there
    "a birth month": ({"subject": {**NAMED, "date_of_birth": "2012-05"}}, "/subject/date_of_birth"),
    "a British date": (
        {"subject": {**NAMED, "date_of_birth": "17/05/2012"}},
        "/subject/date_of_birth",
    ),
    "an age above 25": ({"subject": {"estimated_age": 31}}, "/subject/estimated_age"),
    "an unknown issue": ({"linked_issues": ["county_lines"]}, "/linked_issues/0"),
    "an unknown gender": ({"subject": {**NAMED, "gender": "transgender"}}, "/subject/gender"),
    "an unknown need": (
        {"subject": {**NAMED, "communication_needs": ["housing"]}},
        "/subject/communication_needs/0",
    ),
    "consent by a guardian": ({"consents": [{**SAID, "given_by": "guardian"}]}, "/consents/0"),
    "an ethnicity of the census": (
        {"subject": {**NAMED, "ethnicity": "WIRT"}},
        "/subject/ethnicity",
    ),
    "an unknown disability": (
        {"subject": {**NAMED, "disability": "asthma"}},
        "/subject/disability",
    ),
    "not discussed, no reason": (
        {"discussion": {"discussed": False}},
        "not_discussed_reason_unknown",
    ),
    "a referrer without contact": (
        {"referrer": {"name": "Sample Referrer", "role": "nurse"}},
        "referrer_contact_unknown",
    ),
    "no referrer": ({"referrer": None}, "referrer_unknown"),
    "a long address": ({"subject": {**NAMED, "address": "Room 1, " * 90}}, "/subject/address"),
    "an unknown urgency": ({"urgency": "ASAP"}, "/urgency"),
    "NUL in a text": ({"narrative": "seen\x00twice"}, "/narrative"),
    "a consent that is over": (
        {"consents": [{**SAID, "valid_to": "2020-01-01T00:00:00Z"}]},
        "/consents/0",
    ),
}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("generous"), ["referral"]) as one:
        yield one


async def post(network: Network, key: str, **changes: Any) -> httpx2.Response:
    return await network.refer(key, **changes)


async def batch(network: Network, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    content = b"\n".join(json.dumps(each).encode() for each in documents)
    headers = {"Content-Type": "application/x-ndjson"}
    answer = await network.ask(
        "school", "POST", "/v1/referrals/batch", content=content, headers=headers
    )
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.parametrize("name", SEEN)
async def test_what_was_refused_is_taken_and_marked(network: Network, name: str) -> None:
    changes, told = SEEN[name]

    answer = await post(network, name, **changes)

    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    marked = {mark["pointer"] for mark in receipt["marks"]}
    assert told in marked | set(receipt["warnings"]), receipt
    assert ("not_understood" in receipt["warnings"]) == bool(marked)
    if name == "an unknown urgency":
        assert (receipt["urgency"], receipt["marks"][0]["taken_as"]) == ("immediate", "immediate")
    again = await post(network, name, **changes)
    assert again.json() == receipt
    await reads_back(network, receipt)


async def reads_back(network: Network, receipt: dict[str, Any]) -> None:
    """The sender sees what it sent at each mark."""
    if not receipt["marks"]:
        return
    seen = await network.ask("school", "GET", f"/v1/referrals/{receipt['id']}")
    (kept,) = seen.json()["categories"]["submission"]["set_aside"]
    told = [{n: m.get(n) for n in ("pointer", "code", "taken_as")} for m in kept["members"]]
    assert told == receipt["marks"]


async def test_the_hub_and_the_sender_read_what_was_set_aside_and_nobody_else_stores_it(
    network: Network,
) -> None:
    answer = await post(network, "kept", hotel={"room": "MARKER-12"}, urgency="MARKER-soon")

    assert "MARKER" not in answer.text
    path = f"/v1/referrals/{answer.json()['id']}"
    for who in ("school", "manager"):
        seen = await network.ask(who, "GET", path)
        if who == "school":
            assert "MARKER-12" in seen.text
        assert ("MARKER-12" in seen.text) == (seen.status_code == 200)
    async for stored in network.mongo_of("referral")["referrals"].find():
        assert "MARKER" not in repr(stored)


async def test_children_without_a_name_are_not_one_child(network: Network) -> None:
    ids = set()
    for number in range(3):
        answer = await post(network, f"nobody-{number}", subject={"date_of_birth": "2012-05-17"})
        stored = await network.mongo_of("referral")["referrals"].find_one(
            {"_id": answer.json()["id"]}
        )
        assert stored is not None
        ids.add(stored["subject_id"])

    assert len(ids) == 3


async def test_every_fault_of_content_anywhere_is_taken_in_a_batch(network: Network) -> None:
    schema = schema_of(ReceiveReferral)
    good = whole(schema) | {"consents": [], "tell_parents": "not_asked", "area": "northtown"}
    faults = [f for f in content_faults(schema) if f[0][:1] not in ((), ("consents",))]
    faults = [f for f in faults if f[0] != ("agency_reference",)][::6]
    documents = [
        with_fault({**good, "agency_reference": f"line-{n}"}, fault)
        for n, fault in enumerate(faults)
    ]

    lines = await batch(network, documents)

    assert [line["status"] for line in lines] == [201] * len(documents)
    for (path, _), line in zip(faults, lines, strict=True):
        assert pointer(path) in {mark["pointer"] for mark in line["marks"]}
    for line in lines[::10]:
        await reads_back(network, line)


async def test_a_member_that_stands_twice_is_named(network: Network) -> None:
    body = (
        json.dumps(a_referral(agency_reference="twice"))[:-1] + ', "urgency": "ten_working_days"}'
    )
    headers = {"Idempotency-Key": "twice", "Content-Type": "application/json"}

    answer = await network.ask("school", "POST", "/v1/referrals", content=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "member_twice")
    assert answer.json()["errors"][0]["pointer"] == "/urgency"


async def test_an_amendment_is_read_by_the_same_rules(network: Network) -> None:
    sent = await post(network, "amended", urgency="five_working_days", languages=["pl"])
    path = f"/v1/referrals/{sent.json()['id']}"
    patch = {
        "urgency": "straight away",
        "subject": {"gender": "transgender", "date_of_birth": "5 June 2012"},
        "languages": ["Welsh"],
        "settings_avoided": ["probation"],
        "car": "blue",
    }
    tag = (await network.ask("school", "GET", path)).headers["etag"]

    answer = await network.ask(
        "school", "POST", f"{path}/amendments", json=patch, headers={"If-Match": tag}
    )

    assert answer.status_code == 200, answer.text
    assert answer.json()["urgency"] == "immediate"
    assert {m["pointer"] for m in answer.json()["marks"]} == {
        *("/urgency", "/subject/gender", "/subject/date_of_birth", "/languages/0"),
        *("/settings_avoided/0", "/car"),
    }
    seen = (await network.ask("school", "GET", path)).json()["categories"]
    assert seen["contact"]["settings_avoided"] == ["police"]
    assert seen["contact"]["languages"] == ["pl"]
    assert seen["identity"]["identity"]["date_of_birth"] == "2012-06-05"
    assert "blue" in json.dumps(seen["submission"]["set_aside"])
    wrong = await network.ask(
        "school",
        "POST",
        f"{path}/amendments",
        json={"subject": {"date_of_birth": 1337212800}},
        headers={"If-Match": answer.headers["etag"]},
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (
        422,
        "/subject/date_of_birth",
    )
