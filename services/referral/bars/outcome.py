"""What of a message was understood otherwise than it was sent, as an OperationOutcome. Pure."""

from collections.abc import Iterable

from services.referral.reading.marks import Mark
from shared.bars.answer import Resource


def taken_otherwise(warnings: Iterable[str], marks: Iterable[Mark]) -> Resource | None:
    """Codes and places, and nothing that was sent; None where all was taken as it came."""
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
