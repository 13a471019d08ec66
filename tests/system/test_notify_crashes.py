"""kill -9 of notify at each of its failpoints: it goes on where it was, and nothing is told twice."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from allinone import sample
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.publisher import Publisher, publishing
from tests.harness.receiver import Receiver, receiving
from tests.harness.waiting import until
from tests.service.notifying import consent
from tests.system.notifying import introduce, received, sharing, subscribe, verified

SETTINGS = {"DELIVERY_LEASE": "2", "DELIVERY_BACKOFF": "[0.3, 0.6, 1.2, 2.4, 5]"}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    folder = tmp_path_factory.mktemp("crashes")
    async with running(broker, mongo, folder, ["notify", "audit"]) as started:
        yield started


@pytest_asyncio.fixture(scope="module")
async def bus(network: Network) -> AsyncIterator[Publisher]:
    """The others' events. The Hub, the school and the police are known, and have an agreement."""
    async with publishing(network) as publisher:
        await introduce(publisher)
        yield publisher


async def dies(network: Network, point: str, cause: Callable[[], Awaitable[object]]) -> None:
    """Notify is killed at that point, which the cause leads it to, and started again."""
    process = await network.replace("notify", FAULTS="1", FAULT=point, **SETTINGS)
    await cause()
    await until(lambda: not process.running, deadline=30, what=f"notify dying at {point}")
    assert process.exit_code == -9
    await network.replace("notify", **SETTINGS)


async def steps(network: Network, referral_id: str, **story: int) -> list[dict[str, str]]:
    """Each notification of the referral as often as the story says, by what happened to it; and
    still so once nothing is left to do."""
    wanted = Counter({f"notification.{step}": count for step, count in story.items()})
    await network.told(referral_id, wanted)
    await network.quiet()
    events = [e for e in await network.trail(referral_id) if e["type"].startswith("notification.")]
    assert Counter(e["type"] for e in events if e["type"] in wanted) == wanted
    return [e["data"] for e in events]


@pytest_asyncio.fixture
async def receiver(network: Network, bus: Publisher) -> AsyncIterator[Receiver]:
    """The school's webhook, proved."""
    async with receiving() as made:
        await network.replace("notify", **SETTINGS)
        await subscribe(network, "school", sample.SCHOOL, url=made.url, kinds=[], areas=[])
        await verified(network, "school", sample.SCHOOL)
        yield made
        path = f"/v1/subscriptions/{sample.SCHOOL}"
        await network.ask("school", "PUT", path, json={"active": False})


async def test_an_event_that_moved_a_projection_is_told_of_after_a_crash(
    network: Network, bus: Publisher
) -> None:
    event = received("ref_projected", "sub_projected")

    await dies(network, "notify.after_projection", lambda: bus.publish(event))

    (created,) = await steps(network, "ref_projected", created=1)
    assert created["kind"] == "referral_received"


@pytest.mark.parametrize(
    ("point", "most"),
    [("deliver.after_claim", 1), ("deliver.after_row", 1), ("deliver.after_call", 2)],
)
async def test_a_delivery_that_was_cut_off_is_made_once_more_under_the_same_id(
    network: Network, bus: Publisher, receiver: Receiver, point: str, most: int
) -> None:
    referral_id = f"ref_{point}"

    await dies(network, point, lambda: bus.publish(received(referral_id, f"sub_{point}")))

    await steps(network, referral_id, created=1, delivered=1)
    assert len(receiver.told) == 1
    assert 1 <= len(receiver.calls) <= most


@pytest.mark.parametrize("point", ["deliver.after_alert", "deliver.after_task"])
async def test_what_follows_from_an_endpoint_that_is_gone_follows_once(
    network: Network, bus: Publisher, receiver: Receiver, point: str
) -> None:
    referral_id = f"ref_{point}"
    receiver.answers = [410] * 5

    await dies(network, point, lambda: bus.publish(received(referral_id, f"sub_{point}")))

    told = await steps(network, referral_id, created=2, failed=1)
    kinds = Counter(each["kind"] for each in told if "channels" in each)
    assert kinds == {"referral_received": 1, "phone_them": 1}
    alerts = network.mongo_of("notify")["notifications"].find({"kind": "endpoint_failing"})
    assert len([a async for a in alerts if a["detail"] == f"agency:{sample.SCHOOL}"]) >= 1


async def test_a_retraction_is_told_once_and_the_notification_ends_retracted(
    network: Network, bus: Publisher
) -> None:
    said = consent(recorded_at=datetime.now(UTC) - timedelta(days=2))
    gone = consent("withdrawn", recorded_at=datetime.now(UTC) - timedelta(minutes=1))
    async with receiving() as police:
        await network.replace("notify", **SETTINGS)
        await subscribe(network, "police", sample.POLICE, url=police.url)
        await verified(network, "police", sample.POLICE)
        await bus.publish(sharing("sub_retract", 1, said))
        await bus.publish(received("ref_retract", "sub_retract", subject_version=1))
        await until(lambda: police.told, deadline=30, what="the police being told")
        withdrawn = sharing("sub_retract", 2, said, gone)

        await dies(network, "retract.after_notice", lambda: bus.publish(withdrawn))

        told = await steps(network, "ref_retract", created=3, retracted=1)
        path = f"/v1/subscriptions/{sample.POLICE}"
        await network.ask("police", "PUT", path, json={"active": False})
    notices = [each for each in told if each["kind"] == "retraction" and "channels" in each]
    assert len(notices) == 1


async def test_what_is_retracted_in_part_is_told_once_and_the_rest_stands(
    network: Network, bus: Publisher
) -> None:
    said = consent(recorded_at=datetime.now(UTC) - timedelta(days=2))
    minute_ago = datetime.now(UTC) - timedelta(minutes=1)
    less = consent("withdrawn", categories=("concerns",), recorded_at=minute_ago)
    async with receiving() as police:
        await network.replace("notify", **SETTINGS)
        await subscribe(network, "police", sample.POLICE, url=police.url)
        await verified(network, "police", sample.POLICE)
        await bus.publish(sharing("sub_partly", 1, said))
        await bus.publish(received("ref_partly", "sub_partly", subject_version=1))
        await until(lambda: police.told, deadline=30, what="the police being told")
        withdrawn = sharing("sub_partly", 2, said, less)

        await dies(network, "retract.after_partial_notice", lambda: bus.publish(withdrawn))

        told = await steps(network, "ref_partly", created=3, redecided=1)
        path = f"/v1/subscriptions/{sample.POLICE}"
        await network.ask("police", "PUT", path, json={"active": False})
    notices = [each for each in told if each["kind"] == "retraction" and "channels" in each]
    assert len(notices) == 1
    where = {"referral_id": "ref_partly", "kind": "retraction"}
    notice = await network.mongo_of("notify")["notifications"].find_one(where)
    assert notice
    assert notice["categories"] == ["concerns"]


async def test_what_is_not_opened_in_time_is_escalated_once(
    network: Network, bus: Publisher
) -> None:
    await network.replace("notify", **SETTINGS)
    event = received("ref_escalate", "sub_escalate")
    await bus.publish(event)
    await steps(network, "ref_escalate", created=1)
    notifications = network.mongo_of("notify")["notifications"]

    async def time_passes() -> None:
        due = {"open_due": datetime.now(UTC)}
        await notifications.update_one({"referral_id": "ref_escalate"}, {"$set": due})

    await dies(network, "escalate.after_notice", time_passes)

    await steps(network, "ref_escalate", created=2, escalated=1)
