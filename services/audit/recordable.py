"""What a question asked for, as its entry holds it: nothing that a caller made up.

A value is recorded if it is one of our codes, a time, an id of the shape that only we make, or what
the trail holds already in that very field. Whatever else somebody typed in, a name perhaps, is
`unknown`: an entry is never deleted.
"""

import contextlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Literal, get_args

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from services.audit.log.leaf import instant
from services.audit.log.store import Trail
from services.audit.reports.rules import REPORTS
from services.audit.search.fields import OUTCOME_OF_TYPE
from services.audit.search.reading import KNOWN
from shared.errors import Malformed
from shared.events.declared import DisclosureKind
from shared.rules.sharing import GroundKind, LawfulBasis

CODE = r"^[A-Za-z0-9_.:-]{1,100}$"
UNKNOWN = "unknown"
# Why somebody may ask. Another is refused: it would be a word of the caller in the trail.
Purpose = Literal[
    "access_request",
    "audit",
    "casework",
    "complaint",
    "court_order",
    "incident",
    "inspection",
    "investigation",
    "operations",
    "oversight",
    "safeguarding",
    "supervision",
    "training",
    "verification",
    "witness",
]
# An id of ours is 32 hexadecimal digits behind a prefix (`shared.ids`): they spell nobody's name.
OURS = re.compile(r"[a-z]{2,5}_[0-9a-f]{32}", re.ASCII)
CODES: Mapping[str, frozenset[str]] = {
    "type": KNOWN,
    "ground": frozenset({*get_args(GroundKind), *get_args(LawfulBasis)}),
    "outcome": frozenset({*get_args(DisclosureKind), *OUTCOME_OF_TYPE}),
    "report": frozenset(REPORTS),
    "format": frozenset({"csv", "html"}),
}
# Of these another value finds nothing, ever: it is refused, with those there are.
CHOSEN = ("type", "ground", "outcome")
TIMES = ("from", "to")
PLACES = ("entry", "first")
# The fields of the trail in which a value is looked for, where the parameter has another name.
HELD_AS = {"agency": ("agency", "recipient")}

# The name of each route, as entries call what was asked for.
RESOURCES = {
    "get_trail": "entries",
    "get_event": "event",
    "get_entry": "entry",
    "get_subject_disclosures": "disclosures",
    "get_agency_disclosures": "disclosures",
    "get_subject_report": "subject_report",
    "get_trail_gaps": "gaps",
    "get_integrity": "integrity",
    "get_reports": "reports",
    "get_report": "report",
    "post_export": "export",
    "get_export": "export_download",
    "post_account": "account",
}
# Path parameters, as entries call them; and parameters that say nothing about what was asked for.
NAMES = {"event_id": "event", "seq": "entry", "agency_id": "agency", "export_id": "export"}
NAMES |= {"name": "report"}
PAGING = frozenset({"cursor", "limit"})


def asked_in(request: Request, route: APIRoute) -> dict[str, str]:
    """What the parameters of this request ask for, as they were sent."""
    known = {field.alias for field in route.dependant.query_params} - PAGING
    asked = {name: request.query_params[name] for name in known if name in request.query_params}
    return asked | {NAMES.get(name, name): str(v) for name, v in request.path_params.items()}


async def recordable(trail: Trail, asked: Mapping[str, str]) -> dict[str, str]:
    """The same as an entry may hold it."""
    return {name: await _recordable(trail, name, value) for name, value in asked.items()}


def only_codes(recorded: Mapping[str, str], where: str) -> None:
    """Raises `Malformed` for a code that is none of ours and that the trail doesn't hold either."""
    for name in CHOSEN:
        if recorded.get(name) == UNKNOWN:
            allowed = ", ".join(sorted(CODES[name]))
            raise Malformed(
                f"{where}/{name}", "literal_error", f"None there is. One of: {allowed}."
            )


async def _recordable(trail: Trail, name: str, value: str) -> str:
    said = by_itself(name, value)
    if said is None:
        return value if await _holds(trail, name, value) else UNKNOWN
    return said


def by_itself(name: str, value: str) -> str | None:
    """What is recorded of a value whatever the trail holds; None: that depends on it. Pure."""
    if name in TIMES:
        with contextlib.suppress(ValueError):
            return datetime.strptime(value, "%Y-%m-%d").date().isoformat()  # noqa: DTZ007 - a day
        with contextlib.suppress(ValueError, OverflowError):
            return instant(datetime.fromisoformat(value))
        return UNKNOWN
    return value if value in CODES.get(name, ()) or OURS.fullmatch(value) else None


async def _holds(trail: Trail, name: str, value: str) -> bool:
    if re.fullmatch(CODE, value, re.ASCII) is None:
        return False
    if name not in PLACES:
        return await trail.holds(f"{field}:{value}" for field in HELD_AS.get(name, (name,)))
    # Digits may be somebody's number: those of a place in the trail are not.
    if not value.isdecimal() or len(value) > len(str(2**53)):
        return False
    size: int = (await trail.state())["size"]
    return int(value) < size


def faults_in(error: Exception) -> dict[str, str]:
    """The parameters that were refused for their form, each with what was wrong with it."""
    # The names are ours: an unknown parameter is no fault.
    if not isinstance(error, RequestValidationError):
        return {}
    faults: dict[str, str] = {}
    for one in error.errors():
        where, value = one["loc"], one.get("input")
        if len(where) >= 2 and where[0] in ("query", "path") and where[1] not in PAGING:
            long = isinstance(value, str) and len(value) > 100
            faults[NAMES.get(where[1], str(where[1]))] = "too_long" if long else "malformed"
    return faults
