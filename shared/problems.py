"""Every error as a problem document (RFC 9457). The one file that knows HTTP status codes.

Nothing the caller sent is ever quoted back: an answer ends up in logs of other people's systems.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from opentelemetry import trace
from pydantic import BaseModel
from pymongo.errors import ConnectionFailure, ExecutionTimeout, WriteConcernError
from starlette.exceptions import HTTPException

from shared.errors import (
    AlreadyThere,
    BadRequest,
    Forbidden,
    Malformed,
    Mismatch,
    NotFound,
    Outage,
    PreconditionMissing,
    Refused,
    Stale,
    Unauthenticated,
)
from shared.telemetry import log

CONTENT_TYPE = "application/problem+json"
STORE_AWAY = (ConnectionFailure, ExecutionTimeout, WriteConcernError)


class FieldFault(BaseModel):
    """One fault of the document: where (JSON Pointer, RFC 6901) and what kind."""

    pointer: str
    code: str
    message: str


class Problem(BaseModel):
    """RFC 9457 problem details. `code` is stable; `instance` finds the request in traces."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str | None = None
    instance: str | None = None
    errors: list[FieldFault] | None = None


def answer(
    status: int,
    code: str,
    detail: str | None = None,
    *,
    errors: Sequence[FieldFault] | None = None,
    headers: dict[str, str] | None = None,
    extra: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem document as an HTTP answer."""
    context = trace.get_current_span().get_span_context()
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        instance=f"urn:trace:{context.trace_id:032x}" if context.is_valid else None,
        errors=list(errors) if errors is not None else None,
    )
    content = {**(extra or {}), **problem.model_dump(exclude_none=True)}
    return JSONResponse(content, status, headers, media_type=CONTENT_TYPE)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entry for these problem statuses."""
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "model": Problem, "content": content}
        for status in statuses
    }


COMMON = responses(400, 401, 403, 404, 409, 413, 422, 503)
CONDITIONAL = responses(412, 428)


def install(app: FastAPI) -> None:
    """Render every exception of `shared.errors`, and every other one, as a problem."""

    @app.exception_handler(Refused)
    async def _(_: Request, error: Refused) -> JSONResponse:
        return answer(409, error.code, error.message, extra=error.extra)

    @app.exception_handler(AlreadyThere)
    async def _(_: Request, __: AlreadyThere) -> JSONResponse:
        return answer(409, "already_there", "It exists already.")

    @app.exception_handler(NotFound)
    async def _(_: Request, __: NotFound) -> JSONResponse:
        return answer(404, "not_found", "There is nothing here that you may see.")

    @app.exception_handler(Forbidden)
    async def _(_: Request, __: Forbidden) -> JSONResponse:
        return answer(403, "forbidden", "Your role may not do this.")

    @app.exception_handler(Unauthenticated)
    async def _(_: Request, __: Unauthenticated) -> JSONResponse:
        headers = {"WWW-Authenticate": "Bearer"}
        return answer(401, "unauthenticated", "A valid access token is needed.", headers=headers)

    @app.exception_handler(BadRequest)
    async def _(_: Request, error: BadRequest) -> JSONResponse:
        return answer(400, error.code, error.message)

    @app.exception_handler(Mismatch)
    async def _(_: Request, error: Mismatch) -> JSONResponse:
        return answer(422, error.code, error.message)

    @app.exception_handler(PreconditionMissing)
    async def _(_: Request, __: PreconditionMissing) -> JSONResponse:
        detail = "Send the ETag of what you have read as If-Match."
        return answer(428, "precondition_required", detail)

    @app.exception_handler(Stale)
    async def _(_: Request, __: Stale) -> JSONResponse:
        return answer(412, "stale", "It has changed since you read it; read it again, then decide.")

    @app.exception_handler(Malformed)
    async def _(_: Request, error: Malformed) -> JSONResponse:
        fault = FieldFault(pointer=error.pointer, code=error.code, message=error.message)
        detail = "The document has faults; nothing was stored."
        return answer(422, "malformed", detail, errors=[fault])

    @app.exception_handler(RequestValidationError)
    async def _(_: Request, error: RequestValidationError) -> JSONResponse:
        faults = [fault(e) for e in error.errors()]
        if any(f.code == "json_invalid" for f in faults):
            return answer(400, "not_json", "The body is not JSON.")
        return answer(
            422, "malformed", "The document has faults; nothing was stored.", errors=faults
        )

    @app.exception_handler(HTTPException)
    async def _(_: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:  # the only one FastAPI raises: a body too deep to parse
            return answer(400, "not_json", "The body is not JSON.")
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_").replace("'", "")
        return answer(error.status_code, code, headers=dict(error.headers or {}))

    for away in (Outage, *STORE_AWAY):
        app.add_exception_handler(away, _unavailable)
    app.add_exception_handler(Exception, _broken)


async def _unavailable(_: Request, error: Exception) -> JSONResponse:
    log.warning("http.unavailable", error=type(error).__name__)
    detail = "Nothing was lost; try again with the same Idempotency-Key."
    return answer(503, "unavailable", detail, headers={"Retry-After": "5"})


async def _broken(_: Request, error: Exception) -> JSONResponse:
    log.error("http.broken", error=type(error).__name__)
    detail = "A fault on our side. Try again with the same Idempotency-Key."
    return answer(500, "internal_error", detail)


def fault(error: Any) -> FieldFault:
    """A pydantic error as a fault of ours: where and what kind, never the value."""
    # Unknown members are named: their name is the fault. Values never are.
    where = error["loc"][1:] if error["loc"] and error["loc"][0] == "body" else error["loc"]
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')[:80]}" for part in where)
    return FieldFault(pointer=pointer, code=error["type"], message=_MESSAGES.get(error["type"], ""))


_MESSAGES = {
    "missing": "This field is needed.",
    "extra_forbidden": "This field is not known here.",
    "literal_error": "Not one of the codes allowed here; the OpenAPI document lists them.",
    "string_too_long": "Too long.",
    "string_too_short": "Too short.",
}
