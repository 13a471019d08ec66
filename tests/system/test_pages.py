"""The pages as people use them: `make run`, a real browser, sample people, each job to its end."""

import re
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.harness.browser import Person, at_a_screen, browsing
from tests.harness.embedded import Embedded
from tests.harness.waiting import until

WORKERS = {
    "wk_hub_one": "worker",
    "wk_spoke_one": "spoke-police",
    "wk_spoke_two": "spoke-school",
    "wk_duty": "duty",
}


@pytest_asyncio.fixture(scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a network of its own."""
    embedded = Embedded(tmp_path_factory.mktemp("pages"))
    printed = await embedded.start()
    try:
        yield re.findall(r"http://127\.0\.0\.1:\d+", printed)[0]
    finally:
        await embedded.stop()


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as started:
        yield started


async def sign_in(person: Person, who: str) -> None:
    await person.open("/")
    await person.press("Sign in")
    await person.press(f"Sign in as {who}", within="body")


async def refer(person: Person, *, name: str = "Sample Child") -> str:
    """Make a referral as a school does; returns its id."""
    await person.press("Make a referral")
    await person.press("Start")
    await person.choose("Within five working days")
    await person.press("Save and go on")
    await person.write("Full name", name)
    await person.press("Save and go on")
    for part, value in (("Day", "17"), ("Month", "5"), ("Year", "2012")):
        await person.write(part, value)
    await person.press("Save and go on")
    await person.write("Area", "northtown")
    await person.press("Save and go on")
    await person.choose("Missing episodes")
    await person.press("Save and go on")
    await person.write("What was seen or heard", "Synthetic text of what was seen.")
    await person.press("Save and go on")
    await person.write("In their own words", "Synthetic words.")
    await person.press("Save and go on")
    for _ in range(4):
        await person.press("Save and go on")
    await person.write("Your name", "Sample Referrer")
    await person.press("Save and go on")
    assert "Check your answers" in await person.reads()
    await person.press("Send the referral")
    found = re.search(r"ref_[0-9a-f]{32}", await person.reads())
    assert found, await person.reads()
    return found[0]


async def add_a_goal(worker: Person) -> None:
    await worker.page.get_by_text("Add a goal").click()
    await worker.page.get_by_label("What is it about?").select_option("safety")
    await worker.write("The goal, in the young person", "Synthetic words: to be safe at night.")
    await worker.press("Save the goal")
    assert "to be safe at night" in await worker.reads()


async def holder(browser: Browser, network: str, referral_id: str) -> str:
    """Which of the sample people has the case."""
    for who in WORKERS.values():
        async with at_a_screen(browser, network) as person:
            await sign_in(person, who)
            if referral_id in await person.page.content():
                return who
    return ""


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_a_referral_is_made_accepted_on_a_phone_worked_on_and_closed(
    browser: Browser, network: str, scripts: bool
) -> None:
    async with at_a_screen(browser, network, scripts=scripts) as school:
        started = time.monotonic()
        await sign_in(school, "school")
        referral_id = await refer(school)
        print(f"\n{school.clicks} clicks, {time.monotonic() - started:.1f} s to a sent referral")

        who = await until(lambda: holder(browser, network, referral_id), deadline=30)
        async with at_a_screen(browser, network, phone=True, scripts=scripts) as worker:
            await sign_in(worker, who)
            await worker.open(f"/cases/{referral_id}")
            assert "Sample Child" in await worker.reads()
            await worker.press("Accept this case")
            await worker.press("Begin the work")
            await add_a_goal(worker)
            await worker.press("End this case")
            await worker.press("End the case")  # not yet: it asks why, and what came of the goal
            assert "There is a problem" in await worker.reads()
            await worker.choose("Achieved")
            await worker.page.get_by_label("Why does it end?").select_option("completed")
            await worker.press("End the case")
            assert worker.looked_at[-1] == "Today", await worker.reads()

        async def closed() -> bool:
            await school.open(f"/referrals/{referral_id}")
            return "Closed" in await school.reads()

        await until(closed, deadline=30, what="the school sees that it has ended")
