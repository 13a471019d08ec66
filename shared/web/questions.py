"""Questions: one with a parameter that the route has not is refused.

An answer to another question than was asked would be taken for the answer.
"""

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from shared.errors import Malformed


def parameters_of(dependant: Dependant) -> set[str]:
    """The names of all query parameters of a route, those of its dependencies included."""
    names = {field.alias for field in dependant.query_params}
    return names.union(*(parameters_of(inner) for inner in dependant.dependencies))


def only_known(request: Request) -> None:
    """Raises `Malformed` for a parameter that this route has not; what it was called is not said."""
    route: APIRoute = request.scope["route"]
    known = parameters_of(route.dependant)
    if not known.issuperset(request.query_params):
        allowed = ", ".join(sorted(known)) or "none"
        raise Malformed("/query", "unknown_parameter", f"Only: {allowed}.")
