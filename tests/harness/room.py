"""The allocation service in this process, on a real store and the in-process bus."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from pydantic import SecretStr
from pymongo import AsyncMongoClient

from allinone.embedded import AUDIENCE, ISSUER, Keys
from services.allocation.app import AllocationSettings, build
from services.allocation.caseload.worker import Worker
from services.allocation.records import Allocation
from services.allocation.store import Stores
from shared.clock import now
from shared.events import D, Event, schema_of
from shared.events.agency import AgencyRegistered
from shared.events.referral import Concern, ReferralAmended, ReferralReceived, ReferralStatusChanged
from shared.events.sharing import SafetyMarked
from shared.ids import derived_id
from shared.messaging.bus import Feed, Message
from shared.messaging.memory import MemoryBus
from shared.operating.runner import Process, mongo
from shared.rules.sharing import SharingState
from shared.storage.store import Store
from shared.web.tokens import issue
from tests.harness.waiting import PATIENCE, until

HUB = "hub_north"
PEOPLE: dict[str, dict[str, str]] = {
    "operator": {"role": "operator"},
    "manager": {"role": "hub_manager", "hub_id": HUB},
    "odd|manager@example.org": {"role": "hub_manager", "hub_id": HUB},
    "second": {"role": "hub_manager", "hub_id": HUB},
    "twofold": {"role": "hub_manager", "hub_id": HUB, "worker_id": "wk_one"},
    "stranger": {"role": "hub_manager", "hub_id": "hub_south"},
    "school": {"role": "agency", "agency_id": "ag_school"},
}


class Room:
    """People, requests, referrals; and time, which passes only when a test says so."""

    def __init__(self, client: "AsyncMongoClient[Any]", url: str, database: str, folder: Path):
        self.keys = Keys(folder / "keys")
        settings = AllocationSettings(
            environment="development",
            amqp_url=SecretStr("memory:"),
            mongo_url=SecretStr(url),
            mongo_database=database,
            auth_jwks=str(self.keys.jwks),
            auth_issuer=ISSUER,
            auth_audience=AUDIENCE,
            auth_account_key=SecretStr(self.keys.secret("auth_account", 32)),
        )
        self.bus = MemoryBus(client[database]["dead"], self._probe, retry_delays=(0.1, 0.2, 0.3))
        self.events: list[dict[str, Any]] = []
        self.bus.feed(Feed("audit", self._append, self._offset))
        self.process = Process(
            settings, mongo(url, PATIENCE), self.bus, {"allocation": build(settings)}
        )
        self.app = self.process.app()
        self.stores: Stores = self.app.state.allocation
        transport = httpx2.ASGITransport(app=self.app)
        self.http = httpx2.AsyncClient(transport=transport, base_url="http://room.example")

    async def _probe(self) -> None:
        """The store answers."""

    async def _append(self, entries: Any) -> None:
        self.events += [
            Event[Any].model_validate_json(e.message.body).model_dump() for e in entries
        ]

    async def _offset(self) -> None:
        return None

    def account(self, person: str) -> str:
        """The account of that person, as the service writes it down."""
        account: str = self.app.state.tokens.accounts.of(person)
        return account

    async def ask(self, person: str, method: str, path: str, **options: Any) -> httpx2.Response:
        """A request by someone of `PEOPLE`, spelled as you like, or by the worker of that id."""
        claims = PEOPLE.get(person.lower(), {"role": "worker", "worker_id": person})
        claims = {"sub": person, **claims}
        token = issue(self.keys.signing, issuer=ISSUER, audience=AUDIENCE, lifetime=600, **claims)
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **options)

    async def hub(self, **changes: Any) -> None:
        """Register the Hub."""
        entry = {"name": "North Hub", "areas": ["northtown"], **changes}
        (await self.ask("operator", "PUT", f"/v1/hubs/{HUB}", json=entry)).raise_for_status()

    async def worker(self, worker_id: str, **changes: Any) -> None:
        """Register a worker of that Hub."""
        (await self.put_worker(worker_id, by="operator", **changes)).raise_for_status()

    async def put_worker(
        self, worker_id: str, tag: str | None = None, by: str = "manager", **changes: Any
    ) -> httpx2.Response:
        entry = {
            "hub_id": HUB,
            "worker_role": "hub_worker",
            "areas": ["northtown"],
            "host_setting": "hub",
            "cap": 20,
            **changes,
        }
        headers = {"If-Match": tag} if tag else {}
        return await self.ask(by, "PUT", f"/v1/workers/{worker_id}", json=entry, headers=headers)

    async def refer(self, key: str, *codes: str, subject: str = "", **changes: Any) -> str:
        """A referral arrives; returns its id once it was handled."""
        event = a_referral(key, *codes, subject=subject, **changes)
        await self.bus.publish(Message.of(event.body()))
        return event.subject

    async def status(self, referral_id: str, status: str, previous: str, version: int) -> None:
        """The referral's state has changed; handled on return."""
        data = ReferralStatusChanged.model_validate(
            {
                "referral_id": referral_id,
                "subject_id": "sub_one",
                "subject_version": 1,
                "agency_id": "ag_school",
                "status": status,
                "previous": previous,
                "urgency": "five_working_days",
                "due_at": now(),
            }
        )
        await self.bus.publish(Message.of(_envelope(referral_id, data, version).body()))

    async def amend(self, key: str, *codes: str, version: int, **changes: Any) -> None:
        """The referral was amended; handled on return."""
        event = an_amendment(key, *codes, version=version, **changes)
        await self.bus.publish(Message.of(event.body()))

    async def mark(self, subject_id: str, *names: str, version: int = 2) -> None:
        """The people and agencies of these names, and nobody else, are unsafe; handled on return."""
        await self.bus.publish(Message.of(a_mark(subject_id, *names, version=version).body()))

    async def stands(
        self, referral_id: str, status: str, worker_id: str | None = None
    ) -> Allocation:
        """The allocation once it is in this state (with this worker)."""

        async def there() -> Allocation | None:
            found = await self.stores.allocations.get(referral_id)
            right = found.status == status and (worker_id is None or found.worker_id == worker_id)
            return found if right else None

        found = await until(there, deadline=20, what=f"{referral_id} being {status}")
        assert found is not None
        return found

    async def caseloads(self, **expected: int) -> None:
        """Until the workers hold just so much."""

        async def there() -> bool:
            workers = await self.stores.workers.find({"_id": {"$in": list(expected)}})
            return {w.id: w.caseload for w in workers} == expected

        await until(there, deadline=20, what=f"the caseloads {expected}")

    async def told(self, event_type: str, count: int = 1) -> list[dict[str, Any]]:
        """The events of that type, once there are so many."""

        async def there() -> list[dict[str, Any]] | None:
            found = [e for e in self.events if e["type"] == event_type]
            return found if len(found) >= count else None

        return list(await until(there, deadline=20, what=f"{count} of {event_type}") or [])

    async def run_out(self, store: Store[Any], record_id: str, clock: str, field: str) -> datetime:
        """Let a timer have run out a minute ago; its loop looks at once."""
        past = now() - timedelta(minutes=1)
        await store.collection.update_one({"_id": record_id}, {"$set": {clock: past, field: past}})
        store.claims.wake(clock).soon()
        return past

    async def a_worker(self, worker_id: str) -> Worker:
        return await self.stores.workers.get(worker_id)


