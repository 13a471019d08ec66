"""If-Match: a change needs the tag of what it replaces, and a repeat needs none."""

import pytest
from fastapi import FastAPI, Response
from fastapi.testclient import TestClient

from shared.errors import PreconditionMissing, Refused, Stale
from shared.storage.records import Change, unchanged
from shared.web.etags import IfMatch, Match, etag, if_match, tagged
from shared.web.problems import install
from tests.harness.things import Thing, counted

THING = Thing(id="thing_1", version=3)


def refuse(_: Thing) -> Change[Thing]:
    raise Refused("not_now", "Not now.")


@pytest.mark.parametrize("header", ['"v3"', '"v2", "v3"', "*", ' "v3" ', '"v3.0f1e"'])
def test_who_has_read_the_current_version_may_change_it(header: str) -> None:
    change = if_match(header).guard(counted)(THING)

    assert change.after.count == 1


@pytest.mark.parametrize("header", ['"v2"', '"v30"', 'W/"v3"', '"3"', '"v2.0f1e"', '".0f1e"'])
def test_who_has_read_another_version_may_not(header: str) -> None:
    with pytest.raises(Stale):
        if_match(header).guard(counted)(THING)


def test_a_change_without_if_match_is_asked_for_it() -> None:
    with pytest.raises(PreconditionMissing):
        Match(None).guard(counted)(THING)


@pytest.mark.parametrize("header", [None, '"v2"'])
def test_a_change_that_was_carried_out_before_is_no_conflict(header: str | None) -> None:
    assert if_match(header).guard(unchanged)(THING).after == THING


def test_a_stale_caller_hears_that_before_hearing_no() -> None:
    with pytest.raises(Stale):
        if_match('"v2"').guard(refuse)(THING)
    with pytest.raises(Refused):
        if_match('"v3"').guard(refuse)(THING)


def test_the_tag_may_be_of_a_revision_that_not_every_event_raises() -> None:
    guarded = if_match(etag(7)).guard(counted, lambda _: 7)

    assert guarded(THING).events


def test_what_is_not_there_can_not_match() -> None:
    with pytest.raises(Stale):
        if_match("*").check(None)


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (None, 428, "precondition_required"),
        ('"v2"', 412, "stale"),
        ("v3", 400, "if_match_invalid"),
        ("", 400, "if_match_invalid"),
    ],
)
def test_each_refusal_is_a_problem_document(header: str | None, status: int, code: str) -> None:
    answer = _client().put("/thing", headers={} if header is None else {"If-Match": header})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_tag_of_an_answer_is_the_if_match_of_the_next_request() -> None:
    client = _client()

    read = client.get("/thing").headers["ETag"]

    assert client.put("/thing", headers={"If-Match": read}).status_code == 200


def _client() -> TestClient:
    app = FastAPI()
    install(app)

    @app.get("/thing")
    def read(response: Response) -> None:
        tagged(response, THING.version)

    @app.put("/thing")
    def change(match: IfMatch) -> int:
        return match.guard(counted)(THING).after.count

    return TestClient(app)
