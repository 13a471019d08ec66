"""Whether the trail knows that a caller has left. Reads only: nothing is kept beside the entries."""

import json

from services.audit.log.store import Trail
from shared.web.tokens import Caller

ENTRIES = {
    "agency": ("agency.registered", "agency.amended"),
    "worker": ("worker.registered",),
    "hub_manager": ("hub.registered",),
}


async def has_left(trail: Trail, caller: Caller) -> bool:
    """Whether an agency is inactive or a worker removed, by the newest version of its entry; or
    nobody registered the Hub that a manager names."""
    types = [f"type:{one}" for one in ENTRIES.get(caller.role, ())]
    if not types:
        return False
    if caller.role == "hub_manager":
        return not await _about(trail, types, f"hub:{caller.hub_id}", str(caller.hub_id))
    one = caller.agency_id if caller.role == "agency" else caller.worker_id
    found = await _about(trail, types, f"{caller.role}:{one}", str(one))
    return bool(found) and not max(found)[1]


async def _about(trail: Trail, types: list[str], key: str, subject: str) -> list[tuple[int, bool]]:
    """Version and activity in every entry about this one."""
    events = [json.loads(each["leaf"])["event"] async for each in trail.with_both(types, [key])]
    return [
        (int(event["version"]), bool(event["data"].get("active", True)))
        for event in events
        if event["subject"] == subject
    ]
