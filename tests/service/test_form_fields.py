"""What a form says beside the story: sealed, read by who may, and a suspect is kept out at once."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from services.referral.intake.request import ReceiveReferral
from tests.harness.broker import Broker
from tests.harness.faulty import schema_of, whole
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running

OTHER = "ag_suspect"
WHOLE: dict[str, Any] = whole(schema_of(ReceiveReferral))
FORM = (
    "contacts missing visit_risk history legal trafficking migration condition background".split()
)
FORM += ["personal", "identifiers"]


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("forms"), ["referral"]) as one:
        await one.load_referral_sample()
        yield one


async def test_a_whole_form_is_stored_sealed_and_read_back_by_its_sender(network: Network) -> None:
    form = {name: WHOLE[name] for name in FORM}
    form["missing"] = {**form["missing"], "present_place": "MARKER-hotel"}
    people = [{"kind": "suspect", "name": "MARKER-name", "vehicles": ["MARKER-plate"]}]

    sent = await network.refer("whole-form", people=people, **form)

    assert sent.status_code == 201, sent.text
    assert sent.json()["marks"] == []
    path = f"/v1/referrals/{sent.json()['id']}"
    seen = (await network.ask("school", "GET", path)).json()["categories"]
    assert seen["contact"]["missing"]["present_place"] == "MARKER-hotel"
    assert seen["intelligence"]["people_concern"][0]["people"][0]["name"] == "MARKER-name"
    shown = json.dumps(seen)
    assert all(f'"{name}"' in shown for name in FORM)
    database = network.mongo_of("referral")
    for collection in await database.list_collection_names():
        async for document in database[collection].find():
            assert "MARKER" not in repr(document), collection
    stored = await database["referrals"].find_one({"_id": sent.json()["id"]})
    assert stored is not None
    assert stored["visit_risk"] is True


async def test_a_suspect_of_the_network_is_unsafe_before_the_referral_is_stored(
    network: Network,
) -> None:
    entry = {"name": "Sample Agency", "kind": "4", "areas": []}
    registered = await network.ask("operator", "PUT", f"/v1/agencies/{OTHER}", json=entry)
    assert registered.status_code in (200, 201), registered.text
    people = [
        {"kind": "suspect", "agency_id": OTHER},
        {"kind": "suspect", "worker_id": "wk_nobody_knows_this_one"},
    ]

    sent = await network.refer("suspect", people=people, subject={"name": "Child Of Suspect"})

    assert sent.status_code == 201, sent.text
    database = network.mongo_of("referral")
    stored = await database["referrals"].find_one({"_id": sent.json()["id"]})
    assert stored is not None
    subject = await database["subjects"].find_one({"_id": stored["subject_id"]})
    assert subject is not None
    assert subject["unsafe"] == [f"agency:{OTHER}"]
    assert stored["subject_version"] == 2
    later = await network.refer("suspect-later", subject={"name": "Child Two"})
    path = f"/v1/referrals/{later.json()['id']}"
    tag = (await network.ask("school", "GET", path)).headers["etag"]
    amended = await network.ask(
        "school",
        "POST",
        f"{path}/amendments",
        json={"people": people[:1]},
        headers={"If-Match": tag},
    )
    assert amended.status_code == 200, amended.text
    stored = await database["referrals"].find_one({"_id": later.json()["id"]})
    assert stored is not None
    subject = await database["subjects"].find_one({"_id": stored["subject_id"]})
    assert subject is not None
    assert subject["unsafe"] == [f"agency:{OTHER}"]
