"""How a message of the Booking and Referral Standard is read: nothing lost, nothing guessed."""

import contextlib
import copy
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from services.referral.bars.reading import Letter, read_letter
from services.referral.intake.request import ReceiveReferral
from shared.bars import codes
from shared.bars.answer import Standing, response
from shared.errors import Malformed
from shared.events.codes import ReferralStatus
from shared.web.outcomes import outcome
from tests.conftest import SEED
from tests.golden import bars as page
from tests.harness.bars import a_message, concept, condition, consent, flag, issues, resource, url

AT = datetime(2026, 11, 27, 12, tzinfo=UTC)


def read(*more: dict[str, Any], **changes: Any) -> Letter:
    return read_letter(a_message("m-1", *more, **changes), AT)


def document(*more: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return read(*more, **changes).document


def test_a_message_says_what_a_form_says() -> None:
    said = document()

    assert said["agency_reference"] == "SYN-REQUEST-1"
    assert (said["urgency"], said["area"]) == ("one_working_day", "northtown")
    assert said["subject"] == {
        "name": "Sample Child",
        "known_as": "Sam",
        "nhs_number": "9990000018",
        "date_of_birth": "2012-05-17",
        "gender": "female",
        "address": "1 Sample Street, northtown, ZZ1 1ZZ",
    }
    assert said["referrer"] == {
        "name": "Sample Nurse",
        "role": "Sample Clinic",
        "contact": "01632 960003",
        "organisation_code": "ZZ9",
    }
    assert said["people"] == [
        {
            "kind": "parent",
            "name": "Sample Parent",
            "relationship": "mother",
            "phones": ["01632 960002"],
        }
    ]
    assert said["contacts"]["ways"] == [{"kind": "phone", "value": "01632 960001"}]
    assert said["narrative"] == "Synthetic text of the clinic."
    assert {one["value"] for one in said["identifiers"]["known"]} == {"SYN-CLINIC-7", "m-1"}
    assert said["history"] == {"made_at": "2026-11-27T10:00:00+00:00"}
    assert read().asides == ()


def leaves(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every text of a message that says something of somebody."""
    if isinstance(value, str):
        yield place
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield from leaves(inner, (*place, name))
    for at, inner in enumerate(value) if isinstance(value, list) else ():
        yield from leaves(inner, (*place, at))


# How a message travels, what kind of thing something is, and codes that decide what becomes of it.
ROUTING = {
    *("resourceType", "fullUrl", "reference", "type", "use", "system", "intent", "endpoint", "id"),
    *("eventCoding", "reason", "source", "category", "status"),
}
WHOLE = (
    condition("700253008", "Suspected victim of grooming"),
    flag("U", "Dog at the address"),
    consent("OPTIN", "permit"),
    {
        "resourceType": "RelatedPerson",
        "patient": {"reference": url(2)},
        "relationship": [concept("urn:sample:role", "BRO", "brother")],
        "name": [{"text": "Sample Brother"}],
        "birthDate": "2014-01-02",
    },
    {
        "resourceType": "CarePlan",
        "description": "Synthetic plan.",
        "activity": [{"detail": {"description": "Synthetic step."}}],
    },
    {"resourceType": "Observation", "code": {"text": "Tired"}, "valueString": "often"},
    {"resourceType": "Basic", "extension": [{"url": "urn:sample", "valueString": "Whatever"}]},
)


def test_no_word_of_a_message_is_lost() -> None:
    whole = a_message("m-1", *WHOLE)
    lost = []
    for place in leaves(whole):
        if ROUTING & set(place):
            continue
        marked = copy.deepcopy(whole)
        inner: Any = marked
        for part in place[:-1]:
            inner = inner[part]
        inner[place[-1]] = "MARKED-WORD"
        letter = read_letter(marked, AT)
        taken = ReceiveReferral.model_validate(letter.document)
        kept = [*letter.asides, *taken.asides]
        if "MARKED-WORD" not in taken.model_dump_json() + json.dumps([a.sent for a in kept]):
            lost.append(place)

    assert not lost


def test_what_the_categories_say_beside_the_kind_of_message_is_told() -> None:
    kind = concept("urn:sample", "referral", "Transfer of care")
    use_case = concept("urn:sample", "a1t1", "111 to ED")

    plain = document(category=[kind])["narrative"]
    found = document(category=[{**kind, "text": "Please see her."}, use_case])["narrative"]

    assert "Transfer of care" not in plain
    assert "Asked for: Please see her. (Transfer of care), 111 to ED [a1t1]" in found


def test_the_page_is_what_the_code_says() -> None:
    assert page.PAGE.read_text("utf-8") == page.page(), "run `make intake-rules`"


def test_an_unknown_code_is_kept_with_what_it_is_called() -> None:
    (found,) = document(condition("919461000000108", "At risk"))["indicators"]

    assert found == {"code": "919461000000108 At risk", "recency": "current"}


@pytest.mark.parametrize(
    ("flags", "risk"),
    [
        ([("S", "active")], "no"),
        ([("U", "active")], "yes"),
        ([("S", "active"), ("U", "active")], "yes"),
        ([("U", "active"), ("S", "active")], "yes"),
        ([("U", "inactive")], None),
    ],
)
def test_one_danger_outweighs_all_that_is_safe(
    flags: list[tuple[str, str]], risk: str | None
) -> None:
    found = document(*(flag(code, "words", status) for code, status in flags))

    assert found.get("visit_risk", {}).get("risk") == risk


def test_what_is_said_to_be_a_mistake_does_not_count_and_is_kept() -> None:
    mistaken = {**condition("700253008", "Grooming"), "status": "entered-in-error"}
    letter = read(mistaken)

    assert "indicators" not in letter.document
    assert [one.pointer for one in letter.asides] == ["/entry/5/resource"]


@pytest.mark.parametrize(
    ("given", "consents", "implied"),
    [
        (consent("IMPLIED"), [], True),
        (consent("OPTIN", "permit"), [], False),
        (consent("OPTOUT", "deny"), ["refused"], False),
        (consent("IMPLIED", "deny"), ["refused"], False),
        ({**consent("OPTIN"), "status": "rejected"}, ["refused"], False),
        (
            {**consent("OPTIN"), "provision": {"type": "permit", "provision": [{"type": "deny"}]}},
            ["refused"],
            False,
        ),
    ],
)
def test_a_no_is_a_no_and_a_yes_opens_nothing(
    given: dict[str, Any], consents: list[str], implied: bool
) -> None:
    found = document(given)

    assert [one["status"] for one in found.get("consents", ())] == consents
    assert ("implied_consent" in found["history"]) == implied


def test_what_nobody_knows_is_left_to_the_rules_of_intake() -> None:
    letter = read(priority="soon", status="on-hold", reason="again", patient={"gender": "unsure"})

    assert letter.document["urgency"] == "soon"
    assert letter.document["subject"]["gender"] == "unsure"
    assert letter.wants == "new"
    told = [(one.pointer, one.code, one.taken_as) for one in letter.asides]
    assert ("/entry/1/resource/status", "unknown_code", "active") in told
    assert ("/entry/0/resource/reason", "unknown_code", "new") in told


@pytest.mark.parametrize(
    "changes",
    [
        {"patient": {"name": "Sample Child"}},
        {"patient": {"name": [7]}},
        {"patient": {"gender": 7}},
        {"note": [{"text": ["a list"]}]},
        {"status": True},
    ],
)
def test_another_type_is_a_fault_with_its_place(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as raised:
        read(**changes)

    assert raised.value.pointer.startswith("/entry/")
    assert raised.value.code.endswith("_type")


def test_a_message_without_end_is_no_message() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = {"extension": [deep]}

    with pytest.raises(Malformed) as raised:
        read(deep)

    assert raised.value.code == "too_deep"


ODD: tuple[Any, ...] = (
    None,
    7,
    "x",
    True,
    [],
    {},
    [7],
    [None],
    {"a": [[]]},
    "\ud800",
    float("nan"),
)


def test_whatever_stands_in_a_place_is_read_or_a_fault() -> None:
    whole = a_message("m-1", *WHOLE)
    chance = random.Random(SEED)
    for place in chance.sample(list(every(whole)), 30):
        for odd in chance.sample(ODD, 3):
            spoiled = copy.deepcopy(whole)
            inner: Any = spoiled
            for part in place[:-1]:
                inner = inner[part]
            inner[place[-1]] = odd
            with contextlib.suppress(Malformed):
                ReceiveReferral.model_validate(read_letter(spoiled, AT).document)


def every(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside the entries of a message."""
    if len(place) > 2:
        yield place
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield from every(inner, (*place, name))
    for at, inner in enumerate(value) if isinstance(value, list) else ():
        yield from every(inner, (*place, at))


@pytest.mark.parametrize(
    ("born", "declined"), [("2000-11-28", False), ("2000-11-27", True), ("1959", False)]
)
def test_an_adult_is_somebody_over_25_by_a_whole_birth_date(born: str, declined: bool) -> None:
    if not declined:
        assert document(patient={"birthDate": born})["subject"]["date_of_birth"] == born
        return
    with pytest.raises(Malformed) as raised:
        read(patient={"birthDate": born})
    assert raised.value.code == "not_supported"


def test_a_later_message_is_never_declined_for_whom_it_is_about() -> None:
    letter = read(reason="update", status="revoked", patient={"birthDate": "1959-05-04"})

    assert letter.wants == "revoked"


@pytest.mark.parametrize("status", codes.STANDING)
def test_every_state_has_its_message_and_the_same_state_the_same(status: ReferralStatus) -> None:
    standing = Standing(f"ref_{'0' * 32}", status, "other", AT, "m-1")

    answer = response(standing)

    assert answer == response(standing)
    assert answer["id"] != response(standing._replace(reason=None))["id"]
    assert resource(answer, "Encounter")["reasonCode"][0]["text"] == codes.WORDS[status]


@pytest.mark.parametrize(
    ("status", "problem", "expected"),
    [
        (422, {"code": "malformed", "errors": [{"code": "missing"}]}, (400, "required")),
        (422, {"code": "malformed", "errors": [{"code": "string_type"}]}, (400, "invalid")),
        (422, {"code": "malformed", "errors": [{"code": "not_supported"}]}, (422, "not-supported")),
        (409, {"code": "message_id_used"}, (409, "duplicate")),
        (409, {"code": "not_from_here"}, (409, "conflict")),
        (404, {"code": "not_found"}, (404, "not-found")),
        (429, {"code": "too_many_requests"}, (429, "throttled")),
        (500, {"code": "internal_error"}, (500, "exception")),
    ],
)
def test_a_problem_has_its_code_of_the_standard(
    status: int, problem: dict[str, Any], expected: tuple[int, str]
) -> None:
    told, body = outcome(status, problem)

    assert (told, issues(json.loads(body))[0][0]) == expected
