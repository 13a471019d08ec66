"""Who may be told what of a young person: what was said and decided, and what follows for one agency."""

from collections.abc import Mapping
from typing import Any

from services.web.api import Refused
from services.web.visit import Visit

UNKNOWN = "No agency of this id is registered. Look at its id where it has written to you."


async def sharing_of(visit: Visit, referral_id: str) -> dict[str, Any]:
    """All consents, decisions and marks of safety. That somebody looked is recorded."""
    found = await visit.api.get("referral", f"/v1/referrals/{referral_id}/sharing")
    sharing, reasons = found["sharing"], found["reasons"]
    words = {
        basis["id"]: {part: _word(reasons, basis["id"], part) for part in ("reason", "necessity")}
        for basis in sharing["bases"]
    }
    consents = [{**each, "stands": standing(each)} for each in reversed(sharing["consents"])]
    marked = [*(f"agency:{each}" for each in sharing["unsafe_agencies"]), *found["unsafe_persons"]]
    return {
        "id": referral_id,
        "agreement": found["service_agreement"],
        "consents": consents,
        "bases": list(reversed(sharing["bases"])),
        "words": words,
        "marked": list(dict.fromkeys(marked)),
        "parents": list(reversed(sharing["about_parents"])),
    }


def standing(consent: Mapping[str, Any]) -> str:
    """How a consent stands: `mistake`, `rejected`, `waits` for somebody to ask, `confirmed`, or
    nothing, where it counts as it was said."""
    if consent["invalidation"]:
        return "mistake"
    if consent["confirmation"]:
        return "confirmed" if consent["confirmation"]["confirmed"] else "rejected"
    by_agency = str(consent["recorded_by"] or "").startswith("agency:")
    gains = by_agency or consent["recorder_host"]
    return "waits" if consent["status"] == "given" and gains else ""


async def shown_to(
    visit: Visit, referral_id: str, agency_id: str, purpose: str
) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """What that agency would be shown now; and what is wrong with the question. Raises `Refused` for
    whom the case is not there."""
    path = f"/v1/referrals/{referral_id}/sharing/decision"
    await visit.api.get("referral", f"/v1/referrals/{referral_id}/sharing")
    if not agency_id:
        return None, {"agency_id": "Enter the id of the agency"}
    asked = {"agency_id": agency_id, "purpose": purpose}
    try:
        return await visit.api.get("referral", path, **asked), {}
    except Refused as error:
        if error.status not in (404, 422):
            raise
        return None, {"agency_id": UNKNOWN}


def _word(reasons: Mapping[str, str], basis_id: str, part: str) -> str:
    """Of the referrals through which it was decided, whichever it was."""
    return next((said for key, said in reasons.items() if key.endswith(f"/{basis_id}/{part}")), "")
