"""What becomes of an agency's own referrals comes to its webhook as messages of BaRS."""

import json
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from allinone import sample
from services.notify.delivery.webhook import Caller
from services.referral.bars.request import MessageBundle
from shared.clock import now
from shared.storage.store import Database
from tests.harness.bars import a_message, resource
from tests.harness.broker import Broker
from tests.harness.fhir import message
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.receiver import Call, Receiver, receiving
from tests.harness.waiting import until
from tests.service.notifying import (
    POLICE,
    SCHOOL,
    START,
    SUBJECT,
    Hands,
    Told,
    consent,
    referral,
    stores_on,
)
from tests.system.notifying import verified

FHIR = "application/fhir+json"
PROCESS = "/v1/bars/$process-message"
Heard = tuple[str, str, tuple[str, ...]]


def taken(call: Call, secret: str) -> dict[str, Any]:
    """The message of a call, after what a receiver checks: the signature, and that it is FHIR."""
    Webhook(secret).verify(call.body, call.headers)
    assert call.headers["content-type"] == FHIR
    document = json.loads(call.body)
    message(document)
    MessageBundle.model_validate(document)
    return dict(document)


def told_by(document: dict[str, Any]) -> Heard:
    """How the referral stands by a message: request, encounter, and every code of the reasons."""
    encounter = resource(document, "Encounter")
    reasons = [c["code"] for one in encounter["reasonCode"] for c in one["coding"]]
    return resource(document, "ServiceRequest")["status"], encounter["status"], tuple(reasons)


@pytest_asyncio.fixture
async def told(database: Database) -> Told:
    """With a clock that the test moves."""
    stores = stores_on(database, clock := Hands(now()))  # signatures are verified as of now
    await stores.prepare()
    return Told(stores, clock)


async def with_bars(told: Told, receiver: Receiver, agency_id: str = SCHOOL) -> str:
    """The agency wants messages; gives its secret."""
    made = await told.subscribed(agency_id, url=receiver.url, format="bars")
    return told.stores.secrets.of(made)


async def moves(told: Told, status: str, previous: str, **said: Any) -> None:
    about = {"referral_id": "ref_1", "subject_id": SUBJECT, "subject_version": 0}
    about |= {"agency_id": SCHOOL, "urgency": "same_day", "status": status, "previous": previous}
    due = START + timedelta(days=1)
    await told.happens("referral.status_changed", "ref_1", **about, due_at=due, **said)


async def test_a_message_is_signed_and_repeated_as_it_was(told: Told) -> None:
    await told.network()
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        receiver.answers = [503, 500]
        secret = await with_bars(told, receiver)
        await told.happens("referral.received", "ref_1", **referral())
        for _ in range(3):
            await told.send_due(caller)
            told.clock.forward(hours=1)

    first, *again = receiver.calls
    assert len(again) == 2
    for other in again:
        assert other.body == first.body
        for name in ("x-request-id", "x-correlation-id", "webhook-id"):
            assert other.headers[name] == first.headers[name]
    assert taken(first, secret)["identifier"]["value"] == first.headers["webhook-id"]
    assert (await told.one(kind="referral_received")).status == "delivered"


async def test_one_conversation_has_one_correlation_and_each_message_its_request(
    told: Told,
) -> None:
    await told.network()
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        secret = await with_bars(told, receiver)
        await told.happens("referral.received", "ref_1", **referral())
        await moves(told, "rejected", "received", reason="no_capacity")
        await told.send_due(caller)

    found = [told_by(taken(call, secret)) for call in receiver.calls]
    assert sorted(found) == [
        ("active", "planned", ("received",)),
        ("revoked", "cancelled", ("rejected", "no_capacity", "RRNA")),
    ]
    assert len({call.headers["x-correlation-id"] for call in receiver.calls}) == 1
    assert len({call.headers["x-request-id"] for call in receiver.calls}) == 2


async def test_what_is_not_of_its_own_referral_comes_as_without_the_format(told: Told) -> None:
    await told.network(POLICE)
    await told.says(consent())
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        secret = await with_bars(told, receiver, POLICE)
        await told.happens("referral.received", "ref_1", **referral())
        await told.send_due(caller)
        await told.says(consent("withdrawn", recorded_at=told.clock()))
        await told.looked_again()
        await told.send_due(caller)

    kinds = []
    for call in receiver.calls:
        Webhook(secret).verify(call.body, call.headers)
        assert call.headers["content-type"] == "application/json"
        kinds.append(json.loads(call.body)["kind"])
    assert kinds == ["concern_in_your_area", "retraction"]


