"""What stands before the pages: who is signed in, forms of our pages only, headers on every answer."""

import base64
import itertools
import json
import os
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.testclient import TestClient

from services.web.app import ROUTERS, Pages, build
from services.web.session import MOST_PARTS, PART, Cookies, Session
from services.web.settings import WebSettings
from services.web.signing_in.routes import back_to

ADDRESS = "https://pages.example"
PUBLIC = {"/", "/sign-in", "/signed-in", "/leave", "/for-you", "/for-you/ask", "/help-near-you"}
PUBLIC |= {"/say", "/say/send", "/say/back", "/say/we-did"}
ID = "drf_0123456789abcdef0123456789abcdef"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


def settings_with(**changes: Any) -> WebSettings:
    given: dict[str, Any] = {
        "environment": "production",
        "auth_issuer": "https://issuer.example",
        "web_address": ADDRESS,
        "web_api": "https://api.example",
        "web_metadata": "https://issuer.example/.well-known/openid-configuration",
        "web_client_id": "pages",
        "web_session_key": SecretStr(base64.b64encode(bytes(32)).decode()),
        **changes,
    }
    return WebSettings(**given)


def token(size: int = 0, **claims: str) -> str:
    """An access token as an issuer would give it; nobody here looks at its signature."""
    said = {"role": "agency", "agency_id": "ag_school", "pad": "x" * size, **claims}
    body = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    return f"e30.{body}.sig"


def session(size: int = 0, **claims: str) -> Session:
    answer = {"access_token": token(size, **claims), "expires_in": 3600}
    return Session.begin(answer, settings_with().claims)


def nobody_may_be_asked(request: httpx2.Request) -> httpx2.Response:
    raise AssertionError(f"{request.method} {request.url} was asked")


@pytest.fixture(scope="module")
def app() -> Pages:
    made = build(settings_with(), httpx2.MockTransport(nobody_may_be_asked))
    assert isinstance(made, Pages)
    return made


@pytest.fixture
def client(app: Pages) -> Iterator[TestClient]:
    with TestClient(app, base_url=ADDRESS, follow_redirects=False) as made:
        yield made


def signed_in(client: TestClient, who: Session) -> None:
    for field in Cookies(settings_with()).written(who):
        name, _, rest = field.partition("=")
        if value := rest.partition(";")[0]:
            client.cookies.set(name, value)


def places(method: str) -> list[str]:
    """Every address of the pages with that method, with ids in it."""
    routes = (each for router in ROUTERS for each in router.routes)
    found = {r.path for r in routes if isinstance(r, APIRoute) and method in (r.methods or ())}
    return sorted(found)


def filled(path: str) -> str:
    return "/".join(ID if part.startswith("{") else part for part in path.split("/"))


@pytest.mark.parametrize("path", [p for p in places("GET") if p not in PUBLIC])
def test_nobody_looks_at_a_page_without_signing_in(client: TestClient, path: str) -> None:
    answer = client.get(filled(path))

    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in")


@pytest.mark.parametrize("path", [p for p in places("GET") if p not in PUBLIC])
def test_a_link_of_another_site_makes_nobody_look(client: TestClient, path: str) -> None:
    signed_in(client, session())
    for site in ("cross-site", "same-site"):
        answer = client.get(f"{filled(path)}?purpose=oversight", headers={"Sec-Fetch-Site": site})
        assert "You have come from another page" in answer.text
        assert "oversight" not in answer.text


@pytest.mark.parametrize("path", places("POST"))
def test_a_form_that_is_not_of_our_page_does_nothing(client: TestClient, path: str) -> None:
    mine, other = session(), session()
    signed_in(client, mine)
    right = {"csrf": mine.csrf}
    from_elsewhere: list[dict[str, str]] = [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ]
    tries: list[tuple[dict[str, str], dict[str, str]]] = [(right, each) for each in from_elsewhere]
    if path not in PUBLIC:  # where nobody is signed in, nobody's session acts
        wrong: tuple[dict[str, str], ...] = (
            {},
            {"csrf": ""},
            {"csrf": other.csrf},
            {"csrf": mine.csrf[:-1] + "é"},
        )
        tries += [(each, {}) for each in wrong]

    answers = [client.post(filled(path), data=d, headers=h).status_code for d, h in tries]

    assert answers == [403] * len(tries)


def test_without_a_session_a_form_does_nothing_and_loses_nothing(client: TestClient) -> None:
    for path in set(places("POST")) - PUBLIC:
        written = {"csrf": session().csrf, "narrative": "What <b>somebody</b> wrote, for an hour"}
        answer = client.post(filled(path), data=written)
        assert answer.status_code == 401, path
        assert "What &lt;b&gt;somebody&lt;/b&gt; wrote, for an hour" in answer.text

        foreign = client.post(filled(path), data=written, headers={"Sec-Fetch-Site": "cross-site"})
        assert (foreign.status_code, foreign.headers["location"]) == (303, "/sign-in?to=/")


def test_every_answer_keeps_the_page_to_itself_and_nothing_is_stored(client: TestClient) -> None:
    static = next(iter(client.get("/").text.split('href="')[1:])).partition('"')[0]
    asked = [filled(path) for path in places("GET")] + ["/nowhere", "/static/x/y", static, "/livez"]
    for path in asked:
        if path in ("/sign-in", "/signed-in", "/help-near-you"):
            continue  # they ask the issuer, or an API (test_web_directory.py)
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store" or path in (static, "/favicon.ico")


