"""Strict about types, generous about content: at every member of what an agency may send."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.referral.corrections.request import AmendReferral
from services.referral.intake.command import body_of
from services.referral.intake.facts import noticed
from services.referral.intake.request import ReceiveReferral
from services.referral.intake.timely import timely
from services.referral.reading.generous import Generous
from services.referral.reading.marks import MEANINGS, MarkCode
from tests.golden.intake import PAGE, page
from tests.harness.cases import every_case
from tests.harness.faulty import (
    Fault,
    content_faults,
    members,
    pointer,
    put,
    schema_of,
    type_faults,
    whole,
    with_fault,
)
from tests.harness.network import a_referral
from tests.unit.test_intake import AT

MODELS: list[type[Generous]] = [ReceiveReferral, AmendReferral]
SCHEMAS = {model: schema_of(model) for model in MODELS}
WHOLE = {model: whole(schema) for model, schema in SCHEMAS.items()}
CONTENT = [(m, path, value) for m in MODELS for path, value in content_faults(SCHEMAS[m])]
TYPES = [(m, path, value) for m in MODELS for path, value in type_faults(SCHEMAS[m])]


def read(**changes: Any) -> ReceiveReferral:
    return ReceiveReferral.model_validate(a_referral(**changes))


def marked(document: Generous) -> dict[str, tuple[str, str | None]]:
    return {one.pointer: (one.code, one.taken_as) for one in document.asides}


def test_the_whole_document_has_nothing_odd_and_the_faults_are_at_every_member() -> None:
    for model, schema in SCHEMAS.items():
        assert not model.model_validate(WHOLE[model]).asides
        places = {path for path, _ in members(schema) if path}
        assert {path for m, path, _ in TYPES if m is model} == places
        assert len(places) > 20


@every_case(CONTENT)
def test_no_fault_of_content_is_refused_and_each_is_named(
    model: type[Generous], path: Any, value: Any
) -> None:
    sent = with_fault(WHOLE[model], (path, value))

    document = model.model_validate(sent)

    if value == "un\x00known" and pointer(path) not in marked(document):
        raise AssertionError("NUL in silence")
    assert pointer(path) in marked(document), marked(document)
    kept = [json.loads(one.sent or "null") for one in document.asides]
    assert value in kept, "what was sent is not kept"


@every_case(TYPES)
def test_a_fault_of_type_is_refused_and_named(model: type[Generous], path: Any, value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(with_fault(WHOLE[model], (path, value)))

    assert [pointer(error["loc"]) for error in refused.value.errors()] == [pointer(path)]


FAULTS = content_faults(SCHEMAS[ReceiveReferral])


@given(st.lists(st.sampled_from(FAULTS), min_size=1, max_size=12))
def test_many_faults_at_once_are_taken_too(faults: list[Fault]) -> None:
    sent = whole(SCHEMAS[ReceiveReferral])
    for fault in faults:
        put(sent, fault)
    before = json.dumps(sent)

    document = ReceiveReferral.model_validate(sent)

    assert json.dumps(sent) == before, "what was sent was changed"
    assert document.asides
    assert "not_understood" in noticed(document, AT)
    assert ReceiveReferral.model_validate_json(document.model_dump_json()).asides == ()
    opened = [c for c in document.consents if c.status == "given"]
    untouched = not any(one.pointer.startswith("/consents") for one in document.asides)
    assert not opened or untouched, opened


@pytest.mark.parametrize("sent", [{}, {"urgency": None, "narrative": ""}])
def test_who_says_nothing_refers_nobody(sent: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReceiveReferral.model_validate(sent)


def test_an_unknown_urgency_is_never_a_slower_one_and_none_is_looked_at_today() -> None:
    assert read(urgency="stat").urgency == "immediate"
    assert read(urgency="Same day").urgency == "same_day"
    said_nothing = a_referral()
    del said_nothing["urgency"]
    assert ReceiveReferral.model_validate(said_nothing).urgency == "same_day"
    changed = AmendReferral.model_validate({"urgency": "asap"})
    assert changed.urgency == "immediate"


YES = {"status": "given", "categories": ["existence"], "given_by": "young_person"}


@pytest.mark.parametrize(
    "change",
    [
        {"given_by": "guardian"},
        {"status": "implied"},
        {"categories": ["existence", "photos"]},
        {"agency_ids": ["Not A Code!"]},
        {"valid_to": "until she says so"},
        {"only_if": "the nurse is there"},
        {"said_at": "yesterday"},
    ],
)
def test_a_yes_that_is_not_understood_whole_opens_nothing(change: dict[str, Any]) -> None:
    document = read(consents=[{**YES, **change}, {**YES, "categories": ["risk"]}])

    assert [c.categories for c in document.consents] == [("risk",)]
    assert marked(document)["/consents/0"] == ("yes_not_taken", None)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "refused", "given_by": "guardian"},
        {"status": "withdrawn", "agency_ids": ["Not A Code!"]},
        {"status": "revoked"},
        {"status": "refused", "categories": ["existence", "photos"]},
    ],
)
def test_a_no_that_is_not_understood_whole_counts_as_widely_as_it_may_be_meant(
    change: dict[str, Any],
) -> None:
    (no,) = read(consents=[{**YES, **change}]).consents

    assert no.status == ("withdrawn" if change["status"] == "withdrawn" else "refused")
    assert no.agency_ids == ()
    assert no.given_by == "young_person"
    assert len(no.categories) == (12 if "categories" in change else 1)


def test_a_consent_of_a_time_to_come_or_that_is_over_opens_nothing() -> None:
    over, ahead = {"valid_to": "2020-01-01T00:00:00Z"}, {"said_at": "2030-01-01T00:00:00Z"}
    no = {**YES, "status": "refused", **ahead}

    document = timely(read(consents=[{**YES, **over}, {**YES, **ahead}, no, YES]), AT)

    assert [(c.status, c.said_at) for c in document.consents] == [
        ("refused", None),
        ("given", None),
    ]
    assert {"/consents/0", "/consents/1", "/consents/2"} <= set(marked(document))
    assert timely(document, AT) is document


@pytest.mark.parametrize(
    ("said", "born", "about"),
    [
        ("17/05/2012", "2012-05-17", None),
        ("05/17/2012", "2012-05-17", None),
        ("05/05/2012", "2012-05-05", None),
        ("5 June 2012", "2012-06-05", None),
        ("20120517", "2012-05-17", None),
        ("05/06/2012", None, "2012"),
        ("2012-05", None, "2012-05"),
        ("May 2012", None, "2012-05"),
        ("2012", None, "2012"),
        ("31/02/2012", None, "2012"),
        ("17/05/12", None, None),
        ("1337212800", None, None),
        ("about twelve", None, None),
    ],
)
def test_between_day_and_month_nobody_guesses(
    said: str, born: str | None, about: str | None
) -> None:
    document = read(subject={"name": "Sample Child", "date_of_birth": said})

    found = document.subject
    assert (found.date_of_birth and found.date_of_birth.isoformat()) == born
    assert found.born_about == about
    assert "/subject/date_of_birth" in marked(document)


def test_a_code_of_a_list_in_other_letters_is_understood_in_its_place() -> None:
    taken = read(settings_avoided=["Police", "no setting", "Social care"])

    assert taken.settings_avoided == ("police", "social_care")
    assert [(one.pointer, one.code) for one in taken.asides if "settings" in one.pointer] == [
        ("/settings_avoided/0", "understood"),
        ("/settings_avoided/1", "unknown_code"),
        ("/settings_avoided/2", "understood"),
    ]


def test_a_reference_that_was_not_given_is_the_same_for_the_same_document() -> None:
    one, again = ({**a_referral(), "agency_reference": ""} for _ in range(2))
    other = {**one, "narrative": "Another."}

    references = {
        ReceiveReferral.model_validate(each).agency_reference for each in (one, again, other)
    }

    assert len(references) == 2


def test_members_that_came_later_change_no_request_that_does_not_say_them() -> None:
    assert "born_about" not in body_of(read())[0]
    assert '"estimated_age":null' in body_of(read())[0]
    assert "2012-05" in body_of(read(subject={"born_about": "2012-05"}))[0]
    assert body_of(read(car="blue")) != body_of(read(car="red"))


def test_an_amendment_changes_nothing_by_what_it_does_not_understand() -> None:
    changed = AmendReferral.model_validate({"subject": {"gender": "xx"}, "languages": ["Welsh"]})

    assert changed.subject is not None
    assert not changed.subject.model_fields_set
    assert changed.names == ("languages", "set_aside")


def test_the_page_of_rules_is_the_code() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make intake-rules` and look at what changed"
    assert set(MEANINGS) == set(get_args(MarkCode))