def a_referral(key: str, *codes: str, subject: str = "", **changes: Any) -> Event[ReferralReceived]:
    """The event of a referral, as the referral service sends it."""
    referral_id, at = derived_id("ref", key), now()
    agency = str(changes.get("agency_id", "ag_school"))
    data = ReferralReceived.model_validate(
        {
            "referral_id": referral_id,
            "subject_id": subject or derived_id("sub", key),
            "agency_id": agency,
            "urgency": "five_working_days",
            "received_at": at,
            "due_at": at + timedelta(days=5),
            "age_band": "13_to_15",
            "area": "northtown",
            "concerns": [
                Concern(code=code, recency="current", agency_id=agency, reported_at=at)
                for code in codes
            ],
            "settings_avoided": (),
            **changes,
        }
    )
    return _envelope(referral_id, data, 1)


def an_agency(agency_id: str, version: int = 1, *, active: bool = True) -> Event[AgencyRegistered]:
    """The event of an agency, as the referral service sends it."""
    said = AgencyRegistered(agency_id=agency_id, kind="3f", areas=(), active=active)
    return _envelope(agency_id, said, version)


def an_amendment(key: str, *codes: str, version: int, **changes: Any) -> Event[ReferralAmended]:
    """The event of an amendment, or of a referral found to be about another `subject`."""
    received = a_referral(key, *codes, **changes).data
    amended = ("subject_id",) if "subject" in changes else ("indicators",)
    data = ReferralAmended.model_validate({**dict(received), "amended": amended})
    return _envelope(received.referral_id, data, version)


def a_mark(subject_id: str, *names: str, version: int = 2) -> Event[SafetyMarked]:
    """The event of a safety mark, as the referral service sends it."""
    data = SafetyMarked(
        subject_id=subject_id,
        referral_id="ref_any",
        referral_ids=(),
        sharing=SharingState(
            unsafe_agencies=tuple(n.removeprefix("agency:") for n in names if n[:7] == "agency:")
        ),
        unsafe_names=tuple(sorted(names)),
        marked_kind="worker",
        marked_id="wk_any",
        relation="alleged_perpetrator",
        unsafe=bool(names),
    )
    return _envelope(subject_id, data, version)


def _envelope(referral_id: str, data: D, version: int) -> Event[D]:
    return Event(
        id=derived_id("evt", referral_id, data.event_type, str(version)),
        source="/services/referral",
        type=data.event_type,
        subject=referral_id,
        time=now(),
        dataschema=schema_of(type(data)),
        correlationid=referral_id,
        version=version,
        actor="agency:ag_school",
        actorrole="agency",
        data=data,
    )


@asynccontextmanager
async def opened(
    client: "AsyncMongoClient[Any]", url: str, database: str, folder: Path
) -> AsyncIterator[Room]:
    """The service, running."""
    room = Room(client, url, database, folder)
    async with room.app.router.lifespan_context(room.app):
        await until(room.process.ready, deadline=20)
        yield room
    await room.http.aclose()
