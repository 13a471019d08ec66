"""A session goes on past the end of its token, however many pages are asked for at that moment."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import pytest_asyncio

from allinone.issuer import CLIENT, METADATA, TOKEN, Issuer, SamplePerson
from services.web import renewing
from services.web.app import Pages, build
from services.web.issuer import IssuerAway
from services.web.renewing import Renewals
from services.web.words import templates
from tests.unit.test_web_front import ADDRESS, settings_with, token

SHORT = 20  # seconds: a token that is about to end from its first moment on
PEOPLE = {"school": SamplePerson("A teacher", {"role": "agency", "agency_id": "ag_school"})}


class Counting(httpx2.AsyncBaseTransport):
    """The trial issuer at the pages' own address, a moment away; `asked` counts what came to it."""

    def __init__(self) -> None:
        settings = settings_with()
        looks = templates(settings, {"page.css": "", "page.js": ""})
        made = Issuer(
            *(ADDRESS, settings.auth_issuer, PEOPLE, token, looks),
            young={},
            secret="synthetic",
            lifetime=SHORT,
        )
        self._inner = httpx2.ASGITransport(app=made.app(settings))
        self.asked, self.renewing = list[str](), asyncio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == TOKEN:
            self.asked.append(parse_qs((await request.aread()).decode())["grant_type"][0])
            if self.asked[-1] == "refresh_token":
                self.renewing.set()
            await asyncio.sleep(0.05)
        return await self._inner.handle_async_request(request)


@pytest.fixture
def issuer() -> Counting:
    return Counting()


def replica(issuer: Counting) -> Pages:
    given = {"web_metadata": f"{ADDRESS}{METADATA}", "web_client_id": CLIENT}
    made = build(settings_with(**given), issuer)
    assert isinstance(made, Pages)
    return made


def browser(app: Pages, **cookies: str) -> httpx2.AsyncClient:
    inside = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=inside, base_url=ADDRESS, cookies=cookies)


@pytest_asyncio.fixture
async def school(issuer: Counting) -> AsyncIterator[tuple[Pages, dict[str, str]]]:
    """Pages, and the cookies of somebody who has just signed in there."""
    app = replica(issuer)
    async with browser(app) as asks, httpx2.AsyncClient(transport=issuer) as elsewhere:
        sent = (await asks.get("/sign-in")).headers["location"]
        wanted = {name: value[0] for name, value in parse_qs(urlsplit(sent).query).items()}
        said = await elsewhere.post(sent.partition("?")[0], data={**wanted, "who": "school"})
        await asks.get(said.headers["location"])
        yield app, kept(asks)


def kept(asks: httpx2.AsyncClient) -> dict[str, str]:
    return {cookie.name: cookie.value or "" for cookie in asks.cookies.jar if cookie.value}


async def seen(app: Pages, cookies: dict[str, str]) -> tuple[bool, dict[str, str]]:
    """Whether somebody is signed in for the pages, and the cookies after it."""
    async with browser(app, **cookies) as asks:
        answer = await asks.get("/")
    fields = answer.headers.get_list("set-cookie")
    changed = dict(re.findall(r"^([^=]+)=([^;]*)", field)[0] for field in fields)
    return answer.headers.get("location") == "/referrals", {**cookies, **changed}


async def test_pages_asked_for_at_once_renew_one_token_once(
    issuer: Counting, school: tuple[Pages, dict[str, str]]
) -> None:
    app, cookies = school

    answers = await asyncio.gather(*(seen(app, cookies) for _ in range(12)))

    assert all(here for here, _ in answers)
    assert issuer.asked.count("refresh_token") == 1
    again = await asyncio.gather(*(seen(app, newer) for _, newer in answers))
    assert all(here for here, _ in again), "each of them goes on"
    assert issuer.asked.count("refresh_token") == 2


async def test_who_lost_the_answer_goes_on_with_the_cookies_from_before(
    issuer: Counting, school: tuple[Pages, dict[str, str]]
) -> None:
    app, cookies = school
    lost = asyncio.create_task(seen(app, cookies))
    await issuer.renewing.wait()
    lost.cancel()

    assert (await seen(app, cookies))[0]
    assert issuer.asked.count("refresh_token") == 1


async def test_a_replica_that_comes_second_ends_nobodys_session(
    issuer: Counting, school: tuple[Pages, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (one, cookies), two = school, replica(issuer)

    first, second = await asyncio.gather(seen(one, cookies), seen(two, cookies))

    assert first[0]
    assert second[0], "its token lasts a little longer"
    newest = first[1] if first[1] != cookies else second[1]
    assert newest != cookies
    here, newest = await seen(two, newest)
    assert here
    # After its end nothing of the older cookies goes on there, and nothing ends the newer ones either.
    moment = time.time()
    monkeypatch.setattr(time, "time", lambda: moment + SHORT + 1)
    assert await seen(replica(issuer), cookies) == (False, cookies)
    async with browser(one, **newest) as asks:
        back = await asks.get("/sign-in?to=/referrals/ref_1")
    assert back.headers["location"] == "/referrals/ref_1"


async def test_what_is_remembered_has_a_bound_and_an_outage_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = list[str]()

    async def ask(refresh: str) -> dict[str, Any]:
        asked.append(refresh)
        if len(asked) == 1:
            raise IssuerAway
        return {"access_token": refresh, "expires_in": 100}

    monkeypatch.setattr(renewing, "MOST", 3)
    renewals = Renewals(ask)
    with pytest.raises(IssuerAway):
        await renewals.of("r0")
    for name in ("r0", "r1", "r2", "r3", "r4", "r4", "r0"):
        assert (await renewals.of(name))["access_token"] == name

    assert asked == ["r0", "r0", "r1", "r2", "r3", "r4", "r0"]
