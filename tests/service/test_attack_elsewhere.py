"""No case goes to a worker of another Hub, and no Hub moves a case that another one has by now."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from allinone import sample
from shared.ids import new_id
from tests.harness.mongo import Mongo
from tests.harness.network import a_referral
from tests.harness.waiting import until
from tests.harness.whole import Whole, whole

SOUTH = "hub_south"
WORKER = {**sample.EVERY_WORKER, "worker_role": "hub_worker", "host_setting": "hub"}
AWAY = {**WORKER, "hub_id": SOUTH, "areas": ["southby"]}


@pytest_asyncio.fixture(scope="module")
async def services(mongo: Mongo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    async with whole(mongo.url, tmp_path_factory.mktemp("whole")) as made:
        south = {"name": "South Hub (synthetic)", "areas": ["southby"]}
        await done(made, "operator", "PUT", f"/v1/hubs/{SOUTH}", south)

        async def known() -> bool:
            return (await made.ask("other_manager", "GET", "/v1/referrals")).is_success

        await until(known, deadline=20)
        second = made.token(sub="mg_second", role="hub_manager", hub_id=sample.HUB)
        made.tokens["mg_second"] = second
        yield made


async def send(
    services: Whole, who: str, method: str, path: str, body: Any = None
) -> httpx2.Response:
    headers = {"Idempotency-Key": new_id("key"), "If-Match": "*"}
    return await services.ask(who, method, path, json=body, headers=headers)


async def done(services: Whole, who: str, method: str, path: str, body: Any = None) -> Any:
    answer = await send(services, who, method, path, body)
    assert answer.is_success, answer.text
    return answer.json()


async def put_worker(services: Whole, worker_id: str, entry: dict[str, Any]) -> None:
    await done(services, "operator", "PUT", f"/v1/workers/{worker_id}", entry)


async def a_case_of(services: Whole, key: str, worker_id: str) -> str:
    """A referral that a manager gives to this new worker."""
    await put_worker(services, worker_id, WORKER)
    subject = {"name": f"Child of {key}", "date_of_birth": "2011-02-03"}
    document = a_referral(agency_reference=key, subject=subject, settings_avoided=[])
    case = str((await done(services, "school", "POST", "/v1/referrals", document))["id"])
    await until(placed(services, "manager", case), deadline=20, what="a worker")
    await order(services, "manager", case, worker_id)
    return case


def placed(services: Whole, manager: str, case: str) -> Any:
    async def stands() -> dict[str, Any] | None:
        found = await services.ask(manager, "GET", f"/v1/allocations/{case}")
        return dict(found.json()) if found.is_success and found.json()["worker_id"] else None

    return stands


async def order(services: Whole, manager: str, case: str, worker_id: str, **more: Any) -> None:
    body = {"worker_id": worker_id, "reason": "workload", **more}
    await done(services, manager, "POST", f"/v1/allocations/{case}/assignment", body)


async def plan_for(services: Whole, worker_id: str) -> tuple[str, str]:
    """A plan for this worker's one case, and who would get it."""
    entry = {"worker_id": worker_id, "reason": "worker_leaves"}
    plan = await done(services, "manager", "POST", "/v1/handover-plans", entry)
    return f"/v1/handover-plans/{plan['id']}", plan["moves"][0]["to_worker_id"]


async def carried_out(services: Whole, plan: str) -> list[str]:
    await done(services, "manager", "POST", f"{plan}/confirmation")

    async def applied() -> list[str]:
        found = (await services.ask("manager", "GET", plan)).json()
        return [m["outcome"] for m in found["moves"]] if found["status"] == "applied" else []

    return list(await until(applied, deadline=20) or [])


async def test_a_plan_gives_no_case_to_who_works_for_another_hub_by_then(services: Whole) -> None:
    case = await a_case_of(services, "receiver", "wk_giver")
    await put_worker(services, "wk_room", {**WORKER, "cap": 1000})
    plan, receiver = await plan_for(services, "wk_giver")
    assert receiver == "wk_room", "nobody has more room"
    await put_worker(services, "wk_room", {**AWAY, "cap": 1000})

    outcomes = await carried_out(services, plan)

    stands = (await services.ask("manager", "GET", f"/v1/allocations/{case}")).json()
    assert (outcomes, stands["worker_id"]) == (["stayed"], "wk_giver")


async def test_a_plan_moves_no_case_that_another_hub_has_taken_over(services: Whole) -> None:
    """The worker went with it, so that the plan finds the case with whom it was."""
    case = await a_case_of(services, "taken over", "wk_goes_along")
    await put_worker(services, "wk_south", AWAY)
    plan, receiver = await plan_for(services, "wk_goes_along")
    proposal = {"to_hub_id": SOUTH, "reason": "moving_area", "area": "southby"}
    await done(services, "manager", "POST", f"/v1/referrals/{case}/transfer", proposal)
    await done(services, "other_manager", "POST", f"/v1/transfers/{case}/acceptance")
    before = await until(placed(services, "other_manager", case), deadline=20)
    await put_worker(services, "wk_goes_along", AWAY)
    await order(services, "other_manager", case, "wk_goes_along")

    outcomes = await carried_out(services, plan)

    stands = (await services.ask("other_manager", "GET", f"/v1/allocations/{case}")).json()
    assert (outcomes, stands["worker_id"]) == (["stayed"], "wk_goes_along")
    assert stands["escalations"] == dict(before or {})["escalations"]
    services.tokens["receiver"] = services.token(sub=receiver, role="worker", worker_id=receiver)
    assert (await services.ask("receiver", "GET", f"/v1/referrals/{case}")).status_code == 404


async def test_a_second_manager_passes_no_hard_cap_of_who_works_for_another_hub_by_then(
    services: Whole,
) -> None:
    case = await a_case_of(services, "exceeds", "wk_has_it")
    await put_worker(services, "wk_full", {**WORKER, "cap": 1})
    await order(services, "manager", case, "wk_full", exceed_hard_cap=True)
    await put_worker(services, "wk_full", {**AWAY, "cap": 1})

    path = f"/v1/allocations/{case}/assignment/confirmation"
    answer = await send(services, "mg_second", "POST", path)

    stands = (await services.ask("manager", "GET", f"/v1/allocations/{case}")).json()
    assert (answer.status_code, stands["worker_id"]) == (409, "wk_has_it")
