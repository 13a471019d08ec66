"""The register of vocabularies: no closed set of codes of the API without its labels, and none too many."""

import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from fastapi.testclient import TestClient

from services.referral.bars import codes
from services.referral.bars.reading import read_letter
from services.referral.reading.meanings import ETHNICITIES
from shared.bars import codes as out
from shared.events.codes import AGENCY_KINDS, INDICATORS, UNKNOWN_INDICATOR
from shared.events.indicators import UNSCORED_INDICATORS
from shared.vocabularies import CODES, Equivalence, theirs, vocabularies
from tests.golden.openapi import SERVICES, app_of
from tests.harness.bars import SNOMED, a_message, concept, condition
from tests.harness.cases import every_case

Found = frozenset[str]
AT = datetime(2026, 11, 27, 12, tzinfo=UTC)
ETHNIC = "https://fhir.hl7.org.uk/CodeSystem/UKCore-EthnicCategoryEngland"
Sent = Callable[[str], tuple[dict[str, Any], tuple[Any, ...]]]


def _ethnic(code: str) -> dict[str, Any]:
    said = {"url": codes.ETHNIC, "valueCodeableConcept": concept(ETHNIC, code)}
    return a_message(patient={"extension": [said]})


def _related(code: str) -> dict[str, Any]:
    contact = {"relationship": [concept("urn:x", code)], "name": {"text": "Sample"}}
    return a_message(patient={"contact": [contact]})


# How a code of theirs is sent in a message, and where it is in what is made of it.
SENDS: dict[tuple[str, str], tuple[Sent, ...]] = {
    ("urgency", "http://hl7.org/fhir/request-priority"): (
        lambda code: (a_message(priority=code), ("urgency",)),
    ),
    ("gender", "http://hl7.org/fhir/administrative-gender"): (
        lambda code: (a_message(patient={"gender": code}), ("subject", "gender")),
    ),
    ("ethnicity_code", ETHNIC): (lambda code: (_ethnic(code), ("background", "ethnicity_code")),),
    ("person_kind", "http://terminology.hl7.org/CodeSystem/v3-RoleCode"): (
        lambda code: (_related(code), ("people", 0, "kind")),
    ),
    ("indicator", SNOMED): (
        lambda code: (a_message("m", condition(code, "Concern")), ("indicators", 0, "code")),
    ),
}
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


def test_each_map_says_its_source_and_maps_codes_that_there_are() -> None:
    found = tomllib.loads(CODES.read_text("utf-8"))
    maps = {(name, one): m for name, v in found.items() for one, m in v.get("maps", {}).items()}

    assert maps
    for (name, _), entry in maps.items():
        assert entry["source"], name
        assert set(entry) <= {"system", "source", *get_args(Equivalence)}, name
        codes = {code.code for code in vocabularies()[name].codes}
        told = [ours for kind in get_args(Equivalence) for ours in entry.get(kind, {})]
        assert set(told) <= codes, name
        assert entry["system"].startswith("http")


def mapped() -> Iterator[tuple[str, str, str, str]]:
    """Every mapping: vocabulary, system, their code, ours."""
    for name, one in vocabularies().items():
        for code in one.codes:
            for each in code.mappings:
                yield name, each.system, each.code, code.code


def test_the_codes_of_snomed_have_their_check_digit() -> None:
    found = [code for _, system, code, _ in mapped() if system == SNOMED]

    assert len(found) == 3
    assert all(verhoeff(code) for code in [*found, *codes.CONCERNS])


def verhoeff(code: str) -> bool:
    """The check of SNOMED CT identifiers."""
    turn = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    check = 0
    for number, digit in enumerate(reversed(code)):
        at = list(range(10))
        for _ in range(number % 8):
            at = [turn[each] for each in at]
        check = _times(check, at[int(digit)])
    return check == 0


def _times(one: int, other: int) -> int:
    """Of the dihedral group of the pentagon."""
    if one < 5:
        return (one + other) % 5 if other < 5 else 5 + (one + other) % 5
    return 5 + (one - other) % 5 if other < 5 else (one - other) % 5


READ = {
    ("urgency", "http://hl7.org/fhir/request-priority"): codes.PRIORITIES,
    ("gender", "http://hl7.org/fhir/administrative-gender"): codes.GENDERS,
    ("ethnicity_code", ETHNIC): codes.ETHNICITIES,
    ("person_kind", "http://terminology.hl7.org/CodeSystem/v3-RoleCode"): codes.KINDS,
    ("indicator", SNOMED): {code: own for code, own in codes.CONCERNS.items() if own},
}


def test_messages_are_read_by_the_register_and_by_no_other_list() -> None:
    for (name, system), read in READ.items():
        told = {code: ours for one, s, code, ours in mapped() if (one, s) == (name, system)}
        assert read == told == theirs(name, system)
    written = {ours: code for n, s, code, ours in mapped() if s == out.REJECTED}
    assert written == out.NOT_TAKEN
    assert {*written.values(), out.NOT_TAKEN_OTHERWISE} == set(out.REJECTED_DISPLAYS)


@every_case([(*each[2:], sent) for each in mapped() for sent in SENDS.get(each[:2], ())])
def test_what_the_register_says_is_what_a_message_becomes(code: str, ours: str, sent: Sent) -> None:
    message, place = sent(code)
    found: Any = read_letter(message, AT).document
    for part in place:
        found = found[part]
    assert found == ours


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(app_of("referral"))


def test_it_is_told_without_a_token(client: TestClient) -> None:
    every = client.get("/v1/codes")

    assert every.status_code == 200
    assert set(every.json()["vocabularies"]) == set(vocabularies())
    for name in vocabularies():
        assert client.get(f"/v1/codes/{name}").json()["codes"][0].keys() == {
            *("code", "label", "census", "mappings")
        }
    kinds = client.get("/v1/codes/agency_kind").json()
    assert kinds["source"].startswith("Children in need census")
    school = {"code": "2a", "label": "School", "census": "2A", "mappings": []}
    assert school in kinds["codes"]
    genders = {code["code"]: code for code in client.get("/v1/codes/gender").json()["codes"]}
    assert genders["female"]["mappings"][0] == {
        "system": "http://hl7.org/fhir/administrative-gender",
        "code": "female",
        "equivalence": "equivalent",
        "source": "FHIR R4, AdministrativeGender, as UK Core has it in Patient.gender",
    }
    assert genders["not_asked"]["mappings"] == []


def test_what_is_no_vocabulary_no_parameter_and_no_method_is_refused(client: TestClient) -> None:
    assert client.get("/v1/codes/nothing").status_code == 404
    assert client.get("/v1/codes", params={"x": "1"}).status_code == 422
    assert client.head("/v1/codes").status_code == 200
    posted = client.post("/v1/codes")
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD")
    tag = client.get("/v1/codes").headers["etag"]
    assert client.get("/v1/codes", headers={"If-None-Match": tag}).status_code == 304
