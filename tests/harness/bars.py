"""Messages of the Booking and Referral Standard, plainly synthetic, and those of others where they are."""

import copy
import json
import os
from typing import Any

import pytest

from tests.harness.vectors import ROOT

FOLDER = ROOT.parent / "shared" / "bars"
SENT_BY = "urn:uuid:00000000-0000-4000-8000-00000000000"


def url(number: int) -> str:
    """The name of a resource of a synthetic message."""
    return f"{SENT_BY}{number}"


def concept(system: str, code: str, display: str = "") -> dict[str, Any]:
    """A CodeableConcept."""
    called = {"display": display} if display else {}
    return {"coding": [{"system": system, "code": code, **called}]}


PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "identifier": [
        {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"},
        {"system": "urn:sample:clinic", "value": "SYN-CLINIC-7"},
    ],
    "name": [
        {"use": "official", "family": "Child", "given": ["Sample"]},
        {"use": "nickname", "given": ["Sam"]},
    ],
    "gender": "female",
    "birthDate": "2012-05-17",
    "address": [
        {
            "use": "home",
            "line": ["1 Sample Street"],
            "district": "northtown",
            "postalCode": "ZZ1 1ZZ",
        }
    ],
    "telecom": [{"system": "phone", "value": "01632 960001", "use": "mobile"}],
    "contact": [
        {
            "relationship": [concept("urn:sample:role", "MTH", "mother")],
            "name": {"family": "Parent", "given": ["Sample"]},
            "telecom": [{"system": "phone", "value": "01632 960002"}],
        }
    ],
    "communication": [{"language": concept("urn:ietf:bcp:47", "en-GB")}],
}
SNOMED = "http://snomed.info/sct"
BARS = "https://fhir.nhs.uk/CodeSystem"


def a_message(
    message_id: str = "SYN-MESSAGE-1",
    *more: dict[str, Any],
    reference: str = "SYN-REQUEST-1",
    reason: str = "new",
    event: str = "servicerequest-request",
    patient: dict[str, Any] | None = None,
    **request: Any,
) -> dict[str, Any]:
    """A referral by a clinic; `more` are resources beside it, `request` members of its ServiceRequest."""
    resources = [
        {
            "resourceType": "MessageHeader",
            "eventCoding": {"system": f"{BARS}/message-events-bars", "code": event},
            "reason": concept(f"{BARS}/message-reason-bars", reason),
            "source": {"name": "Sample Clinic", "endpoint": "urn:sample:clinic:endpoint"},
            "sender": {"reference": url(4)},
            "focus": [{"reference": url(1)}],
        },
        {
            "resourceType": "ServiceRequest",
            "identifier": [{"system": "urn:sample:clinic:referral", "value": reference}],
            "status": "active",
            "intent": "order",
            "priority": "urgent",
            "category": [concept(f"{BARS}/message-category-servicerequest", "referral")],
            "subject": {"reference": url(2)},
            "requester": {"reference": url(3)},
            "authoredOn": "2026-11-27T10:00:00+00:00",
            "note": [{"text": "Synthetic text of the clinic."}],
            **request,
        },
        {**copy.deepcopy(PATIENT), **(patient or {})},
        {
            "resourceType": "Practitioner",
            "name": [{"family": "Nurse", "given": ["Sample"]}],
            "telecom": [{"system": "phone", "value": "01632 960003"}],
        },
        {
            "resourceType": "Organization",
            "identifier": [
                {"system": "https://fhir.nhs.uk/id/ods-organization-code", "value": "ZZ9"}
            ],
            "name": "Sample Clinic",
        },
        *more,
    ]
    return {
        "resourceType": "Bundle",
        "id": message_id,
        "type": "message",
        "entry": [{"fullUrl": url(n), "resource": one} for n, one in enumerate(resources)],
    }


def condition(code: str, display: str) -> dict[str, Any]:
    """A concern about the young person."""
    return {
        "resourceType": "Condition",
        "subject": {"reference": url(2)},
        "code": concept(SNOMED, code, display),
    }


def flag(code: str, display: str, status: str = "active") -> dict[str, Any]:
    """Whether the scene is safe."""
    return {
        "resourceType": "Flag",
        "status": status,
        "category": [concept(f"{BARS}/flag-categories-bars", "SS", "Scene Safety")],
        "code": concept(f"{BARS}/scene-safety-codes-bars", code, display),
        "subject": {"reference": url(2)},
    }


def consent(policy: str, kind: str | None = None) -> dict[str, Any]:
    """What was recorded of consent."""
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": concept("urn:sample:scope", "patient-privacy"),
        "category": [concept(f"{BARS}/consent-categories-bars", "DRC")],
        "patient": {"reference": url(2)},
        "policyRule": concept("urn:sample:policy", policy),
        **({"provision": {"type": kind}} if kind else {}),
    }


def example(name: str) -> dict[str, Any]:
    """A message that somebody else wrote. Where the folder isn't there, the test is skipped and says so."""
    path = (FOLDER if "BARS" not in os.environ else FOLDER.__class__(os.environ["BARS"])) / name
    if not path.exists():
        pytest.skip(f"the examples of the standard are not here: {name} (set BARS to their folder)")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def of_a_child(message: dict[str, Any]) -> dict[str, Any]:
    """The same message as a referral of a child: an example is of an adult, and asks for urgent care."""
    changed = copy.deepcopy(message)
    for entry in changed["entry"]:
        resource = entry["resource"]
        if resource["resourceType"] == "Patient":
            resource["birthDate"] = "2012-05-04"
        if resource["resourceType"] == "ServiceRequest":
            resource["category"][0]["coding"][0]["code"] = "referral"
    return changed


def issues(outcome: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Each issue of an OperationOutcome: its type, the code of the standard, and ours."""
    return [
        (one["code"], *(each["code"] for each in one["details"]["coding"]))
        for one in outcome["issue"]
    ]


def resource(answer: dict[str, Any], kind: str) -> dict[str, Any]:
    """The resource of that kind in an answer."""
    found = [e["resource"] for e in answer["entry"] if e["resource"]["resourceType"] == kind]
    assert len(found) == 1, found
    return dict(found[0])