def test_what_others_may_keep_has_nobodys_session(client: TestClient) -> None:
    static = next(iter(client.get("/").text.split('href="')[1:])).partition('"')[0]
    long_ago = session().model_copy(update={"seen": int(time.time()) - 600})
    renewed = {}
    for path in (static, "/favicon.ico", "/livez", "/leave"):
        client.cookies.clear()
        signed_in(client, long_ago)
        answer = client.get(path)
        renewed[path] = "set-cookie" in answer.headers
        assert "public" not in answer.headers["cache-control"] or not renewed[path], path

    assert renewed["/livez"]


@given(st.sampled_from(["alg", "enc", "typ", "zip", "crit", "p2c", "epk"]), JSON, JSON)
def test_whatever_a_cookie_says_of_its_sealing_it_is_nobodys(
    name: str, one: Any, head: Any
) -> None:
    cookies = Cookies(settings_with())
    for said in ({"alg": "dir", "enc": "A256GCM", name: one}, head):
        begins = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
        assert cookies.read({f"{cookies.name}0": f"{begins}..AAAA.AAAA.AAAA"}) is None


@given(st.text(max_size=40) | st.from_regex(r"/{1,3}[a-z./\\@]{0,20}", fullmatch=True))
def test_after_signing_in_somebody_is_on_a_page_of_ours(wanted: str) -> None:
    assert httpx2.URL(ADDRESS).join(back_to(wanted)).host == "pages.example"


@given(st.integers(0, 6000), st.sampled_from(["agency", "worker", "hub_manager", "auditor"]))
def test_a_session_comes_back_from_cookies_as_it_was(size: int, role: str) -> None:
    cookies, mine = Cookies(settings_with()), session(size, role=role)

    kept = _kept(cookies.written(mine))

    assert cookies.read(kept) == mine
    assert all(len(value) <= PART for value in kept.values())


def test_tokens_that_no_browser_would_keep_are_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        Cookies(settings_with()).written(session(PART * MOST_PARTS))


@given(st.data())
def test_a_cookie_that_was_changed_is_nobodys(data: st.DataObject) -> None:
    cookies = Cookies(settings_with())
    kept = _kept(cookies.written(session()))
    name = data.draw(st.sampled_from(sorted(kept)))
    at = data.draw(st.integers(0, len(kept[name]) - 2))  # of the last letter some bits mean nothing
    letter = data.draw(st.sampled_from("AZaz09-_.").filter(lambda each: each != kept[name][at]))

    changed = {**kept, name: kept[name][:at] + letter + kept[name][at + 1 :]}

    assert cookies.read(changed) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
HEAD = st.dictionaries(st.sampled_from(["alg", "enc", "typ", "zip", "crit", "b64", "kid"]), JSON)


@given(HEAD | JSON, st.lists(st.text("AZaz09-_=", max_size=20), min_size=4, max_size=4))
def test_a_cookie_that_somebody_made_up_is_nobodys(head: Any, rest: list[str]) -> None:
    cookies = Cookies(settings_with())
    first = base64.urlsafe_b64encode(json.dumps(head).encode()).decode().rstrip("=")
    real = {"alg": "dir", "enc": "A256GCM"}
    mixed = {**real, **head} if isinstance(head, dict) else real
    second = base64.urlsafe_b64encode(json.dumps(mixed).encode()).decode().rstrip("=")

    for made_up in (first, second):
        assert cookies.read({f"{cookies.name}0": ".".join([made_up, *rest])}) is None


def test_what_was_sealed_for_one_purpose_or_with_another_key_is_not_taken() -> None:
    cookies, mine = Cookies(settings_with()), session()
    signing_in = cookies.seal_for("signing-in", mine.model_dump())
    stranger = Cookies(settings_with(web_session_key=SecretStr(_key())))

    assert (
        cookies.read({f"{cookies.name}0": signing_in.partition("=")[2].partition(";")[0]}) is None
    )
    assert stranger.read(_kept(cookies.written(mine))) is None


def test_during_a_rotation_sessions_of_the_old_key_go_on() -> None:
    old = SecretStr(_key())
    before = Cookies(settings_with(web_session_key=old))
    now = Cookies(settings_with(web_old_session_key=old))
    mine = session()

    assert now.read(_kept(before.written(mine))) == mine
    assert before.read(_kept(now.written(mine))) is None


@pytest.mark.parametrize(
    ("idle", "long"), list(itertools.product([0, 1700, 1801], [0, 28700, 28801]))
)
def test_a_session_ends_when_nobody_used_it_and_after_some_hours(idle: int, long: int) -> None:
    cookies, moment = Cookies(settings_with()), int(time.time())
    aged = session().model_copy(update={"seen": moment - idle, "begun": moment - long})

    ended = cookies.read(_kept(cookies.written(aged))) is None

    assert ended == (idle > 1800 or long > 28800)


def test_what_is_kept_while_signing_in_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    cookies = Cookies(settings_with())
    field = cookies.seal_for("signing-in", {"state": "x"})
    kept = {f"{cookies.name}-signing-in": field.partition("=")[2].partition(";")[0]}
    moment = time.time()

    assert (cookies.kept_for("signing-in", kept) or {})["state"] == "x"
    monkeypatch.setattr(time, "time", lambda: moment + 601)
    assert cookies.kept_for("signing-in", kept) is None


def test_cookies_are_for_this_host_over_tls_and_for_no_script() -> None:
    for field in Cookies(settings_with()).written(session()):
        assert field.startswith("__Host-")
        assert {"Path=/", "HttpOnly", "Secure", "SameSite=Lax"} <= set(field.split("; "))


def _key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def _kept(fields: list[str]) -> dict[str, str]:
    parts = (field.partition(";")[0].partition("=") for field in fields)
    return {name: value for name, _, value in parts if value}
