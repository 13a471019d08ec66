"""What somebody does who has just typed `make run`, or has just got a webhook and a mailbox."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.harness.browser import Person, at_a_screen, browsing
from tests.harness.embedded import Embedded
from tests.harness.mailbox import Mailbox, certificate, mailbox
from tests.harness.receiver import receiving
from tests.harness.waiting import until
from tests.system.test_pages import sign_in


@dataclass(frozen=True)
class Network:
    """A network that has just begun, with a mail server."""

    base: str
    box: Mailbox


@pytest_asyncio.fixture(scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Network]:
    folder: Path = tmp_path_factory.mktemp("start")
    async with mailbox("smtp", *certificate(folder)) as box:
        settings = {"SMTP_URL": box.url, "MAIL_FROM": "network@hub.example"}
        embedded = Embedded(folder, **settings)
        try:
            printed = await embedded.start()
            yield Network(re.findall(r"http://127\.0\.0\.1:\d+", printed)[0], box)
        finally:
            await embedded.stop()


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as started:
        yield started


async def settings_say(person: Person, words: str) -> None:
    async def so() -> bool:
        await person.open("/settings")
        return words in await person.reads()

    await until(so, deadline=30, what=words)


async def test_an_agency_tests_its_webhook_and_sees_why_it_fails(
    browser: Browser, network: Network
) -> None:
    async with receiving() as receiver, at_a_screen(browser, network.base) as health:
        await sign_in(health, "health")
        await health.open("/settings")
        assert not await health.named("Send a test").count(), "there is nothing to test"
        await health.write("Webhook", receiver.url)
        await health.press("Save")
        await settings_say(health, "It has answered.")

        await health.press("Send a test")
        assert "Webhook: the test arrived." in await health.reads()
        assert len(receiver.calls) == 1
        receiver.answers += [500]
        await health.press("Send a test")
        assert "the test did not arrive" in await health.reads()
        assert "status 500" in await health.reads()
        rows = health.page.locator("tbody tr")
        assert await rows.count() == 2
        assert "status 500" in await rows.first.inner_text()
        await health.open("/settings/attempts")
        assert await rows.count() == 2
    async with at_a_screen(browser, network.base, phone=True) as health:
        await sign_in(health, "health")
        await health.open("/settings")
        await health.press("Send a test")  # and nobody is there any more
        assert "Nothing answered at this address." in await health.reads()
        for _ in range(4):
            await health.press("Send a test")
        assert "There is a problem" in await health.reads()
        assert "often enough" in await health.reads()


async def test_a_mailbox_is_tested_without_scripts(browser: Browser, network: Network) -> None:
    async with at_a_screen(browser, network.base, scripts=False) as school:
        await sign_in(school, "school")
        await school.open("/settings")
        await school.write("Mailbox", "desk@school.example")
        await school.press("Save")
        await school.press("Send a test")
        assert "first enter the code that was mailed there" in await school.reads()

        def code() -> str:
            mails = [str(mail.get_payload()) for mail in network.box.mails]
            found = [re.search(r"your code is: ([A-Z2-7]{10})", mail) for mail in mails]
            return next((each[1] for each in found if each), "")

        await school.write("The code that was sent", await until(code, deadline=30))
        await school.press("Confirm the mailbox")
        await school.press("Send a test")
        assert "Mailbox: the test arrived." in await school.reads()
        assert any("test" in str(mail["Subject"]) for mail in network.box.mails)
        network.box.says += ["552 full"]
        await school.press("Send a test")
        assert "The mail server did not take it (code 552)." in await school.reads()
