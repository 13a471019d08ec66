"""What takes two people takes two people: two accounts that have called as one worker are one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from allinone import sample
from shared.clock import now
from tests.harness.mongo import Mongo
from tests.harness.waiting import until
from tests.harness.whole import Whole, whole

ONE = "wk_both"
CALLS_AS: dict[str, dict[str, str]] = {
    "first": {"role": "hub_manager", "hub_id": sample.HUB},
    "again": {"role": "hub_manager", "hub_id": sample.HUB},
    "asking": {"role": "auditor"},
    "telling": {"role": "auditor"},
    "signing": {"role": "agency", "agency_id": sample.POLICE},
}
DAY = now().date() + timedelta(days=30)
LEAVE = {"start": str(DAY), "to": str(DAY + timedelta(days=3))}


@pytest_asyncio.fixture(scope="module")
async def services(mongo: Mongo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    async with whole(mongo.url, tmp_path_factory.mktemp("whole")) as made:
        worker = {**sample.EVERY_WORKER, "worker_role": "hub_worker", "host_setting": "hub"}
        entry: dict[str, Any] = {**worker, "cap": 1}
        (await made.ask("operator", "PUT", f"/v1/workers/{ONE}", json=entry)).raise_for_status()
        for account, claims in CALLS_AS.items():
            made.tokens[account] = made.token(sub=account, **claims)
            as_worker = made.token(sub=account, role="worker", worker_id=ONE)
            made.tokens[f"{account} as worker"] = as_worker
            # Each account calls as the worker, at one service only: others hear of it.
            path = "/v1/allocations" if account in ("asking", "telling") else "/v1/notifications"
            answer = await made.ask(f"{account} as worker", "GET", path)
            assert answer.is_success, answer.text
        await until(lambda: heard(made), deadline=20, what="what each account has called as")
        yield made


async def heard(services: Whole) -> bool:
    """Whether both services that ask for two people know of all accounts as the worker."""
    accounts = [services.app.state.tokens.accounts.of(name) for name in CALLS_AS]
    allocation, referral = services.app.state.allocation, services.app.state.referral
    known = [await allocation.people.workers_of(one) for one in accounts]
    known += [{*await referral.known.workers_of(one)} for one in accounts]
    return all(known)


Step = Callable[[Whole], Awaitable[httpx2.Response]]


async def leave(services: Whole) -> httpx2.Response:
    path = f"/v1/workers/{ONE}/leave-requests"
    listed = (await services.ask("first as worker", "GET", path)).json()["requests"]
    if not listed:
        listed = [(await services.ask("first as worker", "POST", path, json=LEAVE)).json()]
    return await services.ask("again", "POST", f"{path}/{listed[0]['id']}/approval")


async def own_entry(services: Whole) -> httpx2.Response:
    read = await services.ask("again as worker", "GET", f"/v1/workers/{ONE}")
    entry = {**read.json()["entry"], "leave": [LEAVE]}
    tag = {"If-Match": read.headers["ETag"]}
    return await services.ask("again", "PUT", f"/v1/workers/{ONE}", json=entry, headers=tag)


async def own_end(services: Whole) -> httpx2.Response:
    tag = {"If-Match": "*"}
    return await services.ask("again", "DELETE", f"/v1/workers/{ONE}", headers=tag)


async def own_supervision(services: Whole) -> httpx2.Response:
    held = {"kind": "case", "held_on": str(now().date())}
    return await services.ask("again", "POST", f"/v1/workers/{ONE}/supervisions", json=held)


async def over_the_cap(services: Whole) -> httpx2.Response:
    path = f"/v1/allocations/{services.ids['allocation_id']}/assignment"
    order = {"worker_id": ONE, "reason": "continuity", "exceed_hard_cap": True}
    asked = await services.ask("first", "POST", path, json=order, headers={"If-Match": "*"})
    assert asked.is_success, asked.text
    return await services.ask("again", "POST", f"{path}/confirmation")


async def tracing(services: Whole) -> httpx2.Response:
    wanted = {"referral_id": services.ids["referral_id"]}
    body = {"purpose": "access_request", **wanted}
    asked = await services.ask("asking", "POST", "/v1/tracings", json=body)
    path = f"/v1/tracings/{asked.json()['id']}/confirmation"
    return await services.ask("telling", "POST", path, json=wanted)


async def agreement(services: Whole) -> httpx2.Response:
    terms = {
        **{"parties": [sample.HUB, sample.POLICE], "purposes": ["safeguarding"]},
        **{"categories": ["existence"], "grounds": ["consent"]},
        **{"effective_from": "2026-01-01T00:00:00Z", "effective_to": "2028-12-31T00:00:00Z"},
        **{"review_at": "2027-01-01T00:00:00Z"},
    }
    path = f"/v1/agreements/isa_{'0a' * 16}"
    tag = {"If-Match": "*"}
    await services.ask("operator", "PUT", path, json=terms, headers=tag)
    signed = await services.ask("first", "POST", f"{path}/signatures", json={"version": 1})
    assert signed.is_success, signed.text
    return await services.ask("signing", "POST", f"{path}/signatures", json={"version": 1})


STEPS: list[Step] = [leave, own_entry, own_end, own_supervision, over_the_cap, tracing, agreement]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
async def test_two_accounts_of_one_worker_are_not_two_people(services: Whole, step: Step) -> None:
    answer = await step(services)

    assert (answer.status_code, answer.json().get("code")) == (409, "second_person_needed")
