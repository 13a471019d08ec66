"""What is changed after a referral was sent: every section by a browser, by who sent it and who has it."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from allinone import sample
from services.web.changing.fields import Field
from services.web.changing.register import BY_NAME, offered
from services.web.changing.section import Section
from services.web.changing.steps import STEPS
from shared.clock import now
from tests.harness.browser import Person, at_a_screen, browsing
from tests.harness.sample_network import SampleNetwork
from tests.harness.waiting import until
from tests.system.test_pages import WORKERS, nothing_is_left_of, sign_in

AHEAD = (now() + timedelta(days=30)).date().isoformat()
# What is answered where any answer would do less, or be refused. Empty: left as it was.
ANSWERS: dict[str, str] = {
    **{"urgency/urgency": "one_working_day", "place/area": "", "people/kind": "suspect"},
    **{"identity/date_of_birth": "2012-06-18", "identity/estimated_age": ""},
    **{"consent/said_on": "2026-01-02", "consent/said_time": "15:30", "consent/agency_ids": ""},
    **{"consent/agency_kinds": "6", "parents/said_on": "2026-01-02", "parents/said_time": ""},
    **{"parents/tell_parents": "no", "agreement/agreed": "agreed", "discussion/discussed": "yes"},
    **{"basis/agency_ids": sample.HEALTH, "basis/review_on": AHEAD, "unsafe/unsafe": "yes"},
    **{"unsafe/kind": "agency", "unsafe/who": sample.POLICE, "judgement/level": "significant"},
}
WRITTEN = ("text", "area", "lines")


@pytest_asyncio.fixture(scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SampleNetwork]:
    started = SampleNetwork(tmp_path_factory.mktemp("changing"))
    await started.start()
    try:
        yield started
    finally:
        await started.stop()


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as started:
        yield started


def answer(section: Section, field: Field, mark: str) -> str:
    """What is answered: words that can be found again, or the last choice."""
    known = ANSWERS.get(f"{section.name}/{field.name}")
    if known is not None:
        return known
    if field.kind in WRITTEN:
        return f"{mark} {section.name} {field.name}"
    return field.choices[-1][0]


async def fill(person: Person, section: Section, mark: str) -> list[str]:
    """Answer everything; the words that were written."""
    wrote = list[str]()
    for field in section.fields:
        said = answer(section, field, mark)
        place = f'[name="{field.name}"]'
        if not said:
            continue
        if field.kind in ("radios", "ticks"):
            await person.page.locator(f'{place}[value="{said}"]').check()
        elif field.kind == "select":
            await person.page.locator(place).select_option(said)
        else:
            await person.page.locator(place).fill(said)
        if said.startswith(mark):
            wrote.append(said)
    return wrote


async def change(person: Person, base: str, section: Section, mark: str) -> list[str]:
    """Open it from its page, answer it, save it; the words that were written."""
    await person.open(base)
    await person.named(f"Change {section.title}").first.click()
    await person.page.wait_for_load_state("load")
    await person.look()
    if section.fields:
        await person.press(
            section.button
        )  # as it is there is nothing to save, or something missing
        assert "There is a problem" in await person.reads(), section.name
    wrote = await fill(person, section, mark)
    await person.press(section.button)
    assert f"Saved: {section.title}." in await person.reads(), (section.name, await person.reads())
    return wrote


async def has_it(network: SampleNetwork, referral_id: str) -> str:
    """Which of the sample people has the case."""

    async def worker() -> str:
        found = (await network.ask("MANAGER", "GET", "/v1/allocations?limit=100")).json()
        all_of_them = {each["id"]: each["worker_id"] for each in found["allocations"]}
        return all_of_them.get(referral_id) or ""

    return WORKERS[await until(worker, deadline=30, what="somebody has the case")]


async def record(network: SampleNetwork, who: str, referral_id: str) -> dict[str, Any]:
    return dict((await network.ask(who, "GET", f"/v1/referrals/{referral_id}")).json())


def sections(*, practitioner: bool) -> list[Section]:
    found = offered({"status": "received"}, practitioner=practitioner)
    return [each for _, some in found for each in some if each not in STEPS]


async def test_a_referrer_changes_every_section_and_no_word_of_it_is_anywhere_else(
    browser: Browser, network: SampleNetwork
) -> None:
    referral_id = await network.refer("Asha Sample", "2012-05-17")
    wrote = list[str]()
    async with at_a_screen(browser, network.base) as school:
        await sign_in(school, "school")
        for section in sections(practitioner=False):
            wrote += await change(school, f"/referrals/{referral_id}", section, "Marked")
            if section.name == "consent":
                await school.press("it never counted")
                await school.choose("It was recorded wrongly")
                await school.press("It was a mistake")
        await nothing_is_left_of(school, "Marked", "Asha")

    found = await record(network, "AGENCY", referral_id)
    whole = json.dumps(found)
    assert len(wrote) > 20
    assert [words for words in wrote if words not in whole] == []
    assert found["urgency"] == "one_working_day"
    assert found["instructions"] == ["do_not_tell_parents"]
    sharing = (await network.ask("MANAGER", "GET", f"/v1/referrals/{referral_id}/sharing")).json()
    (said,) = sharing["sharing"]["consents"]
    assert (said["status"], said["invalidation"]["reason"]) == ("withdrawn", "wrong_content")
    assert sharing["service_agreement"] == "agreed"
    assert "Marked" not in network.log
    assert "Asha" not in network.log


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_a_worker_decides_on_a_phone_who_may_be_told_and_sees_what_follows(
    browser: Browser, network: SampleNetwork, scripts: bool
) -> None:
    agreed = {"status": "given", "given_by": "young_person", "categories": ["existence"]}
    name = "Boris Sample" if scripts else "Chidi Sample"
    born = "2010-03-11" if scripts else "2013-09-28"
    referral_id = await network.refer(name, born, consents=[{**agreed, "agency_kinds": ["2a"]}])
    who, base = await has_it(network, referral_id), f"/cases/{referral_id}"
    async with at_a_screen(browser, network.base, phone=True, scripts=scripts) as worker:
        await sign_in(worker, who)
        for section in sections(practitioner=True) if scripts else [BY_NAME["contact"]]:
            if section.name not in ("basis", "unsafe"):
                await change(worker, base, section, "Marked")
        await worker.open(f"{base}/sharing")
        assert "Waits: nobody has asked yet" in await worker.reads()
        if who != "spoke-school":  # who gains by a yes does not confirm it
            await worker.press("Say whether it was said")
            await worker.choose("I asked the young person")
            await worker.press("Save", within="form#send")
            assert "Somebody has asked: it was said" in await worker.reads()
        await worker.press("Decide to share")
        await fill(worker, BY_NAME["basis"], "Marked")
        await worker.press("Decide so")
        assert "Marked basis necessity" in await worker.reads()
        await worker.write("Id of the agency", sample.HEALTH)
        await worker.press("Show me")
        said = await worker.reads()
        assert re.search(r"Existence\s+(Shown|Not shown): ", said), said
        await worker.press("Back")
        await worker.press("End it")
        await worker.press("End it now")
        assert "Ended" in await worker.reads()
        await worker.press("Mark somebody")
        await fill(worker, BY_NAME["unsafe"], "Marked")
        await worker.press("Save", within="form#send")
        assert f"agency:{sample.POLICE}" in await worker.reads()
        await worker.open(f"{base}/sharing/shown?agency_id={sample.POLICE}")
        assert "it is shown nothing" in await worker.reads()
        await worker.open(f"{base}/sharing/shown?agency_id=ag_nobody")
        assert "No agency of this id is registered" in await worker.reads()
        await nothing_is_left_of(worker, "Marked", name)
    assert "Marked" not in network.log


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_who_saves_after_somebody_else_loses_nothing_and_undoes_nothing(
    browser: Browser, network: SampleNetwork, scripts: bool
) -> None:
    name = "Efua Sample" if scripts else "Fola Sample"
    born = "2011-11-30" if scripts else "2012-12-02"
    referral_id = await network.refer(name, born)
    await has_it(network, referral_id)
    path = f"/v1/referrals/{referral_id}/amendments"
    async with at_a_screen(browser, network.base, phone=True, scripts=scripts) as school:
        await sign_in(school, "school")
        await school.open(f"/referrals/{referral_id}/change/identity")
        other = {"subject": {"known_as": "Written meanwhile"}}
        await network.ask("AGENCY", "POST", path, other, **{"If-Match": "*"})
        await school.write("Full name", "x" * 501)
        await school.press("Save", within="form#send")
        assert "at most 500 letters" in await school.reads()
        await school.write("Full name", "Sample Corrected")
        await school.press("Save", within="form#send")
        assert "Somebody else has changed this" in await school.reads()
        assert await school.page.locator("[name=name]").input_value() == "Sample Corrected"
        assert await school.page.locator("[name=known_as]").input_value() == "Written meanwhile"
        await school.press("Save", within="form#send")
        assert "Saved: Who they are." in await school.reads()
        identity = (await record(network, "AGENCY", referral_id))["categories"]["identity"]
        assert identity["identity"]["name"] == "Sample Corrected"
        assert identity["identity"]["known_as"] == "Written meanwhile"

        await school.open(f"/referrals/{referral_id}/change/identity")
        await school.write("The name they go by", "")
        await school.press("Save", within="form#send")
        identity = (await record(network, "AGENCY", referral_id))["categories"]["identity"]
        assert identity["identity"]["known_as"] is None
        await school.open(f"/referrals/{referral_id}/change/identity")
        await school.write("Full name", "")
        await school.press("Save", within="form#send")
        assert "This can be corrected, not removed" in await school.reads()


async def test_a_referral_is_withdrawn_opened_again_and_found_to_be_a_mistake(
    browser: Browser, network: SampleNetwork
) -> None:
    referral_id = await network.refer("Gita Sample", "2013-02-14")
    base = f"/referrals/{referral_id}"
    async with at_a_screen(browser, network.base) as school:
        await sign_in(school, "school")
        for name, status in (
            ("withdrawal", "Withdrawn"),
            ("reopening", "Received"),
            ("entered-in-error", "Entered in error"),
        ):
            await change(school, base, BY_NAME[name], "Marked")
            assert status in await school.reads() or name == "reopening"
        assert await school.named("Change Sent by mistake").count() == 0


async def test_a_partner_and_another_worker_are_offered_nothing_and_change_nothing(
    browser: Browser, network: SampleNetwork
) -> None:
    referral_id = await network.refer("Hana Sample", "2010-10-10")
    theirs = await has_it(network, referral_id)
    strangers = ["police", "operator", *sorted({*WORKERS.values()} - {theirs})]
    for who in strangers:
        async with at_a_screen(browser, network.base) as person:
            await sign_in(person, who)
            for path in (
                *(f"/referrals/{referral_id}/change/{name}" for name in ("identity", "withdrawal")),
                *(f"/cases/{referral_id}/{page}" for page in ("change/basis", "sharing")),
                f"/cases/{referral_id}/sharing/shown?agency_id={sample.POLICE}",
            ):
                got = await person.page.goto(f"{network.base}{path}")
                assert got is not None
                assert got.status in (403, 404), (who, path)
                assert "Hana" not in await person.page.content()
