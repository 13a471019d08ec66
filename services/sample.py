"""A small synthetic network, loaded through the API itself. Loading it again changes nothing."""

from http import HTTPStatus
from typing import Any

import aiohttp

SCHOOL, POLICE, HEALTH = "ag_northtown_school", "ag_northtown_police", "ag_northtown_health"
HUB = "hub_north"
WORKERS = ("wk_hub_one", "wk_spoke_one", "wk_spoke_two")
DUTY = "wk_duty"

ENTRIES: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        f"/v1/agencies/{SCHOOL}",
        {"name": "Northtown School (synthetic)", "kind": "2a", "areas": ["northtown"]},
    ),
    (
        f"/v1/agencies/{POLICE}",
        {"name": "Northtown Police (synthetic)", "kind": "6", "areas": ["northtown", "westby"]},
    ),
    (
        f"/v1/agencies/{HEALTH}",
        {"name": "Northtown Health (synthetic)", "kind": "3f", "areas": ["northtown"]},
    ),
    (
        "/v1/agreements/isa_northtown",
        {
            "parties": [SCHOOL, POLICE, HEALTH, HUB],
            "purposes": ["safeguarding"],
            "categories": ["existence", "risk", "concerns"],
            "effective_from": "2026-01-01T00:00:00Z",
            "effective_to": "2028-12-31T00:00:00Z",
            "review_at": "2027-01-01T00:00:00Z",
        },
    ),
    (
        f"/v1/hubs/{HUB}",
        {
            "name": "North Hub (synthetic)",
            "areas": ["northtown", "westby"],
            "spoke_ceiling": "moderate",
            "duty_worker_id": DUTY,
        },
    ),
    (f"/v1/workers/{WORKERS[0]}", {"worker_role": "hub_worker", "host_setting": "hub"}),
    (f"/v1/workers/{WORKERS[1]}", {"worker_role": "spoke_worker", "host_setting": "police"}),
    (f"/v1/workers/{WORKERS[2]}", {"worker_role": "spoke_worker", "host_setting": "school"}),
    (f"/v1/workers/{DUTY}", {"worker_role": "hub_manager", "host_setting": "hub"}),
)
EVERY_WORKER = {"hub_id": HUB, "areas": ["northtown", "westby"], "cap": 20}


async def load(base: str, token: str) -> None:
    """Put the sample network in place; what somebody has changed since stays as they made it.

    Raises `aiohttp.ClientResponseError` if refused.
    """
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(base, headers=headers) as session:
        for path, entry in ENTRIES:
            async with session.put(path, json=document(path, entry)) as answer:
                if answer.status != HTTPStatus.PRECONDITION_REQUIRED:
                    answer.raise_for_status()


def document(path: str, entry: dict[str, Any]) -> dict[str, Any]:
    """An entry in full: what all sample workers have in common is written once."""
    return {**EVERY_WORKER, **entry} if path.startswith("/v1/workers/") else entry
