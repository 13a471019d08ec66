"""One address for the APIs, the pages and the issuer for trying, as a proxy makes it elsewhere."""

from fastapi import FastAPI
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import Receive, Scope, Send

from allinone.guide import GUIDE
from allinone.issuer import PEOPLE_PATH
from shared.web.admission import Admission

APIS = ("/v1", "/docs", "/openapi.json", "/checkpoint", "/tile", "/livez", "/readyz")


class OneAddress(FastAPI):
    """Passes each request on to whom it is for. It starts and stops with the APIs."""

    apis: FastAPI
    pages: FastAPI
    issuer: FastAPI
    base: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and not _is_this_machine(scope):
            await PlainTextResponse("Use http://127.0.0.1.", 421)(scope, receive, send)
        elif scope["type"] != "http" or _within(path, *APIS):
            await self.apis(scope, receive, send)
        elif _host(scope) == b"localhost":
            # A browser keeps cookies for each name: who signs in at one is nobody at the other.
            query = scope["query_string"].decode("latin-1")
            there = f"{self.base}/{path.lstrip('/')}" + (f"?{query}" if query else "")
            await RedirectResponse(there)(scope, receive, send)
        elif _within(path, PEOPLE_PATH, GUIDE):
            await self.issuer(scope, receive, send)
        else:
            await self.pages(scope, receive, send)


def _is_this_machine(scope: Scope) -> bool:
    """Whether it was called by an address of this machine: a name of somebody else's that leads here
    would make their pages ours (DNS rebinding)."""
    return _host(scope) in (b"127.0.0.1", b"localhost", b"")


def _host(scope: Scope) -> bytes:
    named: bytes = dict(scope["headers"]).get(b"host", b"")
    return named.partition(b":")[0]


def _within(path: str, *places: str) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


class Admitted:
    """Who may send a body: to an API those whom it lets in; to a page anybody, for it looks itself."""

    def __init__(self, apis: Admission) -> None:
        self._apis = apis

    async def check(self, scope: Scope) -> None:
        """Returns where the body is to be received. Raises what `Admission.check` does."""
        if _within(scope["path"], *APIS):
            await self._apis.check(scope)

    def routed(self, scope: Scope) -> Scope:
        """The scope as the route would have it that the request is for."""
        return self._apis.routed(scope) if _within(scope["path"], *APIS) else scope


def one_address(apis: FastAPI, pages: FastAPI, issuer: FastAPI, base: str) -> OneAddress:
    """All three at one address, `base`. Its limits are those of the APIs."""
    made = OneAddress(openapi_url=None, docs_url=None, redoc_url=None)
    made.apis, made.pages, made.issuer, made.base = apis, pages, issuer, base
    made.state.limits, made.state.admission = apis.state.limits, Admitted(apis.state.admission)
    return made
