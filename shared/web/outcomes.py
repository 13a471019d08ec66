"""Errors for those who speak FHIR: each problem document as an OperationOutcome with the codes of the
NHS Booking and Referral Standard; and their own numbers of a request, given back to them.

An answer is turned where every answer passes, so that also a limit and a missing token speak FHIR.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.types import Message, Scope, Send

from shared.web.problems import CONTENT_TYPE

BASE = "/v1/bars/"
MEDIA_TYPE = b"application/fhir+json"
MIRRORED = (b"x-request-id", b"x-correlation-id")
SYSTEM = "https://fhir.nhs.uk/Codesystem/http-error-codes"
OURS = "urn:hub-and-spoke:error"
# An answer holds no word of a caller, but for ids that can be nothing else.
_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# HTTP status → code of the standard, and of FHIR's issue types.
CODES: Mapping[int, tuple[str, str]] = {
    400: ("REC_BAD_REQUEST", "invalid"),
    401: ("REC_UNAUTHORIZED", "forbidden"),
    403: ("REC_FORBIDDEN", "forbidden"),
    404: ("REC_NOT_FOUND", "not-found"),
    405: ("REC_METHOD_NOT_ALLOWED", "not-supported"),
    408: ("REC_TIMEOUT", "timeout"),
    409: ("REC_CONFLICT", "conflict"),
    413: ("REC_BAD_REQUEST", "too-long"),
    415: ("REC_NOT_ACCEPTABLE", "not-supported"),
    422: ("REC_UNPROCESSABLE_ENTITY", "not-supported"),
    429: ("REC_TOO_MANY_REQUESTS", "throttled"),
    503: ("REC_SERVICE_UNAVAILABLE", "transient"),
}
BROKEN = ("REC_SERVER_ERROR", "exception")
TWICE = ("agency_reference_used", "message_id_used", "already_there")


def in_fhir(scope: Scope, send: Send) -> Send:
    """The way out for an answer: as it is, or, under `BASE`, in FHIR."""
    if not str(scope["path"]).startswith(BASE):
        return send
    mirrored = [(n, v) for n, v in scope["headers"] if n in MIRRORED and _ID.fullmatch(v)]
    held: list[Message] = []

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *mirrored]}
            if _is_problem(message):
                held.append(message)
                return
        if held and message["type"] == "http.response.body":
            start = held.pop()
            status, body = outcome(start["status"], json.loads(message.get("body", b"")))
            await send(_start(start, status, len(body)))
            message = {**message, "body": body}
        await send(message)

    return sending


def outcome(status: int, problem: Mapping[str, Any]) -> tuple[int, bytes]:
    """A problem as HTTP status and OperationOutcome. What is not well formed is a bad request there;
    422 is for what is well formed and not taken."""
    faults = problem.get("errors") or [{}]
    refused = any(fault.get("code") == "not_supported" for fault in faults)
    if problem.get("code") == "malformed" and not refused:
        status = 400
    issues = list(_issues(status, problem, faults))
    # Where the request is found in the logs.
    trace = {"meta": {"source": problem["instance"]}} if "instance" in problem else {}
    resource = {"resourceType": "OperationOutcome", **trace, "issue": issues}
    return status, json.dumps(resource).encode()


def _issues(
    status: int, problem: Mapping[str, Any], faults: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    code, kind = CODES.get(status, BROKEN)
    own = problem.get("code", "")
    for fault in faults:
        words = [problem.get("detail"), fault.get("message"), problem.get("referral")]
        issue = "required" if fault.get("code") == "missing" else kind
        found: dict[str, Any] = {
            "severity": "error",
            "code": "duplicate" if own in TWICE else issue,
            "details": {
                "coding": [
                    {"system": SYSTEM, "code": code},
                    {"system": OURS, "code": fault.get("code") or own},
                ]
            },
            "diagnostics": " ".join(word for word in words if word) or own,
        }
        if place := fault.get("pointer"):
            found["expression"] = [_path(place)]
        yield found


def _path(pointer: str) -> str:
    """A JSON Pointer as a FHIRPath."""
    parts = pointer.split("/")[1:]
    steps = (f"[{part}]" if part.isdigit() else f".{part}" for part in parts)
    return "Bundle" + "".join(steps)


def _is_problem(message: Message) -> bool:
    kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
    return any(kind.startswith(CONTENT_TYPE.encode()) for kind in kinds)


def _start(message: Message, status: int, length: int) -> Message:
    own = {b"content-type": MEDIA_TYPE, b"content-length": str(length).encode()}
    kept = [(n, v) for n, v in message["headers"] if n.lower() not in own]
    return {**message, "status": status, "headers": [*kept, *own.items()]}
