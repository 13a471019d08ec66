"""What an auditor's pages show, as the audit API says it. Each question is an entry of the trail."""

import asyncio
from collections.abc import Mapping
from typing import Any

from services.web.auditing.asking import Asked, address
from services.web.auditing.telling import line, subject_in
from services.web.visit import Visit

ON_A_PAGE = 25
WHOLE = "verification"  # why the state of the trail itself is looked at


async def found_for(
    visit: Visit, path: str, asked: Asked, purpose: str, cursor: str | None, within: str = ""
) -> dict[str, Any]:
    """A page of the entries that match, and where the next one is."""
    said = {**asked, "purpose": purpose, "cursor": cursor, "limit": ON_A_PAGE}
    found = await visit.api.get("audit", "/v1/trail", **said)
    more = {**asked, "cursor": found["next"]} if found["next"] else None
    return {
        "lines": [line(entry, within=within) for entry in found["entries"]],
        "subject_id": subject_in(found["entries"]),
        "complete_for": found["complete_for"],
        "more": address(path, more, purpose) if more else None,
        "purpose": purpose,
    }


async def entry_at(visit: Visit, seq: int, purpose: str) -> Mapping[str, Any]:
    """One entry, with the exact bytes that were sealed."""
    found: Mapping[str, Any] = await visit.api.get("audit", f"/v1/trail/{seq}", purpose=purpose)
    return found


async def account_of(visit: Visit, subject_id: str, purpose: str) -> dict[str, Any]:
    """Who has what of a young person: each thing that was shared, withheld, looked at or refused."""
    path = f"/v1/subjects/{subject_id}/disclosures"
    found = await visit.api.get("audit", path, purpose=purpose)
    return {"subject_id": subject_id, "found": found, "purpose": purpose}


async def state_of(visit: Visit) -> dict[str, Any]:
    """How the trail itself is."""
    integrity, gaps = await asyncio.gather(
        visit.api.get("audit", "/v1/trail/integrity", purpose=WHOLE),
        visit.api.get("audit", "/v1/trail/gaps", purpose=WHOLE),
    )
    passes = [one for one in (integrity["finished"], integrity["running"]) if one]
    faults = {(each["code"], each["seq"]) for one in passes for each in one["faults"]}
    return {"integrity": integrity, "gaps": gaps["gaps"], "faults": sorted(faults)}
