"""A Hub manager's pages as they use them: `make run`, a real browser, each job to its end."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.harness.browser import Person, at_a_screen, browsing
from tests.harness.sample_network import SampleNetwork
from tests.harness.waiting import until

AWAY = [{"start": "2026-01-01", "to": "2029-12-31", "kind": "annual"}]
PLACED, WHO_IS_PLACED = "wk_spoke_two", "spoke-school"
CHILDREN = {"desktop": "Asha Sample", "phone": "Boris Sample", "no scripts": "Chidi Sample"}
BORN = {"desktop": "2010-01-11", "phone": "2011-04-22", "no scripts": "2012-08-03"}


@pytest_asyncio.fixture(scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SampleNetwork]:
    """A network in which two workers are away, so that all waits for the third, who is full."""
    started = SampleNetwork(tmp_path_factory.mktemp("managing"))
    await started.start()
    try:
        await started.change_worker("wk_hub_one", leave=AWAY)
        await started.change_worker("wk_spoke_one", leave=AWAY)
        yield started
    finally:
        await started.stop()


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as started:
        yield started


async def sign_in(person: Person, who: str) -> None:
    await person.open("/sign-in")
    await person.press(f"Sign in as {who}", within="body")


async def waiting(network: SampleNetwork, name: str, born: str) -> str:
    """The id of a referral for which the rules find nobody: by hand there is room for one more."""
    known = (await network.ask("MANAGER", "GET", f"/v1/workers/{PLACED}")).json()
    await network.change_worker(PLACED, cap=known["caseload"] + 1)
    referral_id = await network.refer(name, born)

    async def waits() -> bool:
        path = "/v1/allocations?only=waiting"
        found = (await network.ask("MANAGER", "GET", path)).json()["allocations"]
        return any(each["id"] == referral_id for each in found if each["status"] == "waiting")

    await until(waits, deadline=20, what="it waits")
    return referral_id


@pytest.mark.parametrize("size", CHILDREN)
async def test_a_referral_that_waits_is_understood_placed_by_hand_and_seen_by_its_worker(
    browser: Browser, network: SampleNetwork, size: str
) -> None:
    referral_id = await waiting(network, CHILDREN[size], BORN[size])
    how = {"phone": size == "phone", "scripts": size != "no scripts"}

    async with at_a_screen(browser, network.base, **how) as manager:
        await sign_in(manager, "manager")
        assert manager.looked_at[-1] == "Board"
        assert "Waiting for a worker (1)" in await manager.reads()
        await manager.press(referral_id)
        assert CHILDREN[size] in await manager.reads()
        await manager.press("Why this worker, and no other")
        said = await manager.reads()
        assert f"{PLACED} was not chosen: the worker has no room within the cap." in said
        assert "wk_hub_one was not chosen: the worker is on leave." in said
        await manager.press("Back to the case")
        await manager.press("Choose the worker")
        await manager.press("Give it to this worker")  # not yet: it asks whom, and why
        assert "Choose a reason" in await manager.reads()
        await manager.choose(PLACED)
        await manager.page.get_by_label("Why this worker?").select_option("no_candidate")
        await manager.press("Give it to this worker")
        assert f"With {PLACED}" in await manager.reads()
        await manager.open("/caseloads")
        assert "Over the soft cap by 1." in await manager.reads()

    async with at_a_screen(browser, network.base, phone=True) as worker:
        await sign_in(worker, WHO_IS_PLACED)
        assert f"/cases/{referral_id}" in await worker.page.content()
