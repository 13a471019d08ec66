"""The register of vocabularies: no closed set of codes of the API without its labels, and none too many."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.referral.reading.meanings import ETHNICITIES
from shared.events.codes import AGENCY_KINDS, INDICATORS, UNKNOWN_INDICATOR
from shared.events.indicators import UNSCORED_INDICATORS
from shared.web.vocabularies import vocabularies
from tests.golden.openapi import SERVICES, app_of

Found = frozenset[str]
# Of an open list: what is none of them is taken, too.
OPEN = {"indicator": INDICATORS | UNSCORED_INDICATORS | {UNKNOWN_INDICATOR}}


def closed_sets(document: Any) -> Iterator[Found]:
    """Every closed set of codes in a description; its examples have none."""
    if isinstance(document, list):
        for each in document:
            yield from closed_sets(each)
    if isinstance(document, dict):
        if isinstance(document.get("enum"), list):
            yield frozenset(map(str, document["enum"]))
        for name, each in document.items():
            if name not in ("example", "examples"):
                yield from closed_sets(each)


def described() -> set[Found]:
    documents = [app_of(service).openapi() for service in SERVICES]
    return {found for document in documents for found in closed_sets(document)}


def registered() -> dict[Found, str]:
    return {
        frozenset(code.code for code in one.codes): name for name, one in vocabularies().items()
    }


def test_every_closed_set_of_codes_is_in_the_register_and_no_other() -> None:
    mine = {codes for codes, name in registered().items() if name not in OPEN}

    assert sorted(map(sorted, described() - mine)) == [], "add these to shared/web/codes.toml"
    assert sorted(map(sorted, mine - described())) == [], "gone: take these out"
    assert {name: frozenset(c.code for c in vocabularies()[name].codes) for name in OPEN} == OPEN


def test_no_two_vocabularies_are_the_same_and_no_code_stands_twice() -> None:
    assert len(registered()) == len(vocabularies()) > 90
    for one in vocabularies().values():
        assert len({code.code for code in one.codes}) == len(one.codes), one.name
        assert all(code.label for code in one.codes)


def test_the_census_codes_are_those_of_the_census() -> None:
    census = {
        name: {code.code: code.census for code in one.codes if code.census}
        for name, one in vocabularies().items()
    }

    assert set(census["agency_kind"]) == AGENCY_KINDS
    assert set(census["ethnicity_code"]) == set(ETHNICITIES)
    assert census["ethnicity_code"]["wirt"] == "WIRT"
    assert len(census["disability"]) == 13
    assert sorted(census["primary_need"].values()) == [f"N{number}" for number in range(10)]
    assert census["linked_issue"]["criminal_exploitation"] == "24A"
    assert census["urgency"] == {}


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(app_of("referral"))


def test_it_is_told_without_a_token(client: TestClient) -> None:
    every = client.get("/v1/codes")

    assert every.status_code == 200
    assert set(every.json()["vocabularies"]) == set(vocabularies())
    for name in vocabularies():
        assert client.get(f"/v1/codes/{name}").json()["codes"][0].keys() == {
            *("code", "label", "census")
        }
    kinds = client.get("/v1/codes/agency_kind").json()
    assert kinds["source"].startswith("Children in need census")
    assert {"code": "2a", "label": "School", "census": "2A"} in kinds["codes"]


def test_what_is_no_vocabulary_no_parameter_and_no_method_is_refused(client: TestClient) -> None:
    assert client.get("/v1/codes/nothing").status_code == 404
    assert client.get("/v1/codes", params={"x": "1"}).status_code == 422
    assert client.head("/v1/codes").status_code == 200
    posted = client.post("/v1/codes")
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD")
    tag = client.get("/v1/codes").headers["etag"]
    assert client.get("/v1/codes", headers={"If-None-Match": tag}).status_code == 304
