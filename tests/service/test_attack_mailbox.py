"""Who is marked for a young person sends no mail and no webhook of theirs to an address of their own."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from allinone import sample
from tests.harness.mongo import Mongo
from tests.harness.network import a_referral
from tests.harness.receiver import receiving
from tests.harness.waiting import until
from tests.harness.whole import Whole, whole

SCHOOL_PATH = f"/v1/subscriptions/{sample.SCHOOL}"
MARK = {"unsafe": True, "relation": "alleged_perpetrator"}
BOXES: dict[str, tuple[str, dict[str, str]]] = {
    SCHOOL_PATH: ("teacher", {"role": "agency", "agency_id": sample.SCHOOL}),
    "/v1/subscriptions/operator": ("on call", {"role": "operator"}),
    f"/v1/subscriptions/{sample.HUB}": ("lead", {"role": "hub_manager", "hub_id": sample.HUB}),
}


@pytest_asyncio.fixture(scope="module")
async def services(mongo: Mongo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    async with whole(mongo.url, tmp_path_factory.mktemp("whole")) as made:
        for who, claims in BOXES.values():
            made.tokens[who] = made.token(sub=who, **claims)
            await made.ask(who, "GET", "/v1/notifications")
        yield made


async def a_child(services: Whole, key: str) -> str:
    subject = {"name": f"Child of {key}", "date_of_birth": "2011-02-03"}
    document = a_referral(agency_reference=key, subject=subject)
    headers = {"Idempotency-Key": key}
    answer = await services.ask("school", "POST", "/v1/referrals", json=document, headers=headers)
    referral = str(answer.json()["id"])

    async def placed() -> bool:
        path = f"/v1/allocations/{referral}"
        return bool((await services.ask("manager", "GET", path)).json().get("worker_id"))

    await until(placed, deadline=20, what="a worker")
    return referral


async def mark(services: Whole, referral: str, who: str) -> None:
    async def marked() -> bool:  # once the service has heard of the account
        path = f"/v1/referrals/{referral}/unsafe-accounts"
        return (await services.ask("manager", "PUT", path, json={**MARK, "sub": who})).is_success

    async def hidden() -> bool:  # once notify has heard of the mark
        projections = services.app.state.notify.projections
        account = services.app.state.tokens.accounts.of(who)
        return bool((await projections.hidden_from([f"account:{account}"])).subjects)

    await until(marked, deadline=20, what=f"a mark of {who}")
    await until(hidden, deadline=20, what=f"the mark of {who} being known")


async def steps(services: Whole, who: str, path: str) -> list[tuple[int, str]]:
    """What somebody is told who would move the box, make a new secret, or prove an address."""
    asked = [
        await services.ask(who, "PUT", path, json={"email": "mailbox@home.example"}),
        await services.ask(who, "POST", f"{path}/secret"),
        await services.ask(who, "POST", f"{path}/confirmation", json={"code": "ABCDEFGHIJ"}),
    ]
    return [(one.status_code, str(one.json().get("code"))) for one in asked]


@pytest.mark.parametrize("path", BOXES)
async def test_who_is_marked_moves_no_box_that_others_read(services: Whole, path: str) -> None:
    who, _ = BOXES[path]
    referral = await a_child(services, f"box of {who}")
    await services.ask(who, "PUT", path, json={"email": "box@office.example"})
    before = await steps(services, who, path)

    await mark(services, referral, who)

    assert (409, "somebody_else") not in before
    # Only agencies have a secret.
    assert set(await steps(services, who, path)) - {(403, "forbidden")} == {(409, "somebody_else")}


async def test_an_address_that_somebody_named_before_they_were_marked_is_told_nothing(
    services: Whole,
) -> None:
    services.tokens["early"] = services.token(sub="early", role="agency", agency_id=sample.SCHOOL)
    theirs, other = [await a_child(services, key) for key in ("theirs", "other")]
    async with receiving() as box:
        put = await services.ask("early", "PUT", SCHOOL_PATH, json={"url": box.url})
        assert put.is_success, put.text

        async def proved() -> bool:
            return bool((await services.ask("school", "GET", SCHOOL_PATH)).json()["url_verified"])

        await until(proved, deadline=20, what="a proved address")
        await mark(services, theirs, "early")
        for one in (theirs, other):
            step = await services.ask(
                "manager",
                "POST",
                f"/v1/referrals/{one}/steps/withdrawal",
                json={"reason": "moved_away"},
                headers={"If-Match": "*"},
            )
            assert step.is_success, step.text

        def told(referral: str) -> list[Any]:
            bodies = [json.loads(call.body) for call in box.calls]
            kinds = [body for body in bodies if body.get("kind") == "referral_withdrawn"]
            return [body for body in kinds if body.get("referral_id") == referral]

        async def done() -> bool:
            attempts = services.app.state.notify.attempts.collection
            refused = await attempts.find_one({"code": "named_by_unsafe"})
            return refused is not None and bool(told(other))

        await until(done, deadline=30, what="the one told and the other not")
        assert not told(theirs)
        # A colleague doesn't learn from the list of attempts that one of them is marked.
        listed = await services.ask("school", "GET", f"{SCHOOL_PATH}/attempts")
        assert listed.json()["attempts"], "what was sent is there"
        assert "unsafe" not in listed.text