async def test_an_instruction_goes_with_what_is_sent_while_it_holds(told: Told) -> None:
    await told.network()
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        secret = await with_bars(told, receiver)
        await told.happens("referral.received", "ref_1", **referral())
        await told.send_due(caller)
        await told.marks("agency_kind:parent")
        await moves(told, "screening", "received")
        await told.send_due(caller)

    before, after = (taken(call, secret) for call in receiver.calls)
    assert "Flag" not in str(before)
    assert resource(after, "Flag")["code"]["coding"][0]["code"] == "do_not_tell_parents"


async def test_who_is_marked_gets_no_message(told: Told) -> None:
    await told.network()
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        await with_bars(told, receiver)
        await told.happens("referral.received", "ref_1", **referral())
        await told.unsafe(SCHOOL)
        await told.send_due(caller)

    assert receiver.calls == []
    assert (await told.one(kind="referral_received")).status == "withheld"


@pytest_asyncio.fixture(scope="module")
async def network(broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory) -> Any:
    services = ["referral", "allocation", "notify"]
    async with running(broker, mongo, tmp_path_factory.mktemp("bars-out"), services) as one:
        await one.load_sample()
        yield one


async def refer(network: Network, name: str, **changes: Any) -> str:
    """The clinic refers by a message; gives the id that the answer names."""
    sent = a_message(name, **{"reference": name, "priority": "stat", **changes})
    headers = {"Content-Type": FHIR}
    answer = await network.ask("health", "POST", PROCESS, json=sent, headers=headers)
    assert answer.status_code == 200, answer.text
    return str(resource(answer.json(), "Encounter")["identifier"][0]["value"])


async def step(network: Network, person: str, path: str, body: Any = None) -> None:
    async def done() -> bool:
        answer = await network.ask(person, "POST", path, json=body, headers={"If-Match": "*"})
        return answer.status_code == 200

    await until(done, deadline=20, what=path)


async def test_a_message_in_and_what_became_of_it_as_messages_out(network: Network) -> None:
    async with receiving() as receiver:
        path = f"/v1/subscriptions/{sample.HEALTH}"
        entry = {"url": receiver.url, "format": "bars"}
        put = await network.ask("health", "PUT", path, json=entry)
        put.raise_for_status()
        await verified(network, "health", sample.HEALTH)
        secret = put.json()["secret"]

        def heard(referral_id: str) -> list[Heard]:
            """What the messages about a referral say, each once, found by the id of the answer."""
            calls = {call.headers["webhook-id"]: call for call in receiver.calls}
            documents = [taken(call, secret) for call in calls.values()]
            return [
                told_by(each)
                for each in sorted(documents, key=lambda one: str(one["timestamp"]))
                if resource(each, "Encounter")["identifier"][0]["value"] == referral_id
            ]

        names = ("way", "no", "absent", "back", "error", "more")
        ids = {name: await refer(network, f"out-{name}") for name in names}
        for taken_at in ("acceptance", "start"):
            await step(network, "worker", f"/v1/allocations/{ids['way']}/{taken_at}")
        end = {"reason": "completed", "outcomes": [{"goal": "safety", "outcome": "achieved"}]}
        await step(network, "worker", f"/v1/allocations/{ids['way']}/closure", end)
        steps = f"/v1/referrals/{ids['no']}/steps"
        await step(network, "manager", f"{steps}/rejection", {"reason": "no_capacity"})
        steps = f"/v1/referrals/{ids['absent']}/steps"
        await step(network, "manager", f"{steps}/withdrawal", {"reason": "not_engaged"})
        for name, status in (("back", "revoked"), ("error", "entered-in-error")):
            later = {"reference": f"out-{name}", "reason": "update", "status": status}
            assert await refer(network, f"out-{name}-2", **later) == ids[name]
        ends = {
            "way": ("completed", "finished", ("closed", "goals_achieved")),
            "no": ("revoked", "cancelled", ("rejected", "no_capacity", "RRNA")),
            "absent": ("revoked", "cancelled", ("withdrawn", "not_engaged", "FC")),
            "back": ("revoked", "cancelled", ("withdrawn", "other", "OTH")),
            "error": (
                *("entered-in-error", "entered-in-error"),
                ("entered_in_error", "raised_in_error"),
            ),
            "more": ("active", "triaged", ("allocated",)),
        }
        for name, last in ends.items():
            await until(lambda: last in heard(ids[name]), deadline=30, what=name)  # noqa: B023

        found = heard(ids["way"])
        fetched = await network.ask("health", "GET", f"/v1/bars/responses/{ids['way']}")

    assert {status for _, status, _ in found} == {"planned", "triaged", "in-progress", "finished"}
    assert ("active", "triaged", ("accepted",)) in found
    assert told_by(fetched.json()) == found[-1] == ends["way"]
    everything = b"".join(call.body for call in receiver.calls)
    for word in (b"Sample", b"Synthetic", b"out-way", b"9990000018", b"2012-05-17"):
        assert word not in everything
