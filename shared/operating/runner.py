"""Wires services into one process: store, bus, relay, HTTP, health, a clean start and stop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from fastapi import APIRouter, FastAPI, Request, Response
from opentelemetry import metrics, trace
from pymongo import AsyncMongoClient
from starlette.routing import BaseRoute

from shared.messaging.bus import Bus, Feed, Queue
from shared.messaging.dispatch import Handlers, dispatcher
from shared.messaging.relay import Relay
from shared.messaging.topology import QUEUES
from shared.operating.cancellation import raise_if_cancelled
from shared.operating.measures import Measure, everywhere, measure
from shared.operating.refusals import Refusal, Refusals
from shared.operating.seen import Account, SeenAccounts
from shared.operating.settings import Settings
from shared.operating.tallies import Tallies
from shared.operating.telemetry import log
from shared.storage.store import Database, Store
from shared.web.access import HasLeft, SayRefused, knowing, nobody, untold
from shared.web.accounts import Accounts
from shared.web.admission import Admission
from shared.web.codes_route import router as codes
from shared.web.description import ABOUT
from shared.web.docs_route import docs_of
from shared.web.headers import Api
from shared.web.issuer_keys import Keys
from shared.web.limits import Limits
from shared.web.problems import COMMON, answer, install
from shared.web.tokens import Tokens

DRAIN = 5.0


@dataclass(frozen=True)
class Platform:
    """What a service is built on: its own database, its relay. Nothing of another service."""

    database: Database
    relay: Relay


@dataclass(frozen=True)
class Service:
    """A service as its `app.py` composes it."""

    name: str
    state: object
    routers: Sequence[APIRouter]
    prepare: Callable[[], Awaitable[None]]
    handlers: Handlers = field(default_factory=dict)
    feed: Feed | None = None
    loops: Sequence[Callable[[], Awaitable[None]]] = ()
    measures: Sequence[Measure] = ()
    has_left: HasLeft = nobody
    refused: SayRefused = untold


Build = Callable[[Platform], Service]


def mongo(url: str, patience: float = 1.0) -> "AsyncMongoClient[dict[str, object]]":
    """A client whose every acknowledged write is on disk (and on a majority, where there is one).

    `patience` makes all deadlines so many times longer, for a store on a very busy machine.
    """
    return AsyncMongoClient(
        url,
        w="majority",
        journal=True,
        wTimeoutMS=int(5000 * patience),
        serverSelectionTimeoutMS=int(3000 * patience),
        # Of heartbeats too. One that is late ends all that is under way: soon, where the store is cut
        # off, but not because it was busy for a moment.
        connectTimeoutMS=int(5000 * patience),
        socketTimeoutMS=int(10000 * patience),
        maxPoolSize=50,
        tz_aware=True,
    )


class Process:
    """One or more services in one process, on one bus and one port."""

    def __init__(
        self,
        settings: Settings,
        client: "AsyncMongoClient[dict[str, object]]",
        bus: Bus,
        builds: dict[str, Build],
    ) -> None:
        self._settings, self._client, self._bus = settings, client, bus
        self._tokens = _tokens(settings)
        self._relays, self._seen = list[Relay](), list[SeenAccounts]()
        self._prepares = list[Callable[[], Awaitable[None]]]()
        self._services, self._prepared = [self._build(*named) for named in builds.items()], False

    def _build(self, name: str, build: Build) -> Service:
        given = self._settings
        database = self._client[given.mongo_database or f"hub_{name}"]
        relay = Relay(name, self._bus, lease=given.relay_lease, poll_slowest=given.relay_slowest)
        self._relays.append(relay)
        service = build(Platform(database, relay))
        kept = timedelta(days=given.sent_kept_days)
        tallies = Tallies(database, relay, every=given.tally_every, kept=kept)
        self._prepares.append(tallies.prepare)
        service = replace(service, loops=[*service.loops, tallies.run])
        for queue, handlers in {**service.handlers, **tallies.handlers}.items():
            types = tuple(handler.type for handler in handlers)
            if set(types) != set(QUEUES[queue]):
                raise ValueError(f"{queue} is bound to other events than it handles")
            self._bus.subscribe(Queue(queue, types, dispatcher(queue, handlers)))
        if service.feed:
            self._bus.feed(service.feed)
        else:  # whoever asks the trail is in it by that
            self._seen.append(SeenAccounts(Store(database["accounts"], Account, relay)))
            refusals = Refusals(Store(database["refusals"], Refusal, relay))
            self._prepares += [self._seen[-1].prepare, refusals.prepare]
            loops = [*service.loops, refusals.prune]
            service = replace(service, refused=refusals.record, loops=loops)
        return service

    def app(self) -> FastAPI:
        """The HTTP side. Background work starts and stops with it."""
        app = Api(
            title="Hub and Spoke referral network",
            version="1",
            description=ABOUT,
            lifespan=self._lifespan,
            docs_url=None,  # its page would load scripts from a stranger's server: ours is `docs_of`
            redoc_url=None,
            openapi_url="/openapi.json" if self._settings.api_description else None,
            generate_unique_id_function=lambda route: route.name,
            telemetry={
                "tracer_provider": trace.get_tracer_provider(),
                "meter_provider": metrics.get_meter_provider(),
                "logs": False,  # they would carry exception texts
                "operation_spans": False,
                "exclude": lambda scope: scope.get("path") in ("/livez", "/readyz"),
            },
        )
        app.state.tokens, app.state.seen = self._tokens, self._seen[:1]
        app.state.limits = Limits(self._settings)
        app.state.development = self._settings.environment == "development"
        install(app)
        for service in self._services:
            setattr(app.state, service.name, service.state)
            known = [knowing(service.has_left, service.refused)]
            for router in service.routers:
                app.include_router(router, responses=COMMON, dependencies=known)
        app.include_router(_health(self))
        if self._settings.api_description:
            app.include_router(docs_of(app))
            app.include_router(codes)
        app.state.admission = Admission(app, self._routes())
        return app

    def _routes(self) -> list[BaseRoute]:
        return [each for one in self._services for router in one.routers for each in router.routes]

    async def ready(self) -> bool:
        """Whether requests and events would be served now: without the issuer's keys nobody is."""
        if self._prepared and self._bus.ready:
            with contextlib.suppress(Exception):
                await self.probe()
                await self._tokens.ready()
                return True
        return False

    async def probe(self) -> None:
        """Returns if the store answers; raises otherwise."""
        await self._client.admin.command("ping")

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        work = asyncio.create_task(self._work())
        try:
            yield
        finally:
            with contextlib.suppress(TimeoutError):  # what is left stays in its outbox
                async with asyncio.timeout(DRAIN):
                    while any(relay.busy for relay in self._relays):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
            work.cancel()
            await asyncio.wait({work}, timeout=10)
            await self._client.close()

    async def _work(self) -> None:
        await self._prepare()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._bus.run())
            for relay in self._relays:
                tasks.create_task(relay.run())
            for service in self._services:
                for loop in service.loops:
                    tasks.create_task(self._keep(service.name, loop))
            needed = {"store": self.probe, "issuer": self._tokens.ready}
            measures = [each for service in self._services for each in service.measures]
            every = [*everywhere(needed, self._bus, self._relays), *measures]
            tasks.create_task(measure(every, self._settings.metrics_every))

    async def _prepare(self) -> None:
        # Requests are answered 503 by /readyz until this has worked once.
        while not self._prepared:
            raise_if_cancelled()
            try:
                for one in [*self._prepares, *(s.prepare for s in self._services)]:
                    await one()
                self._prepared = True
            except Exception as error:  # the store isn't there yet: keep trying
                log.warning("start.waiting", error=type(error).__name__)
                await asyncio.sleep(1)

    async def _keep(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        while True:
            raise_if_cancelled()
            try:
                await loop()
            except Exception as error:  # a background loop outlives any failure of one round
                log.error("loop.failed", service=name, error=type(error).__name__)
            await asyncio.sleep(0.5)


def _tokens(settings: Settings) -> Tokens:
    accounts = Accounts(settings.auth_account_key.get_secret_value(), settings.auth_issuer)
    keys, claims = Keys(settings.auth_jwks, settings.auth_issuer), settings.claims
    return Tokens(keys, settings.auth_issuer, settings.auth_audience, accounts, claims)


def _health(process: Process) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/livez", include_in_schema=False)
    async def livez() -> Response:
        return Response("ok", media_type="text/plain")

    @router.get("/readyz", include_in_schema=False)
    async def readyz(_: Request) -> Response:
        if await process.ready():
            return Response("ok", media_type="text/plain")
        return answer(503, "not_ready")

    return router
