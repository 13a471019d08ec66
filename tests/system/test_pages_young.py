"""A young person writes to us themselves, on a phone, and a worker has their words."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.harness.browser import Person, at_a_screen, browsing
from tests.harness.embedded import Embedded
from tests.harness.waiting import until
from tests.system.test_pages import WORKERS, nothing_is_left_of, sign_in


@pytest_asyncio.fixture(scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    embedded = Embedded(tmp_path_factory.mktemp("young"))
    printed = await embedded.start()
    try:
        yield re.findall(r"http://127\.0\.0\.1:\d+", printed)[0]
    finally:
        await embedded.stop()


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as started:
        yield started


async def asks(person: Person) -> str:
    """Ask for help; returns the number of it."""
    await person.open("/")
    await person.press("Are you a young person")
    await person.press("Tell us")
    await person.write("What is going on?", "Synthetic words of a young person.")
    await person.press("Send it")
    assert "There is a problem" in await person.reads()
    assert "Synthetic words" in await person.page.content(), "nobody types it twice"
    await person.choose("Today")
    await person.write("Which town or place", "northtown")
    await person.write("What should we call you?", "Sample")
    await person.write("Is there anything we must not do?", "Do not call my home.")
    await person.press("Send it")
    found = re.search(r"ref_[0-9a-f]{32}", await person.reads())
    assert found, await person.reads()
    return found[0]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_a_worker_has_what_a_young_person_wrote(
    browser: Browser, network: str, scripts: bool
) -> None:
    async with at_a_screen(browser, network, phone=True, scripts=scripts) as young:
        referral_id = await asks(young)
        await nothing_is_left_of(young, "Synthetic words", "Do not call")

    async def found() -> str:
        for who in WORKERS.values():
            async with at_a_screen(browser, network) as worker:
                await sign_in(worker, who)
                if referral_id in await worker.page.content():
                    return who
        return ""

    who = await until(found, deadline=30)
    async with at_a_screen(browser, network, scripts=scripts) as worker:
        await sign_in(worker, who)
        await worker.open(f"/cases/{referral_id}")
        page = await worker.reads()
        assert "Synthetic words of a young person." in page
        assert "Do not call my home." in page
