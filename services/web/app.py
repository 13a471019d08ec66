"""The composition root of the pages."""

import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from services.web import home
from services.web.advising import routes as advising
from services.web.agreeing import routes as agreeing
from services.web.api import Apis
from services.web.auditing import data as auditing_data
from services.web.auditing import routes as auditing
from services.web.auditing import taking as auditing_taking
from services.web.changing import routes as changing
from services.web.directory import routes as directory
from services.web.front import Front
from services.web.issuer import Issuer, IssuerAway
from services.web.managing import keeping_routes as keeping
from services.web.managing import marking_routes as marking
from services.web.managing import matches_routes as matches
from services.web.managing import numbers_routes as numbers
from services.web.managing import placing_routes as placing
from services.web.managing import plans_routes as plans
from services.web.managing import routes as managing
from services.web.managing import transfer_routes as transfers
from services.web.messages import live
from services.web.messages import routes as messages
from services.web.operating import routes as operating
from services.web.referring import routes as referring
from services.web.registering import routes as registering
from services.web.saying import card_routes as card_pages
from services.web.saying import staff_routes as voices
from services.web.saying_no import install
from services.web.session import Cookies
from services.web.settings import WebSettings
from services.web.signing_in import routes as signing_in
from services.web.telling import routes as telling
from services.web.words import templates
from services.web.working import routes as working
from services.web.working import sharing_routes as sharing
from services.web.young import routes as young
from services.web.young.sending import Often
from shared.operating.checking import tried
from shared.web.limits import Limits

ROUTERS: list[APIRouter] = [
    signing_in.router,
    home.router,
    referring.router,
    sharing.router,
    working.router,
    changing.router,
    managing.router,
    placing.router,
    matches.router,
    keeping.router,
    numbers.router,
    plans.router,
    transfers.router,
    marking.router,
    agreeing.router,
    registering.router,
    operating.router,
    messages.router,
    live.router,
    auditing.router,
    auditing_data.router,
    auditing_taking.router,
    telling.router,
    young.router,
    card_pages.router,
    advising.router,
    voices.router,
    directory.router,
]
STATIC = Path(__file__).parent / "static"
# A page has one script. Where it has more to do, that is one file, made of these one behind the other.
SCRIPTS = {"proof.js": ("page.js", "proof.js", "tiles.js", "checking.js")}
KINDS = {".css": "text/css", ".js": "text/javascript"}
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Everybody:
    """Who may send a form: decided by the page, which knows the session."""

    async def check(self, scope: Scope) -> None:
        """Nobody is turned away before."""

    def routed(self, scope: Scope) -> Scope:
        """Which page it was for is not said: nothing of it was read."""
        return scope


class Pages(FastAPI):
    """The pages, and in front of them what each request passes."""

    front: Front

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        try:
            await self.front(scope, receive, send)
        finally:
            if "line" in scope:
                scope["line"].routed(scope)

    async def routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """To the page that it is for."""
        await super().__call__(scope, receive, send)


def build(settings: WebSettings, transport: httpx2.AsyncBaseTransport | None = None) -> FastAPI:
    """The pages, ready to be served. With a `transport` the APIs and the issuer are reached by it."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await apis.close()

    app = Pages(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    apis, issuer, cookies = (
        Apis(settings, transport),
        Issuer(settings, transport),
        Cookies(settings),
    )
    held = _held()
    assets = {name: f"/static/{_tag(content)}/{name}" for name, content in held.items()}
    app.state.settings, app.state.apis, app.state.issuer = settings, apis, issuer
    app.state.cookies, app.state.templates = cookies, templates(settings, assets)
    app.state.limits, app.state.admission = Limits(settings), Everybody()
    app.state.often = Often(settings.web_self_rate)
    app.front = Front(app.routed, settings, cookies, issuer)
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(_own(held, issuer))
    install(app)
    return app


async def check(settings: WebSettings) -> int:
    """Print what answers of what the pages need; how many do not."""
    return await tried("web", {"issuer": ("WEB_METADATA", Issuer(settings).ready)})


def _held() -> dict[str, bytes]:
    files = {path.name: path.read_bytes() for path in STATIC.iterdir()}
    made = {name: b"\n".join(files[one] for one in parts) for name, parts in SCRIPTS.items()}
    return files | made


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _own(held: dict[str, bytes], issuer: Issuer) -> APIRouter:
    router = APIRouter()

    @router.get("/static/{tag}/{name}")
    async def get_static(tag: str, name: str) -> Response:
        content = held.get(name)
        if content is None or tag != _tag(content):
            raise HTTPException(404)
        kind = KINDS[Path(name).suffix]
        return Response(content, headers={"Cache-Control": FOR_EVER}, media_type=kind)

    @router.get("/favicon.ico")
    async def get_icon() -> Response:
        return Response(status_code=204, headers={"Cache-Control": FOR_EVER})

    @router.get("/livez")
    async def get_livez() -> Response:
        return PlainTextResponse("ok")

    @router.get("/readyz")
    async def get_readyz() -> Response:
        try:
            await issuer.ready()
        except IssuerAway:
            return PlainTextResponse("the issuer is away", 503)
        return PlainTextResponse("ok")

    return router
