"""Personal data lives in one place: a marker in every identity and free-text field, then a search
of everything else: messages, other databases, logs, traces, metrics, errors, inboxes and their
streams, webhooks' bytes, dead letters, the trail."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aio_pika
import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient

from allinone import sample
from tests.harness.broker import Broker
from tests.harness.buses import raw
from tests.harness.collector import Collector, collecting
from tests.harness.mongo import Mongo
from tests.harness.network import SERVICES, STORY, Network
from tests.harness.receiver import receiving
from tests.harness.scraping import scrape, with_metrics
from tests.harness.waiting import until

MARK = "ZQXMARK"
METRICS: dict[str, str] = {}


def marked(name: str) -> str:
    return f"{MARK}-{name}"


DOCUMENT = {
    "agency_reference": marked("reference"),
    "urgency": "immediate",
    "area": "northtown",
    "referrer": {n: marked(n) for n in ("name", "role", "contact")},
    "subject": {
        **{n: marked(n) for n in ("name", "known_as", "address", "school", "living_situation")},
        "nhs_number": f"{MARK}-nhs",
        "date_of_birth": "2012-05-17",
    },
    "safe_contact": {
        "details": marked("details"),
        "hours": marked("hours"),
        "code_word": marked("code"),
        "never_contact": [marked("never")],
    },
    "indicators": [{"code": marked("indicator"), "recency": "current"}],
    "narrative": marked("narrative"),
    "own_words": marked("own"),
    "intelligence": marked("intelligence"),
    "discussion": {"discussed": True, "what": marked("what"), "wishes": marked("wishes")},
}
BASIS = {
    "basis": "public_task",
    "agency_ids": [sample.POLICE],
    "categories": ["existence"],
    "reason": marked("reason"),
    "necessity": marked("necessity"),
    "review_at": "2027-01-01T00:00:00Z",
    "subject_told": False,
}


@pytest_asyncio.fixture(scope="module")
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as started:
        yield started


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    env = {
        "LOG_LEVEL": "DEBUG",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_METRIC_EXPORT_INTERVAL": "500",
    }
    network = Network(broker, mongo, "markers.", tmp_path_factory.mktemp("markers"))
    METRICS.update(with_metrics(network, **env))
    try:
        await network.start()
        await network.load_sample()
        yield network
    finally:
        await network.stop()


async def inboxes(network: Network) -> dict[str, str]:
    """What each inbox answers, as a page and as a stream. Those that must know of it do."""
    found = {}
    for person in ("school", "police", "worker", "manager", "operator"):
        page = await network.ask(person, "GET", "/v1/notifications?limit=100")
        count = len(page.json()["notifications"])
        assert count or person in ("police", "operator"), person
        found[f"{person}'s inbox"] = f"{page.headers} {page.text}"
        if count:
            found[f"{person}'s stream"] = await network.streamed(person, count)
    return found


class Tap:
    """A queue that gets a copy of every message, headers and all."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def take(self, message: aio_pika.abc.AbstractIncomingMessage) -> None:
        self.seen.append(f"{message.headers} {message.info()} {message.body!r}")


# Fields of a request that libraries, proxies and telemetry read; a caller writes what they like.
FIELDS = """
Host User-Agent Referer Origin From Via Cookie Accept Accept-Language Forwarded X-Forwarded-For
X-Forwarded-Host X-Forwarded-Proto X-Real-IP X-Request-ID traceparent tracestate baggage X-B3-TraceId
b3 If-None-Match If-Modified-Since Range Prefer Content-Type Last-Event-ID X-Anything
""".split()


async def refuse_often(network: Network, referral_id: str) -> list[str]:
    """Requests that fail in many ways, with markers wherever one can put them."""
    path = f"/v1/referrals/{referral_id}"
    star = {"If-Match": "*", "Idempotency-Key": marked("key")}
    tries: list[tuple[str, str, str, Any]] = [
        ("school", "POST", "/v1/referrals", {**DOCUMENT, "urgency": marked("urgency")}),
        ("school", "POST", "/v1/referrals", {**DOCUMENT, "narrative": marked("changed")}),
        ("school", "POST", "/v1/referrals", {**DOCUMENT, "subject": {"name": marked("n"), "x": 1}}),
        ("police", "POST", f"{path}/amendments", {"narrative": marked("amended")}),
        ("worker", "POST", f"{path}/amendments", {"narrative": 5}),
        ("worker", "POST", f"{path}/goals", {"area": marked("area"), "words": marked("words")}),
        ("worker", "POST", f"{path}/bases", {**BASIS, "review_at": marked("when")}),
        ("stranger", "GET", path, None),
        ("school", "GET", f"/v1/referrals/{marked('path')}", None),
        ("school", "GET", f"/v1/{marked('nowhere')}", None),
        ("school", MARK, path, None),
        ("worker", "POST", f"{path}/steps/rejection", {"reason": marked("reason")}),
        ("school", "GET", f"/v1/referrals?cursor={marked('cursor')}", None),
    ]
    answers = []
    for person, method, where, body in tries:
        answer = await network.ask(person, method, where, json=body, headers=star)
        assert answer.status_code >= 400, (where, answer.text)
        answers.append(answer.text)
    for name in FIELDS:
        said = await network.ask("school", "GET", path, headers={name: marked("field")})
        lost = await network.ask("stranger", "GET", path, headers={name: marked("field")})
        assert (said.status_code, lost.status_code) in ((200, 404), (400, 400)), name
        answers.append(lost.text)
    return answers


