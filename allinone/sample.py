"""A small synthetic network, loaded through the API itself. Loading it again changes nothing."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import aiohttp

SCHOOL, POLICE, HEALTH = "ag_northtown_school", "ag_northtown_police", "ag_northtown_health"
HUB = "hub_north"
AREA = "northtown"
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
            "categories": ["existence", "risk", "concerns", "outcome"],
            "grounds": ["consent", "public_task", "vital_interests"],
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


SIGNATORIES: tuple[dict[str, str], ...] = (
    {"sub": "mg_north", "role": "hub_manager", "hub_id": HUB},
    *(
        {"sub": agency, "role": "agency", "agency_id": agency}
        for agency in (SCHOOL, POLICE, HEALTH)
    ),
)
SIGNATURES = "/v1/agreements/isa_northtown/signatures"
HEARD_WITHIN = 30.0
OPERATOR = {"sub": "operator_one", "role": "operator"}


# Who asks for help themselves, with the pages of `make run`: an agency of the kind "self".
YOUNG = "ag_northtown_young_people"
YOUNG_ENTRY = {
    "name": "Young people who write themselves (synthetic)",
    "kind": "1c",
    "areas": ["northtown", "westby"],
}


async def load_young(base: str, token: Callable[..., str]) -> None:
    """Put the agency of those who ask for themselves in place. Raises as `load` does."""
    async with aiohttp.ClientSession(base) as session:
        path, headers = f"/v1/agencies/{YOUNG}", _by(token, OPERATOR)
        async with session.put(path, json=YOUNG_ENTRY, headers=headers) as answer:
            if answer.status != HTTPStatus.PRECONDITION_REQUIRED:
                answer.raise_for_status()


# What the police of `make run` ask to hear of, so that its guide has something to show.
HEARS = {"kinds": ["concern_in_your_area"], "areas": ["northtown"]}


async def load_hearing(base: str, token: Callable[..., str]) -> None:
    """Let the police ask to hear of concerns, unless they have said already how they are told. Raises
    as `load` does."""
    police = {"sub": POLICE, "role": "agency", "agency_id": POLICE}
    path, headers = f"/v1/subscriptions/{POLICE}", _by(token, police)
    async with aiohttp.ClientSession(base, headers=headers) as session:
        async with session.get(path) as answer:
            if answer.status != HTTPStatus.NOT_FOUND:
                answer.raise_for_status()
                return
        async with session.put(path, json=HEARS) as answer:
            answer.raise_for_status()


async def load(base: str, token: Callable[..., str]) -> None:
    """Put the sample network in place; what somebody has changed since stays as they made it.

    `token` issues one for some claims. Raises `aiohttp.ClientResponseError` if refused,
    `TimeoutError` when the Hub is not heard of.
    """
    async with aiohttp.ClientSession(base) as session:
        for path, entry in ENTRIES:
            headers = _by(token, OPERATOR)
            async with session.put(path, json=document(path, entry), headers=headers) as answer:
                if answer.status != HTTPStatus.PRECONDITION_REQUIRED:
                    answer.raise_for_status()
        for claims in SIGNATORIES:
            await _sign(session, _by(token, claims))


async def _sign(session: aiohttp.ClientSession, headers: dict[str, str]) -> None:
    async with asyncio.timeout(HEARD_WITHIN):
        while True:
            async with session.post(SIGNATURES, json={"version": 1}, headers=headers) as answer:
                # Until the referral service has heard of the Hub, its manager is nobody there.
                if answer.status != HTTPStatus.NOT_FOUND:
                    if answer.status != HTTPStatus.CONFLICT:
                        answer.raise_for_status()
                    return
            await asyncio.sleep(0.1)


def _by(token: Callable[..., str], claims: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(**claims)}"}


def document(path: str, entry: dict[str, Any]) -> dict[str, Any]:
    """An entry in full: what all sample workers have in common is written once."""
    return {**EVERY_WORKER, **entry} if path.startswith("/v1/workers/") else entry
