"""The auditor's pages in a real browser: the story of a referral, and the browser's own proof of it."""

import base64
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from pymongo import AsyncMongoClient

from services.audit.log.checkpoints import Checkpoint
from services.audit.log.signing import SigningKey
from services.audit.log.tree import leaf_hash
from tests.harness.browser import Person, at_a_screen, browsing
from tests.harness.embedded import Embedded
from tests.harness.trails import verify
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


async def sign_in(person: Person, who: str = "auditor") -> None:
    await person.open("/")
    await person.press("Sign in")
    await person.press(f"Sign in as {who}", within="body")


async def the_story(person: Person, referral_id: str) -> str:
    """Open it once the referral was given to a worker; what the page says."""

    async def told() -> str:
        await person.open(f"/trail/referrals/{referral_id}?{WHY}")
        said = await person.reads()
        return said if "case allocated to you" in said else ""

    return await until(told, deadline=30, what="the story has the worker")


async def test_an_auditor_reads_the_story_of_a_referral_and_who_has_what(
    browser: Browser, network: Network, referral_id: str
) -> None:
    async with at_a_screen(browser, network.base) as auditor:
        await sign_in(auditor)
        said = await the_story(auditor, referral_id)
        assert "ag_northtown_school referred this referral, urgency immediate" in said
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
        assert "Names of people are not in the trail" in await auditor.reads()
        assert "Sample" not in auditor.page.url

        offers = auditor.page.locator("datalist option[value=ag_northtown_school]")
        name = await offers.text_content()
        await auditor.write("Agency", name or "")
        await auditor.page.get_by_label("Kind of entry").select_option("referral.received")
        await auditor.page.get_by_label("What came of it").select_option("received")
        await auditor.write("First day", "2026-01-01")
        await auditor.press("Search")
        assert referral_id in await auditor.reads()
        assert "agency=ag_northtown_school" in auditor.page.url

        await auditor.open("/trail")
        await auditor.write("Referral", referral_id)
        await auditor.page.get_by_label("Why do you ask?").select_option("inspection")
        await auditor.press("Search")
        assert auditor.looked_at[-1] == "Story of a referral"
        await auditor.press("Who asked the trail about it")
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
        await auditor.page.get_by_label("Why do you ask?").select_option("oversight")
        await auditor.press("Search")
        assert auditor.looked_at[-1] == "Found in the trail"
        await auditor.press("Is it whole?", within="nav")
        assert "The trail has found no fault in itself" in await auditor.reads()


async def check(person: Person) -> str:
    """Press "Check"; how it came out, once it is there."""
    said = person.page.locator("[data-said]")
    await said.evaluate("place => delete place.dataset.state")
    await person.page.get_by_role("button", name="Check", exact=True).click()
    await person.page.locator("[data-said][data-state]").wait_for()
    await person.look_again()
    return str(await said.get_attribute("data-state"))


async def test_the_browser_itself_checks_a_story_and_says_against_what(
    browser: Browser, network: Network, referral_id: str
) -> None:
    async with at_a_screen(browser, network.base, phone=True) as auditor:
        await sign_in(auditor)
        await the_story(auditor, referral_id)
        entries = await auditor.page.locator("#entries > li").count()

        assert await check(auditor) == "ok", await auditor.reads()
        said = await auditor.reads()
        assert f"{entries} of the {entries} entries on this page are in the trail" in said
        assert "takes from this site now, for the first time" in said
        assert "you kept no checkpoint" in said

        await network.refer("SYN-MORE")
        assert await check(auditor) == "ok"
        assert re.search(r"extends the checkpoint of \d+ that you keep", await auditor.reads())


