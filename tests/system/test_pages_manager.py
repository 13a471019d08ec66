"""A Hub manager's pages as they use them: `make run`, a real browser, each job to its end."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from services.web.session import Cookies, Session
from tests.harness.browser import Person, at_a_screen, browsing
from tests.harness.page_calls import calls_of
from tests.harness.sample_network import SampleNetwork
from tests.harness.waiting import until
from tests.unit.test_web_front import settings_with

AWAY = [{"start": "2026-01-01", "to": "2029-12-31", "kind": "annual"}]
PLACED, WHO_IS_PLACED = "wk_spoke_two", "spoke-school"
CHILDREN = {"desktop": "Asha Sample", "phone": "Boris Sample", "no scripts": "Chidi Sample"}
BORN = {"desktop": "2010-01-11", "phone": "2011-04-22", "no scripts": "2012-08-03"}

# The calls of the APIs that a page makes: each is waited for, and a further one needs a reason.
MOST_CALLS = {
    "AGENCY": {
        **{"/referrals": 2, "/referrals/{case}": 1, "/refer": 0, "/directory": 3},
        **{"/messages": 1, "/register": 0, "/settings": 2},
    },
    "WORKER": {"/today": 3, "/cases": 1, "/leave-times": 1, "/messages": 1, "/settings": 2},
    "MANAGER": {
        **{"/board": 11, "/cases": 1, "/cases/{case}": 4, "/cases/{case}/why": 2},
        **{"/cases/{case}/transfer": 3, "/caseloads": 1, "/matches": 1, "/workers": 1},
        **{"/leave-requests": 2, "/hand-over": 2, "/transfers": 1, "/register": 0},
        **{"/agreements": 1, "/agreements/isa_northtown": 1},
    },
    "AUDITOR": {
        **{"/trail": 1, "/trail/referrals/{case}?purpose=verification": 1},
        **{"/trail/reports": 1, "/trail/exports": 1, "/trail/integrity": 2},
    },
    "OPERATOR": {"/stranded": 1, "/register/agencies": 1, "/register/hubs": 1},
}


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


async def room_for_one(network: SampleNetwork) -> None:
    """By hand the third worker has room for one more, whatever they were given since."""
    known = (await network.ask("MANAGER", "GET", f"/v1/workers/{PLACED}")).json()
    await network.change_worker(PLACED, cap=known["caseload"] + 1)


async def waiting(network: SampleNetwork, name: str, born: str) -> str:
    """The id of a referral for which the rules find nobody: by hand there is room for one more."""
    await room_for_one(network)
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
        assert "Waiting for a worker (" in await manager.reads()
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


async def test_who_chooses_after_somebody_else_has_is_told_so_and_sees_how_it_is(
    browser: Browser, network: SampleNetwork
) -> None:
    referral_id = await waiting(network, "Efua Sample", "2011-11-30")

    async with at_a_screen(browser, network.base) as manager:
        await sign_in(manager, "manager")
        await manager.open(f"/cases/{referral_id}/place")
        order = {"worker_id": PLACED, "reason": "no_candidate"}
        path = f"/v1/allocations/{referral_id}/assignment"
        await room_for_one(network)
        await network.ask("MANAGER", "POST", path, order, **{"If-Match": "*"})
        await manager.choose("wk_hub_one")
        await manager.page.get_by_label("Why this worker?").select_option("workload")
        await manager.press("Give it to this worker")
        said = await manager.reads()
        assert "Somebody else has changed this. Nothing was saved." in said
        assert f"With {PLACED} now." in said

        await manager.choose("wk_hub_one")  # chosen again, of what is shown now: but she is full
        await network.change_worker("wk_hub_one", cap=0)
        await manager.page.get_by_label("Why this worker?").select_option("workload")
        await manager.press("Give it to this worker")
        assert "The worker has no room" in await manager.reads()
        await manager.choose("wk_hub_one")
        await manager.choose("Ask a second manager")
        await manager.page.get_by_label("Why this worker?").select_option("workload")
        await manager.press("Give it to this worker")
        assert manager.looked_at[-1] == "A second manager has to agree"

        async def asked() -> bool:
            await manager.open(f"/cases/{referral_id}/hard-cap")
            return "wk_hub_one" in await manager.reads()

        await until(asked, deadline=20, what="it shows what was asked")
        await manager.press("I agree, as the second person")
        assert "Both accounts are of one person: ask another." in await manager.reads()

    async with at_a_screen(browser, network.base, phone=True) as another:
        await sign_in(another, "second-manager")
        await another.open(f"/cases/{referral_id}/hard-cap")
        await another.press("I agree, as the second person")
        assert "With wk_hub_one" in await another.reads()


async def test_leave_that_a_worker_asks_for_is_approved(
    browser: Browser, network: SampleNetwork
) -> None:
    start = datetime.now(UTC).date() + timedelta(days=400)
    async with (
        at_a_screen(browser, network.base, phone=True) as worker,
        at_a_screen(browser, network.base, phone=True) as manager,
    ):
        await sign_in(worker, WHO_IS_PLACED)
        for first in (start, start + timedelta(days=30)):
            await worker.open("/leave-times")
            await worker.write("First day", first.isoformat())
            await worker.write("Last day", (first + timedelta(days=3)).isoformat())
            await worker.press("Ask for it")
        await sign_in(manager, "manager")
        assert "Leave asked for (2)" in await manager.reads()
        await manager.press("Approve or decline")
        await manager.press("Approve the leave")
        await manager.page.get_by_text("Decline it").click()
        await manager.press("Decline the leave")  # not yet: it asks why
        assert "Say why it can’t be had" in await manager.reads()
        await manager.choose("No cover")
        await manager.press("Decline the leave")
        assert "None waits." in await manager.reads()
        await worker.open("/leave-times")
        said = await worker.reads()
        assert "Approved" in said
        assert "Declined Annual, No cover" in " ".join(said.split())


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_two_referrals_are_compared_and_a_person_says_whether_they_are_one(
    browser: Browser, network: SampleNetwork, scripts: bool
) -> None:
    name, alike, born = (
        ("Farah", "Fara", "2009-09-09") if scripts else ("Gita", "Geeta", "2008-02-02")
    )
    for each in (name, alike):
        await network.refer(f"{each} Sample", born)

    async def found() -> bool:
        return bool((await network.ask("MANAGER", "GET", "/v1/possible-matches")).json()["matches"])

    await until(found, deadline=20, what="they are found")
    async with at_a_screen(browser, network.base, phone=not scripts, scripts=scripts) as manager:
        await sign_in(manager, "manager")
        await manager.press("Matches", within="nav")
        await manager.press("Compare them")
        said = await manager.reads()
        assert f"{name} Sample" in said
        assert f"{alike} Sample" in said
        assert "Date of birth: the same" in said
        assert "The referrals would be about one young person." in said
        await manager.choose("Same person")
        await manager.press("Save the decision")  # not yet: it asks for the ground
        assert "Say what you know it from" in await manager.reads()
        await manager.page.get_by_label("What do you know it from?").select_option(
            "spoke_with_referrer"
        )
        await manager.write("Why, in your words", "Synthetic reason.")
        await manager.press("Save the decision")
        assert "None waits." in await manager.reads()


async def test_what_a_hub_keeps_is_looked_at_and_changed(
    browser: Browser, network: SampleNetwork
) -> None:
    await waiting(network, "Hana Sample", "2012-12-12")
    async with at_a_screen(browser, network.base) as manager:
        await sign_in(manager, "manager")
        await manager.press("Workers", within="nav")
        await manager.press("wk_spoke_one")
        await manager.press("Change the entry")
        await manager.write("Cap in points", "many")
        await manager.press("Save")  # not yet
        assert "Enter a whole number" in await manager.reads()
        assert await manager.page.get_by_label("Cap in points").input_value() == "many"
        await manager.write("Cap in points", "12")
        await manager.write("Name, as", "Sample Colleague")
        await manager.page.get_by_label("Westby").uncheck()
        await manager.press("Save")
        assert "It is saved." in await manager.reads()
        assert manager.looked_at[-1] == "Sample Colleague"
        worker = (await network.ask("MANAGER", "GET", "/v1/workers/wk_spoke_one")).json()
        assert (worker["entry"]["cap"], worker["entry"]["areas"]) == (12, ["northtown"])
        assert worker["entry"]["leave"]  # what the form does not show stays

        await manager.press("Agreements", within="nav")
        assert "In force" in await manager.reads()
        await manager.press("Numbers", within="nav")
        assert "This quarter still runs." in await manager.reads()
        quarter = re.findall(r"\d{4}-Q\d", manager.looked_at[-1])[0]
        answer = await manager.page.context.request.get(f"{network.base}/numbers/{quarter}/csv")
        assert (await answer.text()).startswith("table,code,number")
        assert "attachment" in answer.headers["content-disposition"]

        order = {"worker_id": "wk_duty", "reason": "no_candidate"}
        found = (await network.ask("MANAGER", "GET", "/v1/allocations?only=waiting")).json()
        path = f"/v1/allocations/{found['allocations'][0]['id']}/assignment"
        await network.ask("MANAGER", "POST", path, order, **{"If-Match": "*"})
        await manager.press("Hand over", within="nav")
        await manager.press("Make a plan")  # not yet
        assert "Choose a worker" in await manager.reads()
        await manager.page.get_by_label("Whose cases?").select_option("wk_duty")
        await manager.page.get_by_label("Why?").select_option("worker_absent")
        await manager.press("Make a plan")
        assert "For 1 nobody was found within the rules." in await manager.reads()
        await manager.press("Confirm the plan")
        assert "Proposed" not in (await manager.page.locator("main .tag").first.inner_text())


async def choose_from(person: Person, label: str, said: str) -> None:
    await person.page.get_by_label(label).select_option(said)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_an_agreement_is_written_signed_by_each_party_changed_reviewed_and_ended(
    browser: Browser, network: SampleNetwork, scripts: bool
) -> None:
    first = datetime.now(UTC).date()
    days = {"Holds from": 0, "To be reviewed by": 900, "Ends on": 800}
    async with (
        at_a_screen(browser, network.base, scripts=scripts) as manager,
        at_a_screen(browser, network.base, phone=True, scripts=scripts) as health,
    ):
        await sign_in(manager, "manager")
        await manager.press("Agreements", within="nav")
        await manager.press("Write down an agreement")
        for what in ("Northtown Health", "Identity", "Health care", "Consent"):
            await manager.choose(what)
        for label, later in days.items():
            await manager.write(label, (first + timedelta(days=later)).isoformat())
        await manager.press("Write it down")  # not yet: the review is after the end
        assert "The review is after the first day, and not after the end" in await manager.reads()
        assert await manager.page.get_by_label("Northtown Health").is_checked()
        await manager.write("To be reviewed by", (first + timedelta(days=700)).isoformat())
        await manager.press("Write it down")
        assert "Not signed yet by hub_north, ag_northtown_health" in await manager.reads()
        await manager.press("Sign for hub_north")
        where = manager.page.url.removeprefix(network.base)

        await sign_in(health, "health")
        await health.press("Agency", within="nav")
        await health.press("Agreements")
        assert "Yours to sign" in await health.reads()
        await health.press("hub_north, ag_northtown_health")
        await health.press("Sign for ag_northtown_health")
        assert "In force" in await health.reads()
        assert not await health.named("Change its terms").count()

        await manager.open(where)
        await manager.write(
            "When is it looked at next?", (first + timedelta(days=3650)).isoformat()
        )
        await manager.press("Save the review")  # not yet
        assert "Within the time of the agreement." in await manager.reads()
        await manager.write("When is it looked at next?", (first + timedelta(days=600)).isoformat())
        await manager.press("Save the review")
        await manager.press("Change its terms")
        await manager.choose("Education")
        await manager.press("Write it down")
        said = await manager.reads()
        assert "version 2" in said
        assert "Not signed yet" in said
        await health.open(where)
        if scripts:
            await health.page.get_by_text("End it now").click()
        else:
            await health.page.locator("summary").click()
        await health.press("End the agreement")  # not yet
        assert "Tick that it shall end" in await health.reads()
        await health.choose("Yes, it ends now")
        await health.press("End the agreement")
        assert "Ended" in await health.reads()


async def test_a_hub_keeps_its_workers_its_rota_and_its_policy(
    browser: Browser, network: SampleNetwork
) -> None:
    async with at_a_screen(browser, network.base, phone=True) as manager:
        await sign_in(manager, "manager")
        await manager.press("Workers", within="nav")
        await manager.press("Register a worker")
        await manager.press("Register a worker")  # not yet
        assert "Choose the role" in await manager.reads()
        await choose_from(manager, "Role", "hub_worker")
        await choose_from(manager, "Where they sit", "hub")
        await manager.choose("Westby")
        await manager.write("Languages", "pl, ur")
        await manager.press("Register a worker")
        new = re.findall(r"wk_[0-9a-f]{32}", manager.looked_at[-1])[0]  # drawn: nobody made it up
        assert await manager.page.get_by_label("Languages").input_value() == "pl, ur"
        await manager.press("Add leave")
        await choose_from(manager, "Kind", "sickness")
        await manager.press("Save")  # not yet
        assert "Enter the first day" in await manager.reads()
        await manager.write("First day", "2026-01-01")
        await manager.press("Save")
        assert "Kind: Sickness" in (await manager.reads()).replace("sickness", "Sickness")
        worker = (await network.ask("MANAGER", "GET", f"/v1/workers/{new}")).json()
        assert worker["entry"]["leave"][0]["start"] == "2026-01-01"
        assert not worker["available"]
        await manager.press("Change it")
        await manager.choose("It does not hold any more")
        await manager.press("Save")
        await manager.press("The worker’s page")
        await manager.choose("Case")
        await manager.write("On which day?", "2999-01-01")
        await manager.press("Save the supervision")  # not yet
        assert "There is a problem" in await manager.reads()
        await manager.choose("Case")
        await manager.write("On which day?", datetime.now(UTC).date().isoformat())
        await manager.press("Save the supervision")
        await manager.page.get_by_text("Remove the worker").click()
        await manager.press(f"Remove {new}")
        assert "Has left" in await manager.reads()

        await manager.press("Register many from a list")
        await manager.press("Import the list")  # not yet
        assert "Choose a file, or paste the list" in await manager.reads()
        lines = "worker_id,hub_id,worker_role,host_setting,areas\nwk_listed,hub_north,hub_worker,hub,westby"
        await manager.write("pasted", f"{lines}\nwk_bad,hub_north,nothing,hub,westby")
        await manager.press("Import the list")
        said = await manager.reads()
        assert "Line 3" in said
        assert "worker_role" in said

        await manager.press("Hub", within="nav")
        await manager.press("Your Hub")
        await manager.write("Offers before", "0")
        await manager.press("Save")  # not yet: the API says so
        assert "There is a problem" in await manager.reads()
        assert await manager.page.get_by_label("Offers before").input_value() == "0"
        await manager.write("Offers before", "4")
        await manager.press("Save")
        assert "It is saved." in await manager.reads()

        await manager.press("Rota")
        await manager.press("Add a time of duty")
        await manager.write("Short name", "days")
        for day in ("Monday", "Tuesday"):
            await manager.choose(day)
        await manager.write("From", "nine")
        await manager.write("To", "17:00")
        await choose_from(manager, "On duty", "wk_duty")
        await manager.press("Save")  # not yet: the API says so
        assert "There is a problem" in await manager.reads()
        await manager.write("From", "09:00")
        await manager.press("Save")
        said = await manager.reads()
        assert "Nobody on duty" in said
        assert "wk_duty" in said
        await manager.press("Add a day that is different")
        await manager.write("Day", (datetime.now(UTC).date() + timedelta(days=9)).isoformat())
        await manager.write("Which time of duty", "days")
        await manager.press("Save")
        await manager.open("/board")
        assert "Nobody on duty (" in await manager.reads()


async def test_what_no_hub_holds_an_operator_places_and_what_a_hub_gives_another_takes(
    browser: Browser, network: SampleNetwork
) -> None:
    stranded = await network.refer("Imani Sample", "2011-01-19", area="Farvale")
    given = await network.refer("Jun Sample", "2010-10-10")
    async with at_a_screen(browser, network.base, scripts=False) as operator:
        await sign_in(operator, "operator")
        assert operator.looked_at[-1] == "Stranded referrals"
        await operator.press("Areas", within="nav")
        await operator.press("Register an area")
        await operator.write("Id", "Far Vale")
        await operator.press("Register an area")  # not yet
        assert "Enter an id of small letters" in await operator.reads()
        await operator.write("Id", "farvale")
        await operator.write("Name", "Far Vale")
        await operator.press("Register an area")
        await operator.press("Areas", within="nav")
        await operator.press("Register many from a list")
        await operator.write("pasted", "code,name\nlowdale,Lowdale")
        await operator.press("Import the list")
        await operator.press("Hubs", within="nav")
        await operator.press("Register a Hub")
        await operator.write("Id", "hub_south")
        await operator.write("Name", "South Hub (synthetic)")
        await operator.choose("Northtown")
        await operator.press("Register a Hub")  # not yet: another Hub has this area
        assert "There is a problem" in await operator.reads()
        await operator.page.get_by_label("Northtown").uncheck()
        await operator.choose("Lowdale")
        await operator.press("Register a Hub")
        assert operator.looked_at[-1] == "South Hub (synthetic)", await operator.reads()
        await operator.press("Stranded", within="nav")
        await operator.press(stranded)
        assert "Imani" not in await operator.page.content()
        await operator.press("Put it there")  # not yet
        assert "Choose an area" in await operator.reads()
        await choose_from(operator, "Which area is it?", "westby")
        await operator.press("Put it there")
        assert stranded not in await operator.reads()
        await operator.press("Agencies", within="nav")
        await operator.press("Register an agency")
        await operator.write("Id", "ag_lowdale_school")
        await operator.write("Name", "Lowdale School (synthetic)")
        await choose_from(operator, "Kind", "2a")
        await operator.press("Register an agency")
        assert operator.looked_at[-1] == "Lowdale School (synthetic)"
        await operator.page.get_by_label("Yes").uncheck()
        await operator.press("Save")
        await operator.press("Agencies", within="nav")
        assert "Not in use" in await operator.reads()

    async with (
        at_a_screen(browser, network.base) as manager,
        at_a_screen(browser, network.base, phone=True) as other,
    ):
        await sign_in(manager, "manager")
        await sign_in(other, "other-hub")
        await manager.open(f"/cases/{given}")
        for answer in ("declined", "taken"):
            await manager.press("Give it to another Hub")
            await manager.press("Propose it")  # not yet
            assert "Choose the Hub" in await manager.reads()
            await choose_from(manager, "Which Hub shall take it?", "hub_south")
            await choose_from(manager, "Why?", "capacity")
            await manager.press("Propose it")
            assert "From hub_north to hub_south" in manager.looked_at[-1]
            await answer_it(other, take=answer == "taken")
            if answer == "declined":
                await manager.press("All transfers")
                assert "None waits." in await manager.reads()
                await manager.open(f"/transfers/{given}")
                assert "Declined: No capacity" in await manager.reads()
                await manager.open(f"/cases/{given}")


async def answer_it(person: Person, *, take: bool) -> None:
    """The manager of the other Hub takes what was proposed to them, or does not."""
    await person.open("/board")
    await person.press("Transfers", within="nav")
    assert "Yours to answer" in await person.reads()
    await person.press("hub_north to hub_south")
    assert "Jun" not in await person.page.content()
    if take:
        await person.press("Take it")
    else:
        await person.page.get_by_text("Do not take it").click()
        await person.press("Decline it")  # not yet
        assert "Choose why it is not taken" in await person.reads()
        await choose_from(person, "Why is it not taken?", "no_capacity")
        await person.press("Decline it")
    assert "None waits." in await person.reads()


async def test_who_must_not_know_is_marked_and_the_mark_is_lifted(
    browser: Browser, network: SampleNetwork
) -> None:
    referral_id = await network.refer("Kofi Sample", "2012-07-07")
    async with at_a_screen(browser, network.base, phone=True) as manager:
        await sign_in(manager, "manager")
        await manager.open(f"/cases/{referral_id}")
        await manager.press("Who must not know")
        assert "Nobody." in await manager.reads()
        for kind, field, who in (
            ("An agency", "Which agency?", "ag_northtown_police"),
            ("A worker", "Which worker?", "wk_spoke_one"),
        ):
            await manager.press(kind)
            await manager.press("Save")  # not yet
            assert "Say who it is" in await manager.reads()
            await choose_from(manager, field, who)
            await choose_from(manager, "How do they stand", "close_associate")
            await manager.press("Save")
            assert who in await manager.reads()
        await manager.press("One account")
        await manager.write("Which account?", "nobody at all")
        await choose_from(manager, "How do they stand", "close_associate")
        await manager.press("Save")  # not yet: nobody has called so
        assert "There is a problem" in await manager.reads()
        assert await manager.page.get_by_label("Which account?").input_value() == "nobody at all"
        await manager.open(f"/cases/{referral_id}/safety")
        await manager.press("Lift the mark on ag_northtown_police")
        await choose_from(manager, "How do they stand", "close_associate")
        await manager.choose("They are safe")
        await manager.press("Save")
        said = await manager.reads()
        assert "ag_northtown_police" not in said
        assert "wk_spoke_one" in said


async def test_a_worker_is_told_that_a_managers_pages_are_not_for_them(
    browser: Browser, network: SampleNetwork
) -> None:
    async with at_a_screen(browser, network.base) as worker:
        await sign_in(worker, WHO_IS_PLACED)
        for path in (
            "/board",
            "/caseloads",
            "/matches",
            "/workers",
            "/leave-requests",
            "/hand-over",
        ):
            answer = await worker.page.goto(f"{network.base}{path}")
            assert answer is not None
            assert (path, answer.status) == (path, 403)
            assert await worker.page.locator("h1").inner_text() == "You can't do this"


async def test_a_worker_and_a_hub_show_themselves_and_are_found_by_an_agency_and_a_young_person(
    browser: Browser, network: SampleNetwork
) -> None:
    async with at_a_screen(browser, network.base, phone=True, scripts=False) as worker:
        await sign_in(worker, "spoke-school")
        await worker.open("/directory")
        assert "No worker shows themselves here" in await worker.reads()
        await worker.press("What is shown of me")
        await worker.choose("Yes")
        await worker.write("Phone", "call me")
        await worker.press("Save")
        assert "Enter a phone number in digits" in await worker.reads()
        assert "Say how you are called" in await worker.reads()
        assert await worker.page.get_by_label("Phone").input_value() == "call me"
        await worker.write("Phone", "020 7946 0001")
        await worker.write("Name to be shown", "Sample Spoke")
        await worker.choose("Monday")
        await worker.press("Save")
        assert worker.looked_at[-1] == "Directory"

    async with at_a_screen(browser, network.base) as manager:
        await sign_in(manager, "manager")
        await manager.open("/directory")
        await manager.press("What is shown of our Hub")
        await manager.choose("Yes")
        await manager.press("Save")
        assert "Say which towns and villages it is for" in await manager.reads()
        await manager.write("Towns and villages", "Northtown and around")
        await manager.write("Phone", "020 7946 0000")
        await manager.choose("One to one")
        await manager.press("Save")

    async with at_a_screen(browser, network.base, phone=True, scripts=False) as young:
        await young.open("/")
        await young.press("Help near you")
        said = await young.reads()
        assert "Northtown and around" in said
        assert "020 7946 0000" in said
        assert "Time with one worker" in said
        assert "Sample Spoke" not in said

    async with at_a_screen(browser, network.base) as agency:
        await sign_in(agency, "school")
        await agency.open("/directory")
        await agency.page.get_by_label("For which area?").select_option("northtown")
        await agency.press("Look")
        said = await agency.reads()
        assert "Sample Spoke" in said
        assert "020 7946 0001" in said
        assert "On duty now:" in said

    async with at_a_screen(browser, network.base) as manager:
        await sign_in(manager, "manager")
        await manager.open(f"/directory/workers/{PLACED}")
        await manager.press("Keep it out of the directory")
        assert "keeps this entry out" in await manager.reads()
        await manager.open("/directory")
        assert "Sample Spoke" not in await manager.reads()


async def test_a_page_asks_the_apis_no_more_often_than_it_must(network: SampleNetwork) -> None:
    case = await waiting(network, "Kofi Sample", "2012-02-09")
    own = {"web_address": network.base, "web_api": network.base}
    settings = settings_with(environment="development", **own)

    for who, pages in MOST_CALLS.items():
        token = {"access_token": network.tokens[who], "expires_in": 3600}
        fields = Cookies(settings).written(Session.begin(token, settings.claims))
        cookies = dict(field.partition(";")[0].split("=", 1) for field in fields)
        for path, most in pages.items():
            calls = await calls_of(settings, path.format(case=case), cookies)
            assert len(calls) <= most, (who, path, [each.said for each in calls])
