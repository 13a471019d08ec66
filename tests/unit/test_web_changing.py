"""What the sections of the pages come to: whatever is answered, the API takes all of it as it is meant."""

from collections.abc import Callable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from services.allocation.risk.route import JudgementEntry
from services.referral.corrections.request import AmendReferral
from services.referral.documents import ConsentEntry, DiscussionEntry
from services.referral.invalidation.request import InvalidationEntry
from services.referral.lifecycle.route import COMMANDS, StepEntry
from services.referral.lifecycle.states import OPEN, TABLE
from services.referral.parents.request import ParentsEntry
from services.referral.sharing.request import (
    AccountEntry,
    BasisEntry,
    ConfirmationEntry,
    SafetyEntry,
    ServiceEntry,
)
from services.web.changing import steps
from services.web.changing.amending import AMENDED
from services.web.changing.fields import Field, by_field, wrong
from services.web.changing.further import MORE
from services.web.changing.register import BY_NAME, offered
from services.web.changing.section import Known, Section, Sent

ZONE = ZoneInfo("Europe/London")
LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
WORDS = st.text(LETTERS, min_size=1, max_size=40).map(str.strip).filter(bool)
TAKEN_AS: dict[str, type[BaseModel]] = {
    "discussion": DiscussionEntry,
    "consents": ConsentEntry,
    "invalidation": InvalidationEntry,
    "confirmation": ConfirmationEntry,
    "service-agreement": ServiceEntry,
    "tell-parents": ParentsEntry,
    "bases": BasisEntry,
    "judgement": JudgementEntry,
    "unsafe-accounts": AccountEntry,
    "amendments": AmendReferral,
}


def answers(field: Field) -> st.SearchStrategy[Any]:
    """What can be typed or chosen and is right; often nothing, where nothing is needed."""
    codes = [code for code, _ in field.choices] if field.kind in CHOSEN else []
    right: dict[str, st.SearchStrategy[Any]] = {
        "text": st.from_regex(r"[a-z0-9][a-z0-9_-]{0,39}", fullmatch=True)
        if field.name in ("who", "agency_ids")
        else WORDS,
        "area": WORDS,
        "lines": st.lists(
            st.from_regex(r"[a-z0-9][a-z0-9_]{0,8}", fullmatch=True), min_size=1, max_size=20
        ).map("\n".join),
        "number": st.integers(0, 25).map(str),
        "date": st.dates(min_value=date(2000, 1, 1), max_value=date(2026, 1, 1)).map(str),
        "time": st.from_regex(r"(0\d|1\d|2[0-3]):[0-5]\d", fullmatch=True).filter(str.isascii),
    }
    some = right[field.kind] if field.kind in right else st.sampled_from(codes)
    if field.kind == "ticks":
        some = st.lists(st.sampled_from(codes), min_size=1, max_size=10, unique=True)
    return some if field.needed else some | st.just(field.empty)


CHOSEN = ("radios", "select", "ticks")


def known(section: Section, **was: Any) -> Known:
    empty = {f.name: f.empty for f in section.fields}
    record = {"urgency": "ten_working_days", "status": "received"}
    entry = {"con": f"con_{'0' * 32}", "bas": f"bas_{'0' * 32}"}.get(section.about, "")
    return Known(record, {**empty, **was}, ZONE, entry)


@pytest.mark.parametrize("name", BY_NAME)
@given(st.data())
def test_whatever_is_answered_is_taken_as_it_is_meant(name: str, data: st.DataObject) -> None:
    section = BY_NAME[name]
    values = {f.name: data.draw(answers(f), f.name) for f in section.fields}

    assert wrong(section.fields, values) == {}
    sent = section.sends(section, values, known(section))
    if not isinstance(sent, Sent):
        assert set(sent) <= {f.name for f in section.fields}
        return
    last = sent.path.rpartition("/")[2]
    kind = StepEntry if sent.path.startswith("steps/") else TAKEN_AS.get(last)
    if sent.path.startswith(("unsafe-agencies/", "unsafe-workers/")):
        kind = SafetyEntry
    if kind is not None and sent.body is not None:
        taken = kind.model_validate(sent.body)
        assert getattr(taken, "asides", ()) == (), "nothing of it is set aside as not understood"


