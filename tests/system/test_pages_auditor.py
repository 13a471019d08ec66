"""The auditor's pages in a real browser: the story of a referral, and the browser's own proof of it."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.harness.browser import Person, at_a_screen, browsing
from tests.harness.embedded import Embedded
from tests.harness.waiting import until

WHY = "purpose=inspection"
REFERRAL = {
    "urgency": "immediate",
    "area": "northtown",
    "referrer": {"name": "Sample Referrer", "role": "teacher", "contact": "r@school.example"},
    "subject": {"name": "Sample Child", "date_of_birth": "2012-05-17"},
    "indicators": [{"code": "missing_episodes", "recency": "current"}],
    "narrative": "Synthetic text.",
}


@dataclass(frozen=True)
class Network:
    """A running network, and the tokens that it printed."""

    base: str
    data: Path
    tokens: dict[str, str]

    async def refer(self, reference: str) -> str:
        """A referral as a school makes it through the API; returns its id."""
        said = {**REFERRAL, "agency_reference": reference}
        fields = {"Authorization": f"Bearer {self.tokens['AGENCY']}", "Idempotency-Key": reference}
        async with (
            aiohttp.ClientSession(self.base, headers=fields) as http,
            http.post("/v1/referrals", json=said) as answer,
        ):
            return str((await answer.json())["id"])


@pytest_asyncio.fixture(scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Network]:
    folder = tmp_path_factory.mktemp("auditor")
    embedded = Embedded(folder)
    printed = await embedded.start()
    base = re.findall(r"http://127\.0\.0\.1:\d+", printed)[0]
    tokens = dict(re.findall(r"^export (\w+)=(\S+)$", printed, re.MULTILINE))
    try:
        yield Network(base, folder / "data", tokens)
    finally:
        await embedded.stop()


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as started:
        yield started


@pytest_asyncio.fixture(scope="module")
async def referral_id(network: Network) -> str:
    return await network.refer("SYN-STORY")


async def sign_in(person: Person) -> None:
    await person.open("/")
    await person.press("Sign in")
    await person.press("Sign in as auditor", within="body")


async def the_story(person: Person, referral_id: str) -> str:
    """Search for the referral until it was given to a worker; what the page says."""

    async def told() -> str:
        await person.open("/trail")
        await person.write("Referral", referral_id)
        await person.page.get_by_label("Why do you ask?").select_option("inspection")
        await person.press("Search")
        said = await person.reads()
        return said if "case allocated to you" in said else ""

    return await until(told, deadline=30, what="the story has the worker")


async def test_an_auditor_reads_the_story_of_a_referral_and_who_has_what(
    browser: Browser, network: Network, referral_id: str
) -> None:
    async with at_a_screen(browser, network.base) as auditor:
        await sign_in(auditor)
        said = await the_story(auditor, referral_id)

        assert auditor.looked_at[-1] == "Story of a referral"
        assert "ag_northtown_school referred this referral, urgency immediate" in said.lower()
        assert "on ground allocated worker" in said
        assert "Sample Child" not in said

        await auditor.press("Who has what")
        assert "On which ground: Allocated worker" in await auditor.reads()
        await auditor.press("Its story")
        await auditor.press("Entry ")
        assert '"recorded_at":"' in await auditor.reads()


async def test_a_question_is_put_by_codes_and_no_name_gets_into_an_address(
    browser: Browser, network: Network, referral_id: str
) -> None:
    async with at_a_screen(browser, network.base, phone=True) as auditor:
        await sign_in(auditor)
        await auditor.press("Search")
        assert "There is a problem" in await auditor.reads()
        await auditor.write("Agency", "Sample Child")
        await auditor.page.get_by_label("Why do you ask?").select_option("inspection")
        await auditor.press("Search")
        assert "Names are not in the trail" in await auditor.reads()
        assert "Sample" not in auditor.page.url

        await auditor.write("Agency", "ag_northtown_school")
        await auditor.page.get_by_label("Kind of entry").select_option("referral.received")
        await auditor.page.get_by_label("What came of it").select_option("received")
        await auditor.write("First day", "2026-01-01")
        await auditor.press("Search")
        assert referral_id in await auditor.reads()

        await auditor.open(f"/trail?asked={referral_id}&{WHY}")
        await auditor.open(f"/trail/referrals/{referral_id}")
        assert auditor.looked_at[-1] == "Why do you look?"
        await auditor.page.get_by_label("Why do you look?").select_option("complaint")
        await auditor.press("Go on")
        assert auditor.looked_at[-1] == "Story of a referral"


async def test_reports_refusals_and_the_state_of_the_trail_are_told_in_words(
    browser: Browser, network: Network
) -> None:
    async with at_a_screen(browser, network.base) as auditor:
        await sign_in(auditor)
        await auditor.press("Reports", within="nav")
        await auditor.press("Show the report")
        assert "Choose a report" in await auditor.reads()
        await auditor.choose("Repeated refusals")
        await auditor.page.get_by_label("Why do you ask?").select_option("oversight")
        await auditor.press("Show the report")
        assert "refused three times or more" in await auditor.reads()
        await auditor.open("/trail/reports")
        await auditor.press("Who was refused")
        await auditor.press("Is it whole?", within="nav")
        assert "The trail has found no fault in itself" in await auditor.reads()
