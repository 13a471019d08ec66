"""Wires services into one process: store, bus, relay, HTTP, health, a clean start and stop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response
from opentelemetry import metrics, trace
from pymongo import AsyncMongoClient

from shared import faults
from shared.body_limit import ProblemForTooLarge
from shared.bus import Bus, Feed, Queue
from shared.bus.rabbit import RabbitBus
from shared.bus.topology import QUEUES, Topology
from shared.cancellation import heed
from shared.dispatch import Handlers, dispatcher
from shared.problems import COMMON, answer, install
from shared.relay import Relay
from shared.settings import Settings
from shared.store import Database
from shared.telemetry import log, set_up
from shared.tokens import Keys, Tokens

MAX_BODY = 1024 * 1024
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


Build = Callable[[Platform], Service]


def mongo(url: str) -> "AsyncMongoClient[dict[str, object]]":
    """A client whose every acknowledged write is on disk (and on a majority, where there is one)."""
    return AsyncMongoClient(
        url,
        w="majority",
        journal=True,
        wTimeoutMS=5000,
        serverSelectionTimeoutMS=3000,
        # Of heartbeats too. One that is late ends all that is under way: soon, where the store is cut
        # off, but not because it was busy for a moment.
        connectTimeoutMS=5000,
        socketTimeoutMS=10000,
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
        self._relays: list[Relay] = []
        self._services = [self._build(name, build) for name, build in builds.items()]
        self._prepared = False

    def _build(self, name: str, build: Build) -> Service:
        database = self._client[self._settings.mongo_database or f"hub_{name}"]
        relay = Relay(name, self._bus, lease=self._settings.relay_lease)
        self._relays.append(relay)
        service = build(Platform(database, relay))
        for queue, handlers in service.handlers.items():
            if set(handlers) != set(QUEUES[queue]):
                raise ValueError(f"{queue} is bound to other events than it handles")
            handle = dispatcher(queue, handlers)
            self._bus.subscribe(Queue(queue, tuple(handlers), handle))
        if service.feed:
            self._bus.feed(service.feed)
        return service

    def app(self) -> FastAPI:
        """The HTTP side. Background work starts and stops with it."""
        app = FastAPI(
            title="Hub and Spoke referral network",
            version="1",
            lifespan=self._lifespan,
            docs_url=None,  # the page would load scripts from a stranger's server
            redoc_url=None,
            max_body_size=MAX_BODY,
            generate_unique_id_function=lambda route: route.name,
            telemetry={
                "tracer_provider": trace.get_tracer_provider(),
                "meter_provider": metrics.get_meter_provider(),
                "logs": False,  # they would carry exception texts
                "operation_spans": False,
                "exclude": lambda scope: scope.get("path") in ("/livez", "/readyz"),
            },
        )
        app.state.tokens = Tokens(
            Keys(self._settings.auth_jwks), self._settings.auth_issuer, self._settings.auth_audience
        )
        app.state.development = self._settings.environment == "development"
        install(app)
        for service in self._services:
            setattr(app.state, service.name, service.state)
            for router in service.routers:
                app.include_router(router, responses=COMMON)
        app.include_router(_health(self))
        return app

    async def ready(self) -> bool:
        """Whether requests and events would be served now."""
        if not (self._prepared and self._bus.ready):
            return False
        with contextlib.suppress(Exception):
            await self.probe()
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

    async def _prepare(self) -> None:
        # Requests are answered 503 by /readyz until this has worked once.
        while not self._prepared:
            heed()
            try:
                for service in self._services:
                    await service.prepare()
                self._prepared = True
            except Exception as error:  # the store isn't there yet: keep trying
                log.warning("start.waiting", error=type(error).__name__)
                await asyncio.sleep(1)

    async def _keep(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        while True:
            heed()
            try:
                await loop()
            except Exception as error:  # a background loop outlives any failure of one round
                log.error("loop.failed", service=name, error=type(error).__name__)
            await asyncio.sleep(0.5)


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


def serve(app: FastAPI, settings: Settings) -> uvicorn.Server:
    """A uvicorn server: no access log (it prints paths), a bounded graceful stop."""
    return uvicorn.Server(
        uvicorn.Config(
            ProblemForTooLarge(app),
            host=settings.http_host,
            port=settings.http_port,
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=10,
            server_header=False,
        )
    )


async def run_alone(name: str, settings: Settings, build: Build) -> None:
    """One service against AMQP_URL and MONGO_URL, until SIGTERM or SIGINT."""
    if faults.armed() and settings.environment != "development":
        raise SystemExit("FAULTS is set outside development")
    set_up(name, settings.log_level)
    client = mongo(settings.mongo_url.get_secret_value())

    async def probe() -> None:
        await client.admin.command("ping")

    topology = Topology(prefix=settings.bus_prefix, retry_delays=settings.retry_delays)
    bus = RabbitBus(settings.amqp_url.get_secret_value(), name, probe, topology)
    process = Process(settings, client, bus, {name: build})
    await serve(process.app(), settings).serve()
