"""What the forms of the directory come to is taken by the API, whatever is typed; and how it is said."""

from typing import Any, get_args

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData
from starlette.testclient import TestClient

from services.allocation.directory.card import HelpKind, HubCard, WorkerCard
from services.web.app import build
from services.web.directory import entry
from services.web.directory.saying import DAYS, PLAIN, when
from services.web.visit import Form
from shared.vocabularies import vocabularies
from tests.unit.test_web_front import ADDRESS, session, settings_with, signed_in

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.just("x" * 3000)
TIMES = st.sampled_from(["", "09:00", "17:00", "9", "25:00"])
TEXTS = {
    "name": WORDS,
    "places": WORDS,
    "phone": WORDS | st.sampled_from(["020 7946 0000", "+44 20 7946 0000", "0", "٠١٢٣٤٥٦"]),
    "email": WORDS | st.sampled_from(["name@example.org", "a@b", "@", "é@example.org"]),
    "start": TIMES,
    "end": TIMES,
    "shown": st.sampled_from(["yes", "no", ""]),
    "public": st.sampled_from(["yes", "no", ""]),
}


@given(st.fixed_dictionaries(TEXTS), st.lists(st.sampled_from(DAYS), unique=True))
def test_a_form_that_nothing_is_wrong_with_is_an_entry(
    texts: dict[str, str], days: list[str]
) -> None:
    form = Form(FormData([*texts.items(), *(("days", day) for day in days)]))
    for model, made in ((WorkerCard, entry.worker_card), (HubCard, entry.hub_card)):
        card = made(form)
        if not entry.wrong(card):
            model.model_validate(card)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, ""),
        ({"days": ["friday", "monday"]}, "Monday, Friday"),
        (
            {"days": list(DAYS[:5]), "start": "09:00", "end": "17:00"},
            "Monday to Friday, 09:00 to 17:00",
        ),
        ({"days": ["saturday", "bank_holiday"]}, "Saturday, Bank holiday"),
    ],
)
def test_when_somebody_is_there_is_said_as_people_say_it(
    said: dict[str, Any], expected: str
) -> None:
    assert when({"days": [], "start": None, "end": None, **said}) == expected


def test_every_kind_of_help_for_young_people_has_words_for_them() -> None:
    others = {"parents_support", "professionals_advice"}
    kinds = {each.code for each in vocabularies()["help_kind"].codes}

    assert kinds == set(get_args(HelpKind))
    assert set(PLAIN) == kinds - others


DESK = {
    "name": "North Hub",
    "places": "Northtown & around",
    "areas": ["northtown"],
    "phone": "020 7946 0000",
    "email": None,
    "days": ["monday"],
    "start": "09:00",
    "end": "17:00",
    "helps": ["one_to_one", "professionals_advice"],
    "for_whom": [],
}


@pytest.mark.parametrize("status", [200, 429, 503])
def test_a_young_person_reads_where_help_is_also_when_we_can_not_say_and_tells_nobody_who_asks(
    status: int,
) -> None:
    asked: list[httpx2.Request] = []

    def answered(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(status, json={"desks": [DESK], "next": None})

    app = build(settings_with(), httpx2.MockTransport(answered))
    with TestClient(app, base_url=ADDRESS) as client:
        signed_in(client, session())
        page = client.get("/help-near-you")

    assert page.status_code == 200
    assert "0800 1111" in page.text
    assert ("Northtown &amp; around" in page.text) is (status == 200)
    assert ("Time with one worker" in page.text) is (status == 200)
    assert page.headers["cache-control"] == "no-store"
    assert "Advice for professionals" not in page.text
    (request,) = asked
    assert "authorization" not in request.headers, "also of who is signed in"
