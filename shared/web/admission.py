"""Who may send a body: asked of the head of a request, before anything of the body is received."""

from collections.abc import Sequence

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from shared.errors import UnknownMedia
from shared.web.access import Gate
from shared.web.tokens import authenticated

JSON = "application/json"


class Admission:
    """Lets a body in from those only who have a valid token and a role that may use the route."""

    def __init__(self, app: FastAPI, routes: Sequence[BaseRoute]) -> None:
        self._state = app.state
        self._routes = [
            (route, _gates(route.dependant)) for route in routes if isinstance(route, APIRoute)
        ]

    async def check(self, scope: Scope) -> None:
        """Returns for a request without a body, and for one whose body is to be received. Raises
        `Unauthenticated`, `TooMany`, `Forbidden`, `Outage`; `UnknownMedia` for a kind of body that
        the route does not take."""
        if not has_body(scope):
            return
        who = await authenticated(scope, self._state)
        for route, gates in self._routes:
            if route.matches(scope)[0] is Match.FULL:
                for gate in gates:
                    gate.admit(who)
                taken = media_of(route)
                if taken and not takes(taken, _kind(scope)):
                    raise UnknownMedia(taken)
                return

    def methods(self, scope: Scope) -> set[str]:
        """The methods that this address has, whichever routes they are."""
        found = set[str]()
        for route, _ in self._routes:
            if route.matches(scope)[0] is not Match.NONE:
                found |= route.methods or set()
        return found | ({"HEAD"} if "GET" in found else set())

    def routed(self, scope: Scope) -> Scope:
        """The scope as the route would have it that the request is for; as it is where none fits."""
        partial = scope
        for route, _ in self._routes:
            match, child = route.matches(scope)
            if match is Match.FULL:
                return {**scope, **child}
            if match is Match.PARTIAL and partial is scope:
                partial = {**scope, **child}
        return partial


def has_body(scope: Scope) -> bool:
    """Whether the head announces a body (RFC 9112, section 6)."""
    announced = dict(scope["headers"])
    return b"transfer-encoding" in announced or announced.get(b"content-length", b"0") != b"0"


def media_of(route: APIRoute) -> list[str]:
    """The kinds of body that a route takes, as its description says; none where it has no body."""
    described = (route.openapi_extra or {}).get("requestBody", {}).get("content", {})
    field = route.body_field.field_info if route.body_field is not None else None
    read = [getattr(field, "media_type", JSON)] if field is not None else []
    return list(dict.fromkeys([*described, *read]))


def takes(taken: Sequence[str], kind: str) -> bool:
    """Whether a body of this kind is one of those. What is JSON by its suffix is JSON (RFC 6839)."""
    return kind in taken or (_is_json(kind) and any(map(_is_json, taken)))


def _is_json(kind: str) -> bool:
    return kind == JSON or (kind.startswith("application/") and kind.endswith("+json"))


def _kind(scope: Scope) -> str:
    said = dict(scope["headers"]).get(b"content-type", b"").partition(b";")[0]
    return str(said.strip().lower().decode("latin-1"))


def _gates(dependant: Dependant) -> list[Gate]:
    # Not those of the trail: a refusal there is an entry, which the route makes.
    calls = (each.call for each in dependant.dependencies)
    return [call for call in calls if isinstance(call, Gate)]