@given(st.data())
def test_what_nobody_has_changed_is_not_sent_and_what_was_emptied_is_removed(
    data: st.DataObject,
) -> None:
    section = data.draw(
        st.sampled_from([s for s in (*AMENDED, *MORE) if s.sends is BY_NAME["care"].sends])
    )
    was = {f.name: data.draw(answers(f)) for f in section.fields}
    changed = {f.name: data.draw(st.sampled_from([was[f.name], f.empty])) for f in section.fields}

    sent = section.sends(section, changed, known(section, **was))

    emptied = {f.name: f for f in section.fields if was[f.name] and not changed[f.name]}
    if any(f.kept for f in emptied.values()) or not emptied:
        assert isinstance(sent, dict)
        return
    assert isinstance(sent, Sent)
    assert sent.body is not None
    for field in emptied.values():
        found: Any = sent.body
        for part in field.place:
            found = found[part]
        assert found is None
    told = sum(len(part) if isinstance(part, dict) else 1 for part in sent.body.values())
    assert told == len(emptied)


def test_a_step_offers_the_reasons_and_stands_where_the_table_says() -> None:
    for section in steps.STEPS:
        row = TABLE[COMMANDS[section.name].command]  # type: ignore[index]
        offers = {code for f in section.fields for code, _ in f.choices}
        assert offers == set(row.reasons), section.name
        for status in (*OPEN, *steps.ENDED, "entered_in_error"):
            assert section.fits({"status": status}) == (status in row.states), (
                section.name,
                status,
            )
        assert "referrer" in row.who


@pytest.mark.parametrize("practitioner", [True, False])
def test_what_a_single_entry_is_needed_for_is_not_offered_without_one(practitioner: bool) -> None:
    record = {"status": "received"}
    names = {s.name for _, some in offered(record, practitioner=practitioner) for s in some}

    assert not names & {"consent-mistake", "confirm", "basis-end"}
    assert ({"basis", "unsafe", "judgement"} <= names) == practitioner
    assert "withdrawal" in names


WRONG: dict[str, tuple[str, Callable[[], str]]] = {
    "a line that is too long": ("at most 500", lambda: Field("x", "?").wrong("a" * 501)),
    "two lines": ("one line", lambda: Field("x", "?").wrong("a\nb")),
    "too many lines": ("at most 20", lambda: Field("x", "?", "lines").wrong("a\n" * 21)),
    "a code of nobody": ("Choose", lambda: Field("x", "?", "radios", "asked").wrong("maybe")),
    "a day that is none": ("real day", lambda: Field("x", "?", "date").wrong("2026-02-30")),
    "a day of another age": ("real day", lambda: Field("x", "?", "date").wrong("0001-01-01")),
    "a time that is none": ("a time", lambda: Field("x", "?", "time").wrong("25:00")),
    "an age of many digits": ("an age", lambda: Field("x", "?", "number").wrong("9" * 5000)),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_would_be_set_aside_is_said_before_it_is_sent(what: str) -> None:
    expected, said = WRONG[what]

    assert expected in said()


def test_a_fault_is_said_at_its_field_and_every_other_one_at_the_first() -> None:
    section = BY_NAME["identity"]
    faults = [
        {"pointer": "/subject/date_of_birth", "message": "Not a day."},
        {"pointer": "/elsewhere", "message": "Something else."},
    ]

    assert by_field(section.fields, faults, "") == {
        "date_of_birth": "Not a day.",
        "name": "Something else.",
    }
    assert by_field((), [], "It has ended.") == {"send": "It has ended."}
