"""Messages out: what became of one that came in, and how its referral stands. Pure.

Of the young person they say nothing: only ids, codes and words of ours."""

import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from services.referral.bars import codes
from services.referral.reading.marks import Mark
from shared.events.codes import ReferralStatus

Resource = dict[str, Any]
MEDIA_TYPE = "application/fhir+json"
# No other word of a sender is in an answer.
FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
SPACE = uuid.UUID("6f1b5a3e-0f9e-5c0a-9f55-0d7f1f6f2a11")


class Standing(NamedTuple):
    """How a referral stands, as far as somebody is told; to a partner without a ground for it, nothing."""

    referral_id: str
    status: ReferralStatus | None
    reason: str | None
    at: datetime
    message_id: str = ""


def response(
    standing: Standing, warnings: Iterable[str] = (), marks: Iterable[Mark] = ()
) -> Resource:
    """The message that says how a referral stands, as an answer to the one that made it. The same state
    makes the same message, by its id."""
    stands = standing.status or "unknown", str(standing.reason), standing.at.isoformat()
    told = (standing.referral_id, *stands)
    names = {kind: _name(kind, *told) for kind in ("MessageHeader", "ServiceRequest", "Encounter")}
    outcome = _outcome(warnings, marks)
    resources = [
        (names["MessageHeader"], _header(standing, names)),
        (names["ServiceRequest"], _request(standing)),
        (names["Encounter"], _encounter(standing, names)),
        *([(_name("OperationOutcome", *told), outcome)] if outcome else []),
    ]
    return {
        "resourceType": "Bundle",
        "id": _name("Bundle", *told).removeprefix("urn:uuid:"),
        "meta": {"lastUpdated": standing.at.isoformat()},
        "type": "message",
        "timestamp": standing.at.isoformat(),
        "entry": [{"fullUrl": name, "resource": resource} for name, resource in resources],
    }


def _name(kind: str, *told: str) -> str:
    return f"urn:uuid:{uuid.uuid5(SPACE, '/'.join((kind, *told)))}"


def _header(standing: Standing, names: Mapping[str, str]) -> Resource:
    new = standing.status == "received"
    answered = {"identifier": standing.message_id, "code": "ok"}
    return {
        "resourceType": "MessageHeader",
        "eventCoding": {"system": codes.EVENTS, "code": codes.RESPONSE},
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
    reasons = [{"coding": [status], "text": words}]
    if standing.reason:
        system = "urn:hub-and-spoke:reason"
        reasons.append({"coding": [{"system": system, "code": standing.reason}]})
    return {
        "resourceType": "Encounter",
        "id": fhir_id(standing.referral_id),
        "identifier": [{"system": "urn:hub-and-spoke:referral", "value": standing.referral_id}],
        "status": codes.STANDING[standing.status][1] if standing.status else "unknown",
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": "VR",
            "display": "virtual",
        },
        "basedOn": [{"reference": names["ServiceRequest"]}],
        "reasonCode": reasons,
    }


def fhir_id(referral_id: str) -> str:
    """The id of a referral as FHIR lets it be written; a later message may name it so."""
    return referral_id.replace("_", "-")


def _outcome(warnings: Iterable[str], marks: Iterable[Mark]) -> Resource | None:
    """What was understood otherwise than it was sent: codes and places, and nothing that was sent."""
    issues = [_issue("informational", code) for code in warnings]
    for one in marks:
        taken = f", counts as {one.taken_as}" if one.taken_as else ""
        issues.append(_issue("not-supported", one.code, f"{one.pointer or '/'}: {one.code}{taken}"))
    return {"resourceType": "OperationOutcome", "issue": issues} if issues else None


def _issue(kind: str, code: str, words: str = "") -> Resource:
    coding = {"system": "urn:hub-and-spoke:warning", "code": code}
    return {
        "severity": "warning",
        "code": kind,
        "details": {"coding": [coding]},
        "diagnostics": words or code,
    }
