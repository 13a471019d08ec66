"""A young person's words from the card to "you said, we did": by hand on a phone, by a link, and without
scripts; read by whom they chose, and gone when they take them back."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.harness.browser import Person, at_a_screen, browsing
from tests.harness.embedded import Embedded
from tests.harness.waiting import until
from tests.system.test_pages import WORKERS, nothing_is_left_of, sign_in
from tests.system.test_pages_young import asks

WISH, DONE = "Synthetic wish: fewer people in the room.", "Synthetic: we now ask who may be there."


@pytest_asyncio.fixture(scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    embedded = Embedded(tmp_path_factory.mktemp("voice"))
    printed = await embedded.start()
    try:
        yield re.findall(r"http://127\.0\.0\.1:\d+", printed)[0]
    finally:
        await embedded.stop()


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as started:
        yield started


@pytest_asyncio.fixture(scope="module")
async def case(browser: Browser, network: str) -> tuple[str, str]:
    """A case, and who has it."""
    async with at_a_screen(browser, network, phone=True) as young:
        one = await asks(young)

    async def found() -> str:
        for who in WORKERS.values():
            async with at_a_screen(browser, network) as worker:
                await sign_in(worker, who)
                if one in await worker.page.content():
                    return who
        return ""

    return one, await until(found, deadline=30)


async def makes_a_card(worker: Person, one: str, who: str, moment: str) -> str:
    """The code of a new card."""
    await sign_in(worker, who)
    await worker.open(f"/cases/{one}")
    await worker.press("What they say of us")
    await worker.press("Make it")
    assert "There is a problem" in await worker.reads()
    await worker.choose(moment)
    await worker.press("Make it")
    found = re.search(r"\w{4}-\w{4}-\w{4}", await worker.reads())
    assert found, await worker.reads()
    return found[0]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_from_the_card_to_you_said_we_did(
    browser: Browser, network: str, case: tuple[str, str], scripts: bool
) -> None:
    one, who = case
    words = f"{WISH} {scripts}"
    async with at_a_screen(browser, network, scripts=scripts) as worker:
        code = await makes_a_card(worker, one, who, "Start")
    async with at_a_screen(browser, network, phone=True, scripts=scripts) as young:
        await young.open("/for-you")
        await young.press("You have a card")
        await young.write("What is the code", "no code")
        await young.press("Go on")
        assert "We do not know this code" in await young.reads()
        await young.write("What is the code", code.lower().replace("-", " "))
        await young.press("Go on")
        await young.choose("Not good")
        await young.write("What do you want", words)
        await young.choose("Share less about me")
        await young.choose("Letter")
        await young.press("Send it")
        assert "Choose who may read it" in await young.reads()
        assert words in await young.page.content(), "nobody types it twice"
        await young.page.get_by_label("My worker", exact=True).check()
        await young.press("Send it")
        assert "Thank you" in await young.reads()
        await nothing_is_left_of(young, words, code)

    async with at_a_screen(browser, network, scripts=scripts) as worker:
        await sign_in(worker, who)
        await worker.open(f"/cases/{one}/voice")
        assert words in await worker.reads()
        await worker.open(f"/cases/{one}")
        assert "do not get in touch this way: letter" in await worker.reads()
    async with at_a_screen(browser, network, scripts=scripts) as manager:
        await sign_in(manager, "manager")
        await manager.open(f"/cases/{one}/voice")
        assert words not in await manager.reads(), "for the worker alone"
        await manager.press("What they say", within="nav")
        assert "Too few yet" in await manager.reads()
        await manager.page.locator("summary", has_text="Share less about me").click()
        await manager.write("What did you do about “Share less", DONE)
        await manager.page.locator("details[open] button").click()
        await manager.page.wait_for_load_state("load")
        assert "Answered" in await manager.reads()

    async with at_a_screen(browser, network, phone=True, scripts=scripts) as young:
        await young.open("/say")
        await young.press("You said, we did")
        assert DONE in await young.reads()
        await young.press("Say how it is")
        await young.write("What is the code", code)
        await young.press("Go on")
        await young.press("Take it back")
        assert "It is gone" in await young.reads()
    async with at_a_screen(browser, network, scripts=scripts) as worker:
        await sign_in(worker, who)
        await worker.open(f"/cases/{one}/voice")
        assert words not in await worker.reads()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_a_question_is_asked_answered_and_ended(
    browser: Browser, network: str, scripts: bool
) -> None:
    words, phone = f"Synthetic question {scripts}.", scripts
    async with at_a_screen(browser, network, phone=phone, scripts=scripts) as school:
        await sign_in(school, "school")
        await school.press("Ask for advice", within="nav")
        await school.write("Your question", words)
        await school.press("Ask")
        assert "Choose what it is about" in await school.reads()
        assert words in await school.page.content(), "nobody types it twice"
        await school.page.get_by_label("What is it about?").select_option("online")
        await school.page.get_by_label("Which area").select_option("northtown")
        await school.press("Ask")
        assert "Open" in await school.reads()
    async with at_a_screen(browser, network, phone=phone, scripts=scripts) as worker:
        await sign_in(worker, "worker")
        await worker.press("Questions", within="nav")
        await worker.press("Something online")
        assert words in await worker.reads()
        await worker.write("Write", "Synthetic answer.")
        await worker.press("Send")
        assert "Answered" in await worker.reads()
    async with at_a_screen(browser, network, scripts=scripts) as school:
        await sign_in(school, "school")
        await school.open("/advice")
        await school.press("Something online")
        assert "Synthetic answer." in await school.reads()
        await school.page.locator("summary", has_text="End this question").click()
        await school.choose("Advice given")
        await school.press("End it")
        assert "Closed" in await school.reads()


async def test_the_code_of_a_link_is_in_the_field_and_in_no_address(
    browser: Browser, network: str, case: tuple[str, str]
) -> None:
    async with at_a_screen(browser, network) as worker:
        code = await makes_a_card(worker, *case, "On the way")
    async with at_a_screen(browser, network, phone=True) as young:
        await young.page.goto(f"{network}/say#{code}")
        assert code not in young.page.url
        assert not [one for one in young.asked if code in one]
        await young.press("Go on")
        assert "How is it so far?" in await young.reads()
