"""Whatever a referral said, its sender reads again: each member of the schema, in its own GET."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any

import pytest
import pytest_asyncio

from services.referral.intake.request import ReceiveReferral
from tests.harness.broker import Broker
from tests.harness.faulty import Path, members, put, schema_of, whole
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running

SCHEMA = schema_of(ReceiveReferral)
# What only some values of can be taken as they are: any other is set aside, or suggested a spelling.
TAKEN: dict[Path, Any] = {
    ("area",): "northtown",
    ("consents", 0, "valid_to"): "2031-03-02T09:30:00Z",
    # Not asked, it is told from what the census codes say.
    ("subject", "disability"): "declined",
    ("subject", "ethnicity"): "declined",
}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("back"), ["referral"]) as one:
        await one.load_referral_sample()
        yield one


def everything(choice: int) -> dict[str, Any]:
    """A referral with every member; each text another one, and of each list of codes the `choice`th."""
    document: dict[str, Any] = whole(SCHEMA)
    for number, (path, schema) in zip(count(), members(SCHEMA), strict=False):
        if "enum" in schema:
            put(document, (path, schema["enum"][choice % len(schema["enum"])]))
        elif schema.get("type") == "string" and not {"format", "pattern"} & schema.keys():
            put(document, (path, f"Synthetic text {number}."[: schema.get("maxLength")]))
    for fault in TAKEN.items():
        put(document, fault)
    return document


def leaves(found: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Each value with the name of the member that it is in."""
    if isinstance(found, dict):
        for member, value in found.items():
            yield from leaves(value, member)
    elif isinstance(found, list):
        for each in found:
            yield from leaves(each, name)
    else:
        yield name, found


@pytest.mark.parametrize("choice", range(4))
async def test_every_member_of_a_referral_is_in_the_senders_own_look(
    network: Network, choice: int
) -> None:
    document = {**everything(choice), "agency_reference": f"everything-{choice}"}
    sent = await network.ask(
        "school",
        "POST",
        "/v1/referrals",
        json=document,
        headers={"Idempotency-Key": f"everything-{choice}"},
    )
    assert sent.status_code == 201, sent.text
    assert sent.json()["marks"] == []

    answer = await network.ask("school", "GET", f"/v1/referrals/{sent.json()['id']}")

    seen = answer.json()
    pairs = {*leaves(seen["categories"]), *leaves({"urgency": seen["urgency"]})}
    texts = {value for _, value in pairs if isinstance(value, str)}
    said = [("text" if name in TEXTS else name, value) for name, value in leaves(document)]
    assert len(said) > 100
    lost = [pair for pair in said if pair not in pairs and not found_as_text(pair, texts)]
    assert not lost


# A piece of a text has its author beside it, and its words under `text`.
TEXTS = ("narrative", "own_words", "intelligence")


def found_as_text(pair: tuple[str, Any], texts: set[str]) -> bool:
    """The code of an indicator that we don't know stands among the raw ones."""
    return pair[0] == "code" and pair[1] in texts


async def test_what_a_partner_sees_has_nothing_of_what_was_asked_for(network: Network) -> None:
    document = everything(0)
    consents = [{**document["consents"][0], "agency_ids": [], "agency_kinds": []}]
    sent = await network.refer("asked", requested_action="advice", consents=consents)
    path = f"/v1/referrals/{sent.json()['id']}"
    of_sender = (await network.ask("school", "GET", path)).json()["categories"]["submission"]
    assert of_sender["requested_action"] == "advice"
    assert of_sender["sharing_said"]["consents"][0]["status"] == "given"
    assert of_sender["nation"] == "england"

    of_hub = (await network.ask("manager", "GET", path)).json()["categories"]["submission"]
    of_partner = await network.ask("police", "GET", path)

    assert of_hub["requested_action"] == "advice"
    assert "advice" not in of_partner.text