async def test_an_entry_is_checked_as_it_stands_on_its_own_page(
    browser: Browser, network: Network, referral_id: str
) -> None:
    async with at_a_screen(browser, network.base) as auditor:
        await sign_in(auditor)
        await the_story(auditor, referral_id)
        await auditor.press("Entry ")
        assert await check(auditor) == "ok", await auditor.reads()

        line = auditor.page.locator("#entries > li")
        at, says = await line.get_attribute("data-at"), line.locator(".says")
        await line.evaluate("place => { place.dataset.at = '2026-01-01T00:00:00.000Z'; }")
        assert await check(auditor) == "wrong"
        assert "shows another time or kind of it" in await auditor.reads()
        await line.evaluate("(place, at) => { place.dataset.at = at; }", at)
        await says.evaluate("place => { place.textContent += ' ref_' + '0'.repeat(32); }")
        assert await check(auditor) == "wrong"
        assert "which is not in it" in await auditor.reads()

        raw = auditor.page.locator("main [data-raw]")
        await raw.evaluate("place => place.textContent = place.textContent.replace('0', '1')")
        assert await check(auditor) == "wrong"
        assert "is not what was sealed, or its proof was changed" in await auditor.reads()


async def test_without_scripts_the_story_is_there_and_nothing_is_called_checked(
    browser: Browser, network: Network, referral_id: str
) -> None:
    async with at_a_screen(browser, network.base, scripts=False) as auditor:
        await sign_in(auditor)
        said = await the_story(auditor, referral_id)

        assert "ag_northtown_school referred this referral" in said
        assert "Nothing on this page has been checked" in said
        assert await auditor.page.get_by_role("button", name="Check", exact=True).count() == 0


async def test_a_school_sees_its_own_entries_in_words_and_what_is_not_shown_is_grey(
    browser: Browser, network: Network, referral_id: str
) -> None:
    async with at_a_screen(browser, network.base) as school:
        await sign_in(school, "school")
        await school.open(f"/trail/referrals/{referral_id}?purpose=casework")
        assert "case allocated to you" not in await school.reads()
        await school.press("Entry ")
        assert "in words only" in await school.reads()

        assert await check(school) == "unknown"
        assert "you may not see what was sealed of it" in await school.reads()


async def keep(person: Person, key: str, note: str) -> str:
    """Give the page a key and a checkpoint; what it says."""
    kept, said = (
        person.page.locator("details:has([data-kept])"),
        person.page.locator("[data-keeping]"),
    )
    await kept.evaluate("box => { box.open = true; }")
    await said.evaluate("place => { place.textContent = ''; }")
    await person.page.get_by_label("Key of the trail").fill(key)
    await person.page.get_by_label("Checkpoint", exact=True).fill(note)
    await person.page.get_by_role("button", name="Keep these").click()
    await expect(said).to_contain_text("ept:")
    return await said.inner_text()


def the_key(network: Network) -> SigningKey:
    seed = (network.data / "keys" / "audit_signing.key").read_text()
    return SigningKey.parse(f"hub-and-spoke/trail+{seed}")


async def test_another_history_than_the_one_kept_is_red_and_the_evidence_is_shown(
    browser: Browser, network: Network, referral_id: str
) -> None:
    key = the_key(network)
    forged = Checkpoint("hub-and-spoke/trail", 5, bytes(range(32))).sign([key])
    async with at_a_screen(browser, network.base) as auditor:
        await sign_in(auditor)
        await the_story(auditor, referral_id)
        assert "of 5 entries" in await keep(auditor, str(key.verifier), forged)

        assert await check(auditor) == "wrong"
        said = await auditor.reads()
        assert "does not extend the 5 that you keep" in said
        assert "together they are the evidence" in said
        assert "which you gave on" in said
        assert await auditor.page.locator("[data-kept]").input_value() == forged
        longer = Checkpoint("hub-and-spoke/trail", 10**6, bytes(range(32))).sign([key])
        await keep(auditor, str(key.verifier), longer)
        assert await check(auditor) == "wrong"
        assert "the trail was cut" in await auditor.reads()