async def test_no_marker_is_anywhere_but_encrypted_in_its_own_database(
    network: Network, collector: Collector
) -> None:
    connection = await raw(network.broker.url)
    tap, channel = Tap(), await connection.channel()
    queue = await channel.declare_queue(exclusive=True)
    for exchange in network.topology.exchanges:
        await queue.bind(exchange, "#")
    await queue.consume(tap.take, no_ack=True)

    async with receiving() as receiver:
        hook = {"url": receiver.url}
        await network.ask("school", "PUT", f"/v1/subscriptions/{sample.SCHOOL}", json=hook)
        posted = await network.ask(
            "school", "POST", "/v1/referrals", json=DOCUMENT, headers={"Idempotency-Key": "m"}
        )
        assert posted.status_code == 201, posted.text
        referral_id = posted.json()["id"]
        await network.told(referral_id, STORY)
        path = f"/v1/referrals/{referral_id}"
        amended = await network.ask(
            "worker",
            "POST",
            f"{path}/amendments",
            json={"narrative": marked("second"), "indicators": DOCUMENT["indicators"]},
            headers={"If-Match": "*"},
        )
        based = await network.ask(
            "worker", "POST", f"{path}/bases", json=BASIS, headers={"Idempotency-Key": "b"}
        )
        goal = {"area": "safety", "words": marked("goal")}
        key = {"If-Match": "*", "Idempotency-Key": "g"}
        agreed = await network.ask("worker", "POST", f"{path}/goals", json=goal, headers=key)
        wanted = await network.ask("worker", "GET", f"{path}/goals")
        kept = {"answers": {marked("question"): [marked("draft")]}}
        draft = await network.ask("school", "POST", "/v1/drafts", json=kept)
        drafted = await network.ask("school", "GET", draft.headers["Location"])
        read = await network.ask("worker", "GET", path)
        partner = await network.ask("police", "GET", path)
        errors = await refuse_often(network, referral_id)
        await until(lambda: len(receiver.calls) >= 2, deadline=20, what="the webhooks")
        await network.quiet()
        told = await inboxes(network)
        for signal in ("/v1/traces", "/v1/metrics"):
            await until(lambda s=signal: collector.received.get(s), deadline=20, what=signal)

    # What must hold it does, or the search below would prove nothing.
    assert (amended.status_code, based.status_code, agreed.status_code) == (200, 201, 201)
    assert marked("second") in read.text
    assert marked("goal") in wanted.text
    assert marked("draft") in drafted.text
    assert partner.status_code == 200
    assert tap.seen
    trail = json.dumps(await network.trail(referral_id))
    places: dict[str, str] = {
        "messages": "".join(tap.seen),
        "trail": trail,
        "partner's answer": partner.text,
        "errors": "".join(errors),
        **told,
        "webhooks": "".join(f"{c.headers} {c.body!r}" for c in receiver.calls),
        "metrics": (await scrape(METRICS.values()))[1],
        **{path: repr(bodies) for path, bodies in collector.received.items()},
        **{log.name: log.read_text() for log in _logs(network.folder)},
    }
    async with AsyncMongoClient[dict[str, Any]](network.mongo.url) as client:
        for service in SERVICES:
            database = client[network.database(service)]
            for collection in await database.list_collection_names():
                documents = [d async for d in database[collection].find()]
                places[f"{service}.{collection}"] = "".join(_texts(documents))
    assert len(places) > 15
    for place, text in places.items():
        assert MARK.casefold() not in text.casefold(), place  # a host loses its capitals
        assert base64.b64encode(MARK.encode()).decode()[:8] not in text, place
    await connection.close()


def _logs(folder: Path) -> list[Path]:
    logs = sorted(folder.glob("*.log"))
    assert len(logs) >= len(SERVICES)
    return logs


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    else:
        yield str(value)
