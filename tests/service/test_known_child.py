"""An agency that refers a child learns nothing from it about what others have recorded.

Two children are referred by one agency in the same words. One is known already, from another
agency, with everything on record that can be; the other is new. Every route that a referrer may use
is asked of both, and must answer alike.
"""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from shared.rules.access_table import TABLE
from tests.golden.access import action_of
from tests.golden.openapi import app_of, routes_of
from tests.harness.mongo import Mongo
from tests.harness.network import a_referral
from tests.harness.refusals import operations, written
from tests.harness.refused_routes import CONSENT, ROUTES
from tests.harness.waiting import until
from tests.harness.whole import Whole, whole

KNOWN = {"name": "Known Child", "date_of_birth": "2012-03-04", "nhs_number": "9434765919"}
NEW = {"name": "Other Child", "date_of_birth": "2012-03-05", "nhs_number": "9876543210"}
ID = re.compile(r"(ref|sub|con|bas|ntf|evt|amd|par|usr)_[0-9a-f]{32}|urn:trace:[0-9a-f]{32}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+\d\d:\d\d)")
# Whether somebody has room is the referral's fate, which its referrer hears; and who it is.
FATE = re.compile(r'(?<="status":)"(allocated|waiting)"|wk_\w+')
ROOM = {"referral_allocated", "referral_waiting"}
# In this order: what ends a referral comes last. Steps are for what has ended, too.
STEPS = ("rejection", "resubmission", "withdrawal", "reopening", "entered-in-error")


@pytest_asyncio.fixture(scope="module")
async def services(mongo: Mongo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    async with whole(mongo.url, tmp_path_factory.mktemp("whole")) as made:
        yield made


async def refer(services: Whole, person: str, key: str, subject: dict[str, Any]) -> httpx2.Response:
    document = a_referral(agency_reference=key, subject=subject, urgency="five_working_days")
    headers = {"Idempotency-Key": key}
    answer = await services.ask(person, "POST", "/v1/referrals", json=document, headers=headers)
    answer.raise_for_status()
    return answer


async def allocated(services: Whole, referral_id: str) -> None:
    async def placed() -> bool:
        answer = await services.ask("manager", "GET", f"/v1/allocations/{referral_id}")
        return bool(answer.json().get("worker_id"))

    await until(placed, deadline=20, what=f"{referral_id} having a worker")


async def record_everything(services: Whole, path: str) -> None:
    """All that can be on record about a young person, but what binds whoever refers them: that
    their parents are not to be told, and marks of the agency itself."""
    refused = {**CONSENT, "agency_ids": ["ag_northtown_health"]}
    basis = {
        **ROUTES["POST /v1/referrals/{referral_id}/bases"].body,
        "agency_ids": ["ag_northtown_health"],
    }
    mark = {"unsafe": True, "relation": "close_associate"}
    for person, method, suffix, body in (
        ("school", "PUT", "service-agreement", {"agreed": "declined"}),
        ("school", "POST", "consents", refused),
        ("manager", "POST", "bases", basis),
        ("manager", "PUT", "unsafe-agencies/ag_northtown_health", mark),
    ):
        headers = {"Idempotency-Key": suffix}
        answer = await services.ask(person, method, f"{path}/{suffix}", json=body, headers=headers)
        assert answer.is_success, (suffix, answer.text)


async def ask(
    services: Whole, method: str, path: str, key: str, content: bytes | None
) -> httpx2.Response:
    """The answer to the police, who have read the referral's newest state."""
    record = path[: path.index("ref_") + len("ref_") + 32]
    while True:
        tag = (await services.ask("police", "GET", record)).headers.get("etag", "*")
        headers = {"If-Match": tag, "Idempotency-Key": key, "Content-Type": "application/json"}
        answer = await services.ask("police", method, path, content=content, headers=headers)
        if answer.status_code != 412:  # allocation moved it in between
            return answer


def requests() -> Iterator[tuple[str, str, Any]]:
    """Every request about a referral that a referrer may make: method, suffix of the path, body."""
    described = operations()
    for route in routes_of(app_of("referral")):
        action = action_of(route)
        template = route.path.removeprefix("/v1/referrals/{referral_id}")
        if template == route.path or "referrer" not in TABLE[action or ""].relations:
            continue
        method = min(route.methods or ())
        if method == "GET":
            yield method, template, None
        elif template == "/steps/{step}":
            yield from (("POST", f"/steps/{step}", {"reason": "raised_in_error"}) for step in STEPS)
        else:
            name = f"{method} {route.path}"
            assert described[name]
            yield method, template, ROUTES[name].body


def plain(answer: httpx2.Response, subject: dict[str, Any]) -> tuple[int, str]:
    """An answer without what names or dates the referral or the child."""
    text = re.sub(r"police (again|new)", "<reference>", answer.text)
    for field, value in subject.items():
        text = text.replace(str(value), f"<{field}>")
    for pattern in (ID, TIME, FATE):
        text = pattern.sub("<it>", text)
    return answer.status_code, text


async def test_a_referrer_gets_the_same_answers_of_a_known_child_as_of_a_new_one(
    services: Whole,
) -> None:
    first = await refer(services, "school", "known before", KNOWN)
    await allocated(services, first.json()["id"])
    await record_everything(services, f"/v1/referrals/{first.json()['id']}")

    paths, asked, faults = {}, 0, []
    posted = []
    for key, subject in (("again", KNOWN), ("new", NEW)):
        answer = await refer(services, "police", f"police {key}", subject)
        paths[key] = f"/v1/referrals/{answer.json()['id']}"
        await allocated(services, answer.json()["id"])
        posted.append(plain(answer, subject))
    if posted[0] != posted[1]:
        faults.append(f"POST /v1/referrals: {posted}")
    for method, suffix, body in requests():
        answers = []
        for key, subject in (("again", KNOWN), ("new", NEW)):
            path = paths[key] + re.sub(r"\{(\w+)\}", "con_" + "0" * 32, suffix)
            answer = await ask(services, method, path, suffix, written(body))
            answers.append(plain(answer, subject))
            asked += 1
        if answers[0] != answers[1]:
            faults.append(f"{method} {suffix}: {answers}")

    print(f"{asked} requests")
    assert asked > 20
    assert not faults, "\n".join(faults)

    async def told_alike() -> bool:
        inbox = (await services.ask("police", "GET", "/v1/notifications?limit=100")).json()
        again, new = (
            sorted(
                n["kind"]
                for n in inbox["notifications"]
                if path.endswith(n["referral_id"]) and n["kind"] not in ROOM
            )
            for path in paths.values()
        )
        return again == new != []

    await until(told_alike, deadline=20, what="the same notifications of both")
