"""What an auditor's pages show, as the audit API says it. Each question is an entry of the trail."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from services.web.api import Away, Refused
from services.web.auditing.asking import Asked, address, asked_by, choices, is_named
from services.web.auditing.telling import line, subject_in
from services.web.registering.choosing import choices as listed
from services.web.visit import Form, Visit

ON_A_PAGE = 25
WHOLE = "verification"  # why the state of the trail itself is looked at


async def agencies(visit: Visit) -> Sequence[tuple[str, str]]:
    """The organisations of the network, id and name, as many as a page bears. None where the list can't
    be had just now: whoever has an id asks all the same."""
    try:
        return (await listed(visit, "agencies"))[0]
    except (Away, Refused):
        return ()


async def offered(visit: Visit) -> dict[str, Sequence[tuple[str, str]]]:
    """What a form offers to choose."""
    return {**choices(), "agency": await agencies(visit)}


async def asked_of(visit: Visit, form: Form) -> tuple[Asked, dict[str, str]]:
    """What a form asks for, an agency by its id or its name, and what is wrong with it."""
    return asked_by(form, await agencies(visit) if is_named(form) else ())


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
