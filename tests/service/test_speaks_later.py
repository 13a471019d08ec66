"""Whose word opens a record, in whatever order they speak and call: never to where they call, too."""

from collections.abc import AsyncIterator
from itertools import permutations
from typing import Any

import pytest
import pytest_asyncio

from allinone import sample
from tests.harness.mongo import Mongo
from tests.harness.network import a_referral
from tests.harness.waiting import until
from tests.harness.whole import Whole, whole

YES: dict[str, Any] = {
    **{"status": "given", "agency_ids": [sample.POLICE], "given_by": "young_person"},
    **{"categories": ["existence", "concerns"], "gillick_competent": True},
}
BASIS: dict[str, Any] = {
    **{"basis": "public_task", "condition": "safeguarding", "agency_ids": [sample.POLICE]},
    **{"categories": ["existence"], "reason": "Synthetic.", "necessity": "Synthetic."},
    **{"review_at": "2027-01-01T00:00:00Z", "subject_told": True},
}
MANAGES = {"role": "hub_manager", "hub_id": sample.HUB}
REFERS = {"role": "agency", "agency_id": sample.SCHOOL}
SPEAKS_AS = {"intake": REFERS, "consent": REFERS, "basis": MANAGES, "confirms": MANAGES}
CASES = [(what, order) for what in SPEAKS_AS for order in permutations(("speaks", "calls"))]


@pytest_asyncio.fixture(scope="module")
async def services(mongo: Mongo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    async with whole(mongo.url, tmp_path_factory.mktemp("whole")) as made:
        yield made


async def post(services: Whole, who: str, path: str, key: str, body: dict[str, Any]) -> Any:
    headers = {"Idempotency-Key": key}
    return await services.ask(who, "POST", path, json=body, headers=headers)


async def refer(services: Whole, who: str, key: str, **more: Any) -> str:
    subject = {"name": f"Child of {key}", "date_of_birth": "2011-02-03"}
    document = a_referral(agency_reference=key, subject=subject, **more)
    sent = await post(services, who, "/v1/referrals", key, document)
    assert sent.status_code == 201, sent.text
    path = f"/v1/referrals/{sent.json()['id']}"

    async def placed() -> bool:  # once a Hub has it, whose agreement it is
        found = await services.ask("manager", "GET", path)
        return found.is_success and found.json()["status"] in ("allocated", "waiting")

    await until(placed, deadline=20, what="a Hub")
    return path


async def speak(services: Whole, what: str, path: str, key: str) -> str:
    """Somebody says that the police may read; where a referral says it, this is the one."""
    if what == "intake":
        return await refer(services, f"{key} speaks", f"{key} sent", consents=[YES])
    if what == "confirms":  # a yes of the police themselves waits until somebody confirms it
        waits = await post(services, "police", f"{path}/consents", f"{key} waits", YES)
        assert waits.status_code in (201, 404), waits.text
        consent = await post(services, "twice", f"{path}/consents", f"{key} waits", YES)
        body = {"confirmed": True, "reason": "asked_young_person"}
        confirmation = f"{path}/consents/{consent.json()['id']}/confirmation"
        await post(services, f"{key} speaks", confirmation, key, body)
        return path
    kind, body = ("bases", BASIS) if what == "basis" else ("consents", YES)
    await post(services, f"{key} speaks", f"{path}/{kind}", key, body)
    return path


@pytest.mark.parametrize("number", range(len(CASES)))
async def test_nobody_opens_a_record_to_an_agency_as_which_they_call_before_or_after(
    services: Whole, number: int
) -> None:
    what, order = CASES[number]
    key = f"{what} {order[0]}"
    police = {"role": "agency", "agency_id": sample.POLICE}
    services.tokens[f"{key} speaks"] = services.token(sub=key, **SPEAKS_AS[what])
    services.tokens[f"{key} calls"] = services.token(sub=key, **police)
    # One account of school and police, known as both: what it records for the police waits.
    services.tokens["twice"] = services.token(sub="twice", **REFERS)
    services.tokens["twice as police"] = services.token(sub="twice", **police)
    for one in ("twice", "twice as police"):
        await services.ask(one, "GET", "/v1/referrals")
    path = await refer(services, "school", key)
    for step in order:
        if step == "speaks":
            path = await speak(services, what, path, key)
        else:  # at once: before anybody has heard of it by an event
            seen = await services.ask(f"{key} calls", "GET", path)
            assert seen.status_code == 404, f"{what} {order}"

    async def quiet() -> bool:
        account = services.app.state.tokens.accounts.of(key)
        known = await services.app.state.referral.known.agencies_of(account)
        return sample.POLICE in known and await _closed(services, path)

    await until(quiet, deadline=20, what=f"the record being closed: {what} {order}")
    mine = await services.ask(f"{key} calls", "GET", path)
    assert mine.status_code == 404


async def _closed(services: Whole, path: str) -> bool:
    return (await services.ask("police", "GET", path)).status_code == 404


async def test_what_somebody_else_says_opens_it(services: Whole) -> None:
    path = await refer(services, "school", "opened")
    await post(services, "manager", f"{path}/bases", "opened", BASIS)

    async def opened() -> bool:
        return not await _closed(services, path)

    await until(opened, deadline=20, what="the police reading it")
