"""One line of many referrals: taken, or only looked at, each with what is wrong with it."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from services.referral.areas.request import NearArea
from services.referral.intake.command import body_of, intake
from services.referral.intake.preview import preview
from services.referral.intake.receipt import as_received
from services.referral.intake.request import ReceiveReferral
from services.referral.intake.reserving import key_of_line
from services.referral.reading.marks import Mark
from services.referral.store import Stores
from shared.errors import Malformed, Mismatch, Outage, Refused
from shared.operating.telemetry import log
from shared.web.faults import FieldFault, fault, twice
from shared.web.members import said_twice_in
from shared.web.problems import STORE_AWAY
from shared.web.tokens import Caller


class Line(BaseModel):
    """The result of one line of a batch, in the order sent: 201, or a problem of its own."""

    line: int
    status: int
    agency_reference: str | None = Field(
        default=None, description="As the line has it; null where it can't be read."
    )
    id: str | None = None
    code: str | None = None
    warnings: tuple[str, ...] = ()
    unknown_recipients: tuple[str, ...] = ()
    area_near: tuple[NearArea, ...] = ()
    marks: tuple[Mark, ...] = ()
    errors: list[FieldFault] | None = None


class LookedAt(Line):
    """What a line would be answered, without having been sent: `status` is 200 where it would be taken.
    Which agencies of its consents are there, only the line itself is answered (decision 1403)."""

    would_be: Literal["taken", "answered_again"] | None = None
    unknown_kinds: tuple[str, ...] = ()


# What becomes of a document under its key.
Answer = Callable[[int, ReceiveReferral, str], Awaitable[Line]]
TOLD = {"warnings", "area_near", "marks"}


def taking(stores: Stores, caller: Caller) -> Answer:
    """Each line becomes a referral, or is one already."""

    async def taken(number: int, document: ReceiveReferral, key: str) -> Line:
        receipt = as_received(document, await intake(stores, document, caller, key))
        told = receipt.model_dump(include={"id", "unknown_recipients", *TOLD})
        reference = document.agency_reference
        return Line(line=number, status=201, agency_reference=reference, **told)

    return taken


def looking(stores: Stores, caller: Caller) -> Answer:
    """Each line is answered what it would be if all were sent, in their order; nothing is stored. So
    the lines before count: a reference that one of them has is in use."""
    before: dict[str, str] = {}

    async def looked_at(number: int, document: ReceiveReferral, key: str) -> Line:
        body = stores.vault.fingerprint("request", *body_of(document))
        if before.get(key, body) != body:
            raise Mismatch
        found = await preview(stores, document, caller, key)
        again = found.would_be == "answered_again" or key in before
        before[key] = body
        return LookedAt(
            line=number,
            status=200,
            agency_reference=document.agency_reference,
            would_be="answered_again" if again else "taken",
            **found.model_dump(include={"unknown_kinds", *TOLD}),
        )

    return looked_at


def answering(stores: Stores, caller: Caller, *, validate_only: bool) -> Answer:
    """How the lines of a request are answered."""
    return (looking if validate_only else taking)(stores, caller)


async def take_line(
    stores: Stores, caller: Caller, number: int, raw: bytes, answer: Answer
) -> Line:
    """One line of a batch, answered, or with what is wrong with it. Safe to repeat."""
    line = await _answered(stores, caller, number, raw, answer)
    if line.agency_reference is not None or line.code == "member_twice":
        return line
    return line.model_copy(update={"agency_reference": reference_in(raw)})


def reference_in(raw: bytes) -> str | None:
    """The agency's own id in a line that was not taken, if it can be told."""
    try:
        sent = json.loads(raw)
        said = sent.get("agency_reference") if isinstance(sent, dict) else None
    except (ValueError, RecursionError):
        return None
    # Half of a pair of surrogates has no bytes: it would break the answer.
    return said[:100].encode(errors="replace").decode() if isinstance(said, str) else None


async def _answered(
    stores: Stores, caller: Caller, number: int, raw: bytes, answer: Answer
) -> Line:
    if (name := said_twice_in(raw)) is not None:
        return Line(line=number, status=400, code="member_twice", errors=[twice(name)])
    try:
        document = ReceiveReferral.model_validate(json.loads(raw))
        key = await key_of_line(stores, caller.agency_id or "", document.agency_reference)
        return await answer(number, document, key)
    except ValidationError as error:
        faults = [fault(e) for e in _errors(error)]
        return Line(line=number, status=422, code="malformed", errors=faults)
    except (ValueError, RecursionError):
        return Line(line=number, status=400, code="not_json")
    except Exception as error:  # whatever it is, it is this line's alone
        return _not_taken(number, error)


def _not_taken(number: int, error: Exception) -> Line:
    if isinstance(error, Malformed):
        found = FieldFault(pointer=error.pointer, code=error.code, message=error.message)
        return Line(line=number, status=422, code="malformed", errors=[found])
    if isinstance(error, Mismatch):
        return Line(line=number, status=422, code=error.code)
    if isinstance(error, Refused):
        first = error.extra.get("referral", "").rpartition("/")[2] or None
        return Line(line=number, status=409, code=error.code, id=first)
    if isinstance(error, (Outage, *STORE_AWAY)):
        return Line(line=number, status=503, code="unavailable")
    log.error("batch.broken", error=type(error).__name__)
    return Line(line=number, status=500, code="internal_error")


def _errors(error: ValidationError) -> list[Any]:
    return error.errors(include_input=False, include_url=False, include_context=False)
