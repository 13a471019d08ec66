"""The four services as processes on a real broker and store, and people who use them."""

import asyncio
import base64
import json
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2
from aio_pika import DeliveryMode, Message
from pymongo import AsyncMongoClient

from allinone import sample
from allinone.embedded import AUDIENCE, ISSUER, Keys
from shared.clock import now
from shared.events import Event, schema_of
from shared.events.workers import HubRegistered
from shared.ids import derived_id, keyed_id, new_id
from shared.messaging.bus import Message as BusMessage
from shared.messaging.topology import QUEUES, Topology
from shared.messaging.wire import to_amqp
from shared.storage.store import Database
from shared.web.accounts import Accounts
from shared.web.tokens import issue
from tests.harness.broker import Broker
from tests.harness.buses import delete, depths, raw
from tests.harness.mongo import Mongo
from tests.harness.processes import Module
from tests.harness.template import ROOT
from tests.harness.things import MADE, ThingMade
from tests.harness.waiting import PATIENCE, until

# Those that keep something. The pages (services/web) have neither a store nor a queue.
APPS = {app.parent.name for app in ROOT.glob("services/*/app.py")}
SERVICES = tuple(sorted(APPS - {"web"}))

PEOPLE: dict[str, dict[str, str]] = {
    "health": {"sub": sample.HEALTH, "role": "agency", "agency_id": sample.HEALTH},
    "stranger": {"sub": "ag_elsewhere", "role": "agency", "agency_id": "ag_elsewhere"},
    "other_worker": {"sub": "wk_spoke_two", "role": "worker", "worker_id": "wk_spoke_two"},
    "other_manager": {"sub": "mg_south", "role": "hub_manager", "hub_id": "hub_south"},
    "school": {"sub": sample.SCHOOL, "role": "agency", "agency_id": sample.SCHOOL},
    "police": {"sub": sample.POLICE, "role": "agency", "agency_id": sample.POLICE},
    "worker": {"sub": "wk_hub_one", "role": "worker", "worker_id": "wk_hub_one"},
    "manager": {"sub": "mg_north", "role": "hub_manager", "hub_id": sample.HUB},
    "coordinator": {"sub": "co_east", "role": "coordinator", "area_id": "eastby"},
    "auditor": {"sub": "auditor_one", "role": "auditor"},
    "operator": {"sub": "operator_one", "role": "operator"},
}

# What one immediate referral makes of itself, whatever happens on the way.
STORY = Counter(
    {
        "subject.linked": 1,
        "referral.received": 1,
        "risk.assessed": 1,
        "worker.caseload_changed": 1,
        "allocation.made": 1,
        "referral.status_changed": 1,
        "notification.created": 4,
    }
)


# A service ends a connection that was idle for five seconds; a client that waits as long may send
# into one that is just ending, and hears nothing.
IDLE = httpx2.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=2)

# The tests know it, to work out an id before its referral is there. Nobody else's is known.
PEPPER = bytes(range(32))


def sent_by(agency_id: str, key: str) -> str:
    """The id of the referral that the agency sends under this Idempotency-Key."""
    return keyed_id(PEPPER, "ref", agency_id, key)


def a_referral(**changes: Any) -> dict[str, Any]:
    """A well-formed document, plainly synthetic."""
    return {
        "agency_reference": "SYN-1",
        "urgency": "immediate",
        "area": "northtown",
        "referrer": {"name": "Sample Referrer", "role": "teacher", "contact": "r@school.example"},
        "subject": {"name": "Sample Child", "date_of_birth": "2012-05-17"},
        "indicators": [{"code": "missing_episodes", "recency": "current"}],
        "settings_avoided": ["police"],
        "narrative": "Synthetic text.",
        **changes,
    }