async def test_a_trail_signed_by_no_key_that_is_kept_is_grey(
    browser: Browser, network: Network, referral_id: str
) -> None:
    other = SigningKey.parse(f"hub-and-spoke/trail+{base64.b64encode(bytes(32)).decode()}")
    async with at_a_screen(browser, network.base) as auditor:
        await sign_in(auditor)
        await the_story(auditor, referral_id)
        assert "Not kept" in await keep(auditor, "a name", "")
        assert await keep(auditor, str(other.verifier), "") == "Kept: your key."

        assert await check(auditor) == "unknown"
        assert "signed by no key that you keep" in await auditor.reads()
        assert await auditor.page.locator(".verdict.ok").count() == 0


async def test_what_is_taken_away_for_a_court_holds_before_the_offline_verifier(
    browser: Browser, network: Network, referral_id: str, tmp_path: Path
) -> None:
    key = str(the_key(network).verifier)
    async with at_a_screen(browser, network.base) as auditor:
        await sign_in(auditor)
        await the_story(auditor, referral_id)
        await auditor.press("Who has what")
        await auditor.press("A report on them for a court")
        await auditor.press("Make the file")
        assert "Choose what you need" in await auditor.reads()
        await auditor.choose("A report on one young person, as a page")
        await auditor.page.get_by_label("Why do you ask?").select_option("court_order")
        report = await downloaded(auditor, "Make the file", tmp_path / "report.html")
        assert (verdict := verify("report", report, "--key", key)).code == 0, verdict.said

        await auditor.open("/trail/exports")
        await auditor.choose("Every entry that matches")
        await auditor.write("Referral", referral_id)
        await auditor.page.get_by_label("Why do you ask?").select_option("court_order")
        await auditor.press("Make the file")
        export = await downloaded(auditor, "Download it", tmp_path / "export.tar")
        assert (verdict := verify("export", export, "--key", key)).code == 0, verdict.said


async def downloaded(person: Person, words: str, path: Path) -> Path:
    """Press a button or a link behind which is a file."""
    async with person.page.expect_download() as started:
        await person.named(words).first.click()
    await (await started.value).save_as(path)
    return path


async def test_an_entry_changed_in_the_store_is_shown_red_and_no_other(
    browser: Browser, network: Network
) -> None:
    referral_id = await network.refer("SYN-TAMPERED")
    async with at_a_screen(browser, network.base) as auditor:
        await sign_in(auditor)
        await the_story(auditor, referral_id)
        assert await check(auditor) == "ok"
        entries = auditor.page.locator("#entries > li")
        changed = int(await entries.nth(1).get_attribute("data-seq") or 0)
        await tamper(network, changed)

        await the_story(auditor, referral_id)
        assert await check(auditor) == "wrong"
        wrong = auditor.page.locator("#entries > li:has(.verdict.wrong)")
        assert await wrong.count() == 1
        assert await wrong.get_attribute("data-seq") == str(changed)
        assert "its proof was changed" in await wrong.inner_text()
        await tamper(network, changed, hash_too=True)
        assert await check(auditor) == "wrong"
        assert "another hash at its place" in await wrong.inner_text()
        fitting = auditor.page.locator("#entries > li:has(.verdict.ok)")
        assert await fitting.count() == await entries.count() - 1


async def tamper(network: Network, seq: int, *, hash_too: bool = False) -> None:
    """Somebody with every right on the database makes it less urgent than it was."""
    address = (network.data / "store.address").read_text()
    async with AsyncMongoClient[dict[str, Any]](address) as client:
        entries = client["hub_audit"]["entries"]
        stored = await entries.find_one({"seq": seq})
        assert stored is not None
        leaf = bytes(stored["leaf"]).replace(b'"immediate"', b'"routine"')
        assert b'"routine"' in leaf
        fields = {"leaf": leaf, **({"leaf_hash": leaf_hash(leaf)} if hash_too else {})}
        await entries.update_one({"seq": seq}, {"$set": fields})
