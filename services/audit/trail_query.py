"""One question to the trail: who asks what, for which purpose. Each is recorded exactly once.

A route answers only what it has recorded (`answered`). Whatever refuses a question, its form, the
caller's role or a rule, `RecordedRoute` records the refusal before it is told.
"""

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any, get_args

from fastapi import Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import WithJsonSchema
from starlette.exceptions import HTTPException

from services.audit.log.store import Signed
from services.audit.recordable import (
    CODE,
    RESOURCES,
    UNKNOWN,
    Purpose,
    asked_in,
    faults_in,
    only_codes,
    recordable,
)
from services.audit.search.checked import SearchFields
from services.audit.search.complete import complete_for
from services.audit.state import Audit
from shared.errors import BadRequest, Forbidden, Malformed, NotFound, Refused
from shared.web.questions import parameters_of
from shared.web.tokens import AnyCaller, Caller

REFUSALS = (Forbidden, Refused, BadRequest, Malformed, RequestValidationError, HTTPException)

Code = Annotated[str, Query(pattern=CODE)]
# Described as a code, and checked by `trail_query`: a question with an unknown purpose is recorded, too.
PURPOSES = get_args(Purpose)
APurpose = Annotated[str, WithJsonSchema({"type": "string", "enum": list(PURPOSES)})]


def audit(request: Request) -> Audit:
    """The service's parts, as `app.py` wired them."""
    found: Audit = request.app.state.audit
    return found


TheAudit = Annotated[Audit, Depends(audit)]


class TrailQuery:
    """Carries one question to its record. Answer only what has been recorded."""

    def __init__(self, parts: Audit, caller: Caller, resource: str, asked: dict[str, str]) -> None:
        self.audit, self.caller, self.resource, self.asked = parts, caller, resource, asked
        self.purpose: str | None = None
        self._recorded = False

    async def newest(self) -> Signed:
        """The checkpoint to answer from; before the first, an empty trail."""
        return await self.audit.trail.newest() or Signed(0, b"", "")

    async def complete_for(
        self, size: int, where: Mapping[str, Any] = {}, fields: SearchFields | None = None
    ) -> str:
        """In words, which entries an answer from the trail of this size stands for, and whether what
        they are found by is in doubt."""
        said = complete_for(size, (await self.audit.trail.state())["size"], where)
        return said + (fields.doubt() if fields else "")

    async def answered(self, *, count: int, size: int) -> None:
        """Record that the answer holds `count` entries of the trail of this size."""
        self._recorded = True
        await self.audit.queries.record(
            self.caller,
            self.resource,
            self.asked,
            purpose=self.purpose,
            outcome="answered",
            count=count,
            size=size,
        )

    async def refused(self) -> None:
        """Record that nothing is told, unless this question is recorded already."""
        if not self._recorded:
            self._recorded = True
            await self.audit.queries.record(
                self.caller, self.resource, self.asked, purpose=self.purpose, outcome="refused"
            )

    async def not_found(self) -> None:
        """Record that there was nothing to tell, unless this question is recorded already."""
        if not self._recorded:
            await self.answered(count=0, size=0)


async def trail_query(
    request: Request,
    parts: TheAudit,
    caller: AnyCaller,
    purpose: Annotated[
        APurpose | None, Query(description="Why you ask, by its code. It is recorded.")
    ] = None,
) -> TrailQuery:
    """The question of this request. Raises `Malformed` for a purpose, a parameter or a code that is
    none of ours: an answer to another question than was asked would be taken for the answer."""
    route: APIRoute = request.scope["route"]
    asked = await recordable(parts.trail, asked_in(request, route))
    question = TrailQuery(parts, caller, RESOURCES[route.name], asked)
    request.state.question = question
    if purpose is not None and purpose not in PURPOSES:
        question.purpose = UNKNOWN
        raise Malformed(
            "/query/purpose",
            "literal_error",
            f"None there is. One of: {', '.join(sorted(PURPOSES))}.",
        )
    question.purpose = purpose
    known = parameters_of(route.dependant)
    if not known.issuperset(request.query_params):
        question.asked["parameter"] = UNKNOWN
        raise Malformed("/query", "unknown_parameter", f"Only: {', '.join(sorted(known))}.")
    only_codes(question.asked, "/query")
    return question


Question = Annotated[TrailQuery, Depends(trail_query)]


class RecordedRoute(APIRoute):
    """A route whose question becomes an entry of the trail also when it is refused."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, around which every refusal is recorded first."""
        handle = super().get_route_handler()

        async def recorded(request: Request) -> Response:
            try:
                return await handle(request)
            except REFUSALS as error:
                if (question := _question(request)) is not None:
                    question.asked |= faults_in(error)
                    await question.refused()
                raise
            except NotFound:
                if (question := _question(request)) is not None:
                    await question.not_found()
                raise

        return recorded


def _question(request: Request) -> TrailQuery | None:
    # None where nobody asks: without a valid token there is no caller to name.
    return getattr(request.state, "question", None)
