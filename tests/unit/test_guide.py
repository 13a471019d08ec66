"""The guide of `make run`: what it offers when, and that one press leads nowhere but to our own pages."""

from collections.abc import Iterator
from itertools import product
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from allinone.guide import GUIDE, Stand, steps
from allinone.issuer import AS, AUTHORIZE, Issuer
from allinone.people import PEOPLE
from services.web.app import build
from services.web.signing_in.routes import back_to
from tests.unit.test_web_front import settings_with

BASE = "http://127.0.0.1:8080"
OURS = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}
ID = "ref_" + "0" * 32
STANDS = [
    Stand(),
    *(
        Stand(ID, worker is not None, worker or None, accepted)
        for worker, accepted in product((None, "", "worker"), (False, True))
    ),
]
TO = st.text(max_size=40) | st.sampled_from(
    ["//evil.example", "https://evil.example", "/\\evil.example", "/x?to=//evil", "javascript:0"]
)


@pytest.mark.parametrize("stand", STANDS)
def test_what_the_guide_offers_can_be_done(stand: Stand) -> None:
    offered = [each for each in steps(stand) if not each.not_yet]

    assert offered[0].to == "/refer"
    assert all(each.who in PEOPLE and back_to(each.to) == each.to for each in offered)
    assert (len(offered) > 1) == (stand.referral_id is not None)
    assert any(each.to == f"/cases/{ID}" for each in offered) == bool(stand.worker)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    settings = settings_with(environment="development", web_address=BASE)
    templates = build(settings).state.templates
    issuer = Issuer(BASE, "n", PEOPLE, lambda **_: "t", templates, young={}, secret="s")
    with TestClient(issuer.app(settings), base_url=BASE, follow_redirects=False) as made:
        yield made


@given(TO)
def test_one_press_leads_to_a_page_of_ours_only(client: TestClient, to: str) -> None:
    answer = client.post(f"{AS}/school", data={"to": to}, headers=OURS)

    led = urlsplit(answer.headers["location"])
    assert (answer.status_code, led.scheme, led.netloc, led.path) == (303, "", "", "/sign-in")
    assert parse_qs(led.query, keep_blank_values=True)["to"] == [to]
    assert urlsplit(f"{BASE}{back_to(to)}").netloc == urlsplit(BASE).netloc


def test_who_was_pressed_is_signed_in_once(client: TestClient) -> None:
    asked = {"redirect_uri": f"{BASE}/signed-in", "code_challenge": "c", "state": "s"}
    client.post(f"{AS}/school", data={"to": "/refer"}, headers=OURS)

    given = client.get(AUTHORIZE, params=asked)
    again = client.get(AUTHORIZE, params=asked)
    client.post(f"{AS}/school", data={"to": "/refer"}, headers=OURS)
    elsewhere = client.get(AUTHORIZE, params={**asked, "redirect_uri": "https://evil.example"})

    assert given.status_code == 303
    assert given.headers["location"].startswith(f"{BASE}/signed-in?code=")
    assert (again.status_code, "Who are you?" in again.text) == (200, True)
    assert elsewhere.status_code == 400


@pytest.mark.parametrize(
    ("who", "fields"),
    [
        ("nobody", OURS),
        ("school", {"Origin": "https://evil.example"}),
        ("school", {"Origin": "null"}),
        ("school", {"Sec-Fetch-Site": "cross-site"}),
        ("school", {"Sec-Fetch-Site": "same-site"}),
    ],
)
def test_nobody_else_presses_it(client: TestClient, who: str, fields: dict[str, str]) -> None:
    answer = client.post(f"{AS}/{who}", data={"to": "/"}, headers=fields)

    assert (answer.status_code, answer.headers.get("set-cookie")) == (400, None)


def test_pages_for_live_cases_have_no_guide() -> None:
    with TestClient(build(settings_with()), base_url=BASE) as live:
        assert GUIDE not in live.get("/").text
        assert live.get(GUIDE).status_code == 404
        assert live.post(f"{AS}/school").status_code in (404, 405)
