"""Every error as a problem document (RFC 9457). The one file that knows HTTP status codes.

Nothing the caller sent is ever quoted back: an answer ends up in logs of other people's systems.
"""

from collections.abc import Mapping, Sequence
from functools import partial
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
    RecordFull,
    Refused,
    Stale,
    TooMany,
    Unauthenticated,
    UnknownMedia,
)
from shared.operating.telemetry import limited, log
from shared.web.faults import FieldFault, fault, twice

CONTENT_TYPE = "application/problem+json"
STORE_AWAY = (ConnectionFailure, ExecutionTimeout, WriteConcernError)


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


COMMON = responses(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503)
CONDITIONAL = responses(412, 428)


def install(app: FastAPI) -> None:
    """Render every exception of `shared.errors`, and every other one, as a problem."""
    for kind, problem in ALWAYS_THE_SAME.items():
        app.add_exception_handler(kind, partial(_always, *problem))
    app.add_exception_handler(Exception, _broken)
    app.add_exception_handler(TooMany, _too_many)
    for away in (Outage, *STORE_AWAY):
        app.add_exception_handler(away, _unavailable)

    @app.exception_handler(Refused)
    async def _(_: Request, error: Refused) -> JSONResponse:
        return answer(409, error.code, error.message, extra=error.extra)

    @app.exception_handler(BadRequest)
    async def _(_: Request, error: BadRequest) -> JSONResponse:
        return answer(400, error.code, error.message)

    @app.exception_handler(Mismatch)
    async def _(_: Request, error: Mismatch) -> JSONResponse:
        return answer(422, error.code, error.message)

    @app.exception_handler(Malformed)
    async def _(_: Request, error: Malformed) -> JSONResponse:
        return _malformed(
            [FieldFault(pointer=error.pointer, code=error.code, message=error.message)]
        )

    @app.exception_handler(RequestValidationError)
    async def _(_: Request, error: RequestValidationError) -> JSONResponse:
        faults = [fault(e) for e in error.errors()]
        return _not_json() if any(f.code == "json_invalid" for f in faults) else _malformed(faults)

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:  # the only one FastAPI raises: a body too deep to parse
            return _not_json()
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_").replace("'", "")
        if error.status_code == 405:
            return _not_allowed(request, code, error)
        return answer(error.status_code, code, headers=dict(error.headers or {}))


def _not_allowed(request: Request, code: str, error: HTTPException) -> JSONResponse:
    # Each method is a route of its own: the one that raised this knows itself only.
    allowed = sorted(request.app.state.admission.methods(request.scope))
    if not allowed:  # an address of our own, as `/docs`
        own = (error.headers or {}).get("Allow", "").split(", ")
        allowed = sorted({*own, *(("HEAD",) if "GET" in own else ())} - {""})
    said = ", ".join(allowed)
    return answer(405, code, f"This address has: {said}.", headers={"Allow": said})


# Errors that say nothing beside their kind: status, code, detail.
ALWAYS_THE_SAME: Mapping[type[Exception], tuple[int, str, str]] = {
    AlreadyThere: (409, "already_there", "It exists already."),
    RecordFull: (409, "record_full", "This record can't hold any more; phone the Hub."),
    NotFound: (404, "not_found", "There is nothing here that you may see."),
    Forbidden: (403, "forbidden", "Your role may not do this."),
    Unauthenticated: (401, "unauthenticated", "A valid access token is needed."),
    PreconditionMissing: (
        428,
        "precondition_required",
        "Send the ETag of what you have read as If-Match.",
    ),
    Stale: (412, "stale", "It has changed since you read it; read it again, then decide."),
}


async def _always(status: int, code: str, detail: str, _: Request, __: Exception) -> JSONResponse:
    return _the_same(status, code, detail)


def _the_same(status: int, code: str, detail: str) -> JSONResponse:
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return answer(status, code, detail, headers=headers)


def _not_json() -> JSONResponse:
    return answer(400, "not_json", "The body is not JSON.")


def _malformed(faults: Sequence[FieldFault]) -> JSONResponse:
    return answer(422, "malformed", "The document has faults; nothing was stored.", errors=faults)


def too_many(error: TooMany) -> JSONResponse:
    """429: which limit, when to come again, and that a young person can't wait for it."""
    detail = (
        "More than is answered at once; nothing was lost or stored. Wait as Retry-After says, then "
        "send the same again with the same Idempotency-Key. If a young person is at risk now, "
        "don't wait: phone the Hub's duty desk, or 999 in immediate danger."
    )
    headers = {**error.fields, "Retry-After": str(error.after)}
    return answer(429, "too_many_requests", detail, headers=headers, extra={"limit": error.limit})


async def _too_many(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, TooMany):
        raise error
    limited(error.limit)
    return too_many(error)


def turned_away(error: Forbidden | Unauthenticated | Outage | UnknownMedia) -> JSONResponse:
    """The answer to a request whose head was enough to refuse it."""
    if isinstance(error, UnknownMedia):
        taken = ", ".join(error.taken)
        detail = f"Say in Content-Type what the body is; this takes: {taken}."
        return answer(415, "unsupported_media_type", detail, headers={"Accept": taken})
    if isinstance(error, Outage):
        return _away()
    return _the_same(*ALWAYS_THE_SAME[type(error)])


def said_twice(name: str) -> JSONResponse:
    """A member of the JSON body stands twice: nobody may guess which one was meant."""
    detail = "A member of the JSON stands twice; send each once."
    return answer(400, "member_twice", detail, errors=[twice(name)])


def ambiguous() -> JSONResponse:
    """400; the connection ends, for somebody before us may have read the head another way."""
    detail = (
        "A field of the head that may stand once stands twice, or two say how long the body is."
    )
    return answer(400, "ambiguous_head", detail, headers={"Connection": "close"})


def too_large() -> JSONResponse:
    """413; the connection ends, for the rest of the body was not read."""
    detail = "The body is larger than 1 MiB."
    return answer(413, "content_too_large", detail, headers={"Connection": "close"})


def too_slow() -> JSONResponse:
    """408; the connection ends with it."""
    detail = "The body did not come in time; nothing was stored. Send the same again."
    return answer(408, "request_timeout", detail, headers={"Connection": "close"})


async def _unavailable(_: Request, error: Exception) -> JSONResponse:
    log.warning("http.unavailable", error=type(error).__name__)
    return _away()


def _away() -> JSONResponse:
    detail = "Nothing was lost; try again with the same Idempotency-Key."
    return answer(503, "unavailable", detail, headers={"Retry-After": "5"})


async def _broken(_: Request, error: Exception) -> JSONResponse:
    log.error("http.broken", error=type(error).__name__)
    detail = "A fault on our side. Try again with the same Idempotency-Key."
    return answer(500, "internal_error", detail)