class Network:
    """Four processes. `http` goes to whichever service owns the path."""

    def __init__(
        self,
        broker: Broker,
        mongo: Mongo,
        prefix: str,
        folder: Path,
        services: Sequence[str] = SERVICES,
    ) -> None:
        self.broker, self.mongo, self.prefix, self.folder = broker, mongo, prefix, folder
        self.keys = Keys(folder / "keys")
        self.topology = Topology(prefix=prefix, retry_delays=(0.3, 0.6, 1.0))
        self.modules = {name: self.module(name) for name in services}
        self.http = httpx2.AsyncClient(timeout=15 * PATIENCE, trust_env=False, limits=IDLE)
        self._mongo = AsyncMongoClient[dict[str, Any]](mongo.url)

    def environment(self, name: str) -> dict[str, str]:
        """The settings of one service, as an operator would set them."""
        return {
            "ENVIRONMENT": "development",
            "AMQP_URL": self.broker.url,
            "MONGO_URL": self.mongo.url,
            "MONGO_DATABASE": self.database(name),
            "BUS_PREFIX": self.prefix,
            "RETRY_DELAYS": json.dumps(self.topology.retry_delays),
            "RELAY_LEASE": "1",
            "RELAY_SLOWEST": "1",
            "TALLY_EVERY": "86400",  # what happens because time passes, a test asks for
            "AUTH_JWKS": str(self.keys.jwks),
            "AUTH_ISSUER": ISSUER,
            "AUTH_ACCOUNT_KEY": self.keys.secret("auth_account", 32),
            **(_secrets(self.keys).get(name, {})),
        }

    def database(self, name: str) -> str:
        return f"test_{self.prefix.strip('.')}_{name}"

    def mongo_of(self, name: str) -> Database:
        """That service's database, as a person with every right on it has it."""
        return self._mongo[self.database(name)]

    def module(self, name: str, **env: str) -> Module:
        """A process of that service, not started yet."""
        environment = {**self.environment(name), **env}
        return Module(f"services.{name}", environment, self.folder)

    async def start(self) -> None:
        await asyncio.gather(*(module.start_ready() for module in self.modules.values()))

    async def replace(self, name: str, **env: str) -> Module:
        """Stop that service and start it with other settings."""
        await self.modules[name].stop()
        self.modules[name] = self.module(name, **env)
        await self.modules[name].start_ready()
        return self.modules[name]

    async def stop(self) -> None:
        await asyncio.gather(*(module.stop() for module in self.modules.values()))
        await self.http.aclose()
        await self._mongo.close()
        names = self.topology.exchanges
        await delete(self.broker.url, self.topology.arguments(), names)

    def token(self, person: str) -> str:
        return self.issue(**PEOPLE[person])

    def account(self, person: str) -> str:
        """The account of that person, as the services write it down."""
        key = self.keys.secret("auth_account", 32)
        return Accounts(key, ISSUER).of(PEOPLE[person]["sub"])

    def issue(self, **claims: str) -> str:
        """A token with these claims."""
        return issue(self.keys.signing, issuer=ISSUER, audience=AUDIENCE, lifetime=3600, **claims)

    async def ask(self, person: str, method: str, path: str, **options: Any) -> httpx2.Response:
        """One request by a person of `PEOPLE`, to the service that owns the path."""
        headers = {"Authorization": f"Bearer {self.token(person)}", **options.pop("headers", {})}
        url = self.modules[owner(path)].url + path
        return await self.http.request(method, url, headers=headers, **options)

    async def streamed(self, person: str, count: int) -> str:
        """Every byte of a person's inbox as server-sent events, headers too, once so many came."""
        url = self.modules["notify"].url + "/v1/notifications/stream"
        headers = {"Authorization": f"Bearer {self.token(person)}"}
        async with self.http.stream("GET", url, headers=headers) as response:
            read = f"{response.status_code} {response.headers}"
            async for line in response.aiter_lines():
                read += f"\n{line}"
                if read.count("\ndata: ") >= count:
                    break
        return read

    async def load_sample(self) -> None:
        for path, entry in sample.ENTRIES:
            document = sample.document(path, entry)
            if "cap" in document:
                document["cap"] = 1000  # many referrals, and it is not the cap that is tested
            (await self.ask("operator", "PUT", path, json=document)).raise_for_status()
        await self._hub_is_known()

        for claims in sample.SIGNATORIES:
            token = self.issue(**claims)
            url = self.modules["referral"].url + sample.SIGNATURES
            headers = {"Authorization": f"Bearer {token}"}
            signed = await self.http.post(url, json={"version": 1}, headers=headers)
            signed.raise_for_status()

    async def load_referral_sample(self) -> None:
        """The agencies, the agreement and the Hub, where allocation does not run."""
        for path, entry in sample.ENTRIES[:4]:
            (await self.ask("operator", "PUT", path, json=entry)).raise_for_status()
        await self.hub_registered(sample.HUB, "northtown", "westby")
        await self._hub_is_known()

    async def hub_registered(self, hub_id: str, *areas: str, version: int = 1) -> None:
        """The event of a Hub's entry, as allocation sends it."""
        data = HubRegistered(hub_id=hub_id, areas=areas, spoke_ceiling="moderate", revision=version)
        event = Event(
            id=derived_id("evt", hub_id, str(version)),
            source="/services/allocation",
            type=data.event_type,
            subject=hub_id,
            time=now(),
            dataschema=schema_of(type(data)),
            correlationid=hub_id,
            version=version,
            actor="operator:usr_" + 32 * "0",
            actorrole="operator",
            data=data,
        )
        await self.publish(event.body().encode(), types=[data.event_type])

    async def _hub_is_known(self) -> None:
        async def known() -> bool:
            paths = ("/v1/referrals", "/v1/notifications", "/v1/keys")
            asked = [path for path in paths if owner(path) in self.modules]
            answers = [await self.ask("manager", "GET", path) for path in asked]
            return all(answer.status_code == HTTPStatus.OK for answer in answers)

        await until(known, deadline=20, what="the Hub being known to the services")

    async def refer(self, key: str, **changes: Any) -> httpx2.Response:
        """The school posts a referral."""
        return await self.ask(
            "school",
            "POST",
            "/v1/referrals",
            json=a_referral(agency_reference=key, **changes),
            headers={"Idempotency-Key": key},
        )

    async def trail(self, referral_id: str) -> list[dict[str, Any]]:
        """The events of a referral, in the order of the trail."""
        path = f"/v1/trail?referral_id={referral_id}&limit=500"
        answer = await self.ask("auditor", "GET", path)
        answer.raise_for_status()
        return [entry["leaf"]["event"] for entry in answer.json()["entries"]]

    async def steps(self, referral_id: str) -> "Counter[str]":
        """How often each type of event happened to a referral; looks at it don't count."""
        types = Counter(e["type"] for e in await self.trail(referral_id))
        return Counter({t: n for t, n in types.items() if not t.startswith("record.")})

    async def told(self, referral_id: str, story: Counter[str]) -> list[dict[str, Any]]:
        """The trail once it has the whole story; fails when it never comes."""

        async def complete() -> list[dict[str, Any]] | None:
            events = await self.trail(referral_id)
            return events if not story - Counter(e["type"] for e in events) else None

        found = await until(complete, deadline=30, what=f"the story of {referral_id}")
        return list(found or [])

    async def publish(self, *bodies: bytes, types: Sequence[str] = ()) -> None:
        """Events as a producer's relay sends them; each is confirmed on return. Without `types`
        only the trail hears of them."""
        async with await raw(self.broker.url) as connection:
            channel = await connection.channel(publisher_confirms=True)
            exchange = await channel.get_exchange(self.topology.events)
            for number, body in enumerate(bodies):
                if types:
                    sent = to_amqp(BusMessage.of(body))
                    await exchange.publish(sent, types[number], mandatory=True)
                else:
                    message = Message(body, delivery_mode=DeliveryMode.PERSISTENT)
                    await exchange.publish(message, "some.event")

    async def sealed(self, size: int, deadline: float = 30) -> str:
        """The newest checkpoint once it covers `size` entries."""

        async def covers() -> str:
            answer = await self.ask("school", "GET", "/checkpoint")
            enough = answer.status_code == 200 and int(answer.text.split("\n")[1]) >= size
            return answer.text if enough else ""

        return await until(covers, deadline=deadline, what=f"a checkpoint of {size} entries")

    async def quiet(self) -> None:
        """Until every outbox and every queue is empty: whatever could still happen has happened,
        and the newest checkpoint covers it.

        Queues of services that don't run are left out: nobody empties them.
        """

        pending: list[str] = []

        async def nothing_left() -> bool:
            pending[:] = await self._pending()
            return not pending

        try:
            await until(nothing_left, deadline=30, what="empty outboxes and queues")
        except AssertionError as error:
            raise AssertionError(f"{error}; left: {pending}") from None
        if "audit" in self.modules:
            await self._sealed()

    async def _sealed(self) -> None:
        # The trail is in the order of the stream: what comes in last is a mark for all before it.
        mark = a_mark()
        async with await raw(self.broker.url) as connection, connection.channel() as channel:
            events = await channel.get_exchange(self.topology.events, ensure=False)
            sent = to_amqp(BusMessage.of(mark.body()))
            await events.publish(sent, mark.type, mandatory=True, timeout=20)
        trail = self.mongo_of("audit")

        async def covered() -> bool:
            entry = await trail["entries"].find_one({"_id": mark.id}, {"seq": 1})
            larger = {"_id": {"$gt": entry["seq"]}} if entry else {}
            return bool(entry and await trail["checkpoints"].find_one(larger, {"_id": 1}))

        await until(covered, deadline=30, what="a checkpoint over all of it")

    async def _pending(self) -> list[str]:
        pending, queues = [], []
        for name in self.modules:
            database = self.mongo_of(name)
            for collection in await database.list_collection_names():
                if await database[collection].find_one({"outbox_due": {"$exists": True}}):
                    pending.append(f"{name}.{collection}")
        for queue in [q for q in QUEUES if q.partition(".")[0] in self.modules]:
            queues += [self.prefix + queue, f"{self.prefix}{queue}.dead"]
            queues += [self.topology.retry_queue(queue, level) for level in (1, 2, 3)]
        queues += self.topology.early_queues
        held = await depths(self.broker.url, queues)
        return pending + [queue for queue, count in held.items() if count]


