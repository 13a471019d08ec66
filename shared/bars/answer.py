"""Messages out: what became of one that came in, and how its referral stands. Pure.

Of the young person they say nothing: only ids, codes and words of ours."""

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from shared.bars import codes
from shared.events.codes import Instruction, ReferralStatus

Resource = dict[str, Any]
# No other word of a sender is in an answer.
FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
SPACE = uuid.UUID("6f1b5a3e-0f9e-5c0a-9f55-0d7f1f6f2a11")


class Standing(NamedTuple):
    """How a referral stands, as far as somebody is told; to a partner without a ground for it, nothing.

    `message_id` is of the message that it came in, where that is known. A message that is sent by
    itself has the id of its notification in `notice`, and whom it goes to in `to`."""

    referral_id: str
    status: ReferralStatus | None
    reason: str | None
    at: datetime
    message_id: str = ""
    outcome: str | None = None
    notice: str = ""
    to: str = ""
    again: bool = False


def response(
    standing: Standing,
    outcome: Resource | None = None,
    instructions: Sequence[Instruction] = (),
) -> Resource:
    """The message that says how a referral stands, as an answer to the one that made it, with an
    OperationOutcome of what was not taken as it was sent. The same state makes the same message, by
    its id; one that is sent by itself is the same for the same notification."""
    stands = standing.status or "unknown", str(standing.reason), standing.at.isoformat()
    told = (standing.referral_id, *stands, *([standing.notice] if standing.notice else []))
    names = {kind: _name(kind, *told) for kind in ("MessageHeader", "ServiceRequest", "Encounter")}
    resources = [
        (names["MessageHeader"], _header(standing, names)),
        (names["ServiceRequest"], _request(standing)),
        (names["Encounter"], _encounter(standing, names)),
        *((_name("Flag", one, *told), _flag(one)) for one in instructions),
        *([(_name("OperationOutcome", *told), outcome)] if outcome else []),
    ]
    notice = {"system": "urn:hub-and-spoke:notification", "value": standing.notice}
    return {
        "resourceType": "Bundle",
        "id": _name("Bundle", *told).removeprefix("urn:uuid:"),
        "meta": {"lastUpdated": standing.at.isoformat()},
        **({"identifier": notice} if standing.notice else {}),
        "type": "message",
        "timestamp": standing.at.isoformat(),
        "entry": [{"fullUrl": name, "resource": resource} for name, resource in resources],
    }


def uuid_of(name: str) -> str:
    """An id of ours as the UUID that the standard wants in `X-Request-Id` and `X-Correlation-Id`."""
    return str(uuid.uuid5(SPACE, name))


def _name(kind: str, *told: str) -> str:
    return f"urn:uuid:{uuid.uuid5(SPACE, '/'.join((kind, *told)))}"


def _header(standing: Standing, names: Mapping[str, str]) -> Resource:
    new = standing.status == "received" and not standing.again
    answered = {"identifier": standing.message_id, "code": "ok"}
    return {
        "resourceType": "MessageHeader",
        "eventCoding": {"system": codes.EVENTS, "code": codes.RESPONSE},
        **(
            {"destination": [{"endpoint": f"urn:hub-and-spoke:{standing.to}"}]}
            if standing.to
            else {}
        ),
        "source": {"name": "Referral network", "endpoint": "urn:hub-and-spoke"},
        "reason": {"coding": [{"system": codes.REASONS, "code": "new" if new else "update"}]},
        **({"response": answered} if FHIR_ID.fullmatch(standing.message_id) else {}),
        "focus": [{"reference": names["Encounter"]}, {"reference": names["ServiceRequest"]}],
    }


def _request(standing: Standing) -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "id": fhir_id(standing.referral_id),
        "status": codes.STANDING[standing.status][0] if standing.status else "unknown",
        "intent": "order",
        "category": [{"coding": [{"system": codes.CATEGORIES, "code": "referral"}]}],
        "subject": {"display": "As you sent it."},
    }


def _encounter(standing: Standing, names: Mapping[str, str]) -> Resource:
    words = codes.WORDS[standing.status] if standing.status else codes.NOT_TOLD
    if standing.reason == "not_engaged":
        words = f"{words} {codes.NOT_BROUGHT}"
    status = {
        "system": "urn:hub-and-spoke:status",
        "code": standing.status or "unknown",
        "display": words,
    }
    reasons = [{"coding": [status], "text": words}, *_reasons(standing)]
    return {
        "resourceType": "Encounter",
        "id": fhir_id(standing.referral_id),
        "identifier": [{"system": "urn:hub-and-spoke:referral", "value": standing.referral_id}],
        "status": codes.STANDING[standing.status][1] if standing.status else "unknown",
        "class": {
            "system": codes.ACT,
            "code": "VR",
            "display": "virtual",
        },
        "basedOn": [{"reference": names["ServiceRequest"]}],
        "reasonCode": reasons,
    }


def _reasons(standing: Standing) -> list[Resource]:
    """Our reason, and with it, where nothing came of the referral, the one of the standard; then the
    outcome."""
    found: list[Resource] = []
    if standing.reason:
        told = [{"system": "urn:hub-and-spoke:reason", "code": standing.reason}]
        if standing.status and codes.STANDING[standing.status][1] == "cancelled":
            code = codes.NOT_TAKEN.get(standing.reason, codes.NOT_TAKEN_OTHERWISE)
            words = codes.REJECTED_DISPLAYS[code]
            told.append({"system": codes.REJECTED, "code": code, "display": words})
        found.append({"coding": told})
    if standing.outcome:
        found.append(
            {"coding": [{"system": "urn:hub-and-spoke:outcome", "code": standing.outcome}]}
        )
    return found


def _flag(instruction: Instruction) -> Resource:
    words = codes.INSTRUCTIONS[instruction]
    coding = {"system": "urn:hub-and-spoke:instruction", "code": instruction, "display": words}
    return {
        "resourceType": "Flag",
        "status": "active",
        "code": {"coding": [coding], "text": words},
        "subject": {"display": "As you sent it."},
    }


def fhir_id(referral_id: str) -> str:
    """The id of a referral as FHIR lets it be written; a later message may name it so."""
    return referral_id.replace("_", "-")