def a_mark() -> Event[Any]:
    """An event that no service handles; the trail has it."""
    return Event[Any](
        id=new_id("evt"),
        source="/services/test",
        type=MADE,
        subject="mark",
        time=now(),
        dataschema=schema_of(ThingMade),
        correlationid="mark",
        version=1,
        actor="service:test",
        actorrole="service",
        data=ThingMade(),
    )


def owner(path: str) -> str:
    """Which service answers a path."""
    parts = [part.partition("?")[0] for part in path.split("/")[1:]]
    first = parts[1] if parts[0] == "v1" else parts[0]
    return {
        "hubs": "allocation",
        "workers": "allocation",
        "directory": "allocation",
        "allocations": "allocation",
        "closed-cases": "allocation",
        "leave-requests": "allocation",
        "handover-plans": "allocation",
        "notifications": "notify",
        "subscriptions": "notify",
        **dict.fromkeys(("trail", "checkpoint", "checkpoints", "tile", "proofs", "keys"), "audit"),
        **dict.fromkeys(("subjects", "exports", "cosignatures", "dead-letters"), "audit"),
    }.get(first, "referral")


def _secrets(keys: Keys) -> dict[str, dict[str, str]]:
    return {
        "referral": {
            "REFERRAL_MASTER_KEY": keys.secret("referral_master", 96),
            "REFERRAL_PEPPER": base64.b64encode(PEPPER).decode(),
        },
        "notify": {"NOTIFY_SECRET_KEY": keys.secret("notify", 32)},
        "audit": {"AUDIT_SIGNING_KEY": keys.secret("audit_signing", 32), "AUDIT_LEASE": "3"},
    }


@asynccontextmanager
async def running(
    broker: Broker, mongo: Mongo, folder: Path, services: Sequence[str] = SERVICES
) -> AsyncIterator[Network]:
    """The network, or some of its services, started; stopped and cleared away after."""
    network = Network(broker, mongo, f"s{secrets.token_hex(5)}.", folder, services)
    try:
        await network.start()
        yield network
    finally:
        await network.stop()
