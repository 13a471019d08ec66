"""What forms come to and records show: for whatever is typed and whatever an API gives."""

import inspect
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.referral.areas.rule import WARNING as AREA_UNKNOWN
from services.referral.intake import facts, rule
from services.referral.intake.facts import ABOUT_DETAILS, NOT_UNDERSTOOD
from services.referral.intake.request import ReceiveReferral
from services.web.record import NEVER_SAID, parts
from services.web.referring.questions import STEPS, cut, referral, unanswered
from services.web.warnings import WARNINGS
from shared.vocabularies import vocabularies

CHOICES = {
    "urgency": "urgency",
    "gender": "gender",
    "recency": "recency",
    "not_discussed_because": "not_discussed_reason",
    "service_agreement": "service_agreement",
    "tell_parents": "tell_parents",
    "indicators": "indicator",
    "channels": "safe_channel",
    "settings_avoided": "setting",
    "consent_status": "consent_status",
    "consent_by": "consent_given_by",
    "consent_kinds": "agency_kind",
    "consent_categories": "category",
}
DAYS = st.dates().map(str)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.just("x" * 20_000)


def _answer(field: str) -> st.SearchStrategy[str]:
    if field in CHOICES:
        return st.sampled_from([each.code for each in vocabularies()[CHOICES[field]].codes])
    return (
        st.sampled_from(["yes", "no"])
        if field == "discussed"
        else WORDS | st.from_regex(r"\d{1,5}")
    )


def _form() -> st.SearchStrategy[dict[str, Any]]:
    single = {field: _answer(field) for step in STEPS for field in step.fields}
    several = {f: st.lists(_answer(f), max_size=5) for step in STEPS for f in step.lists}
    needed = {field: single.pop(field) for field in ("urgency", "area", "narrative")}
    return st.fixed_dictionaries(needed, optional={**single, **several})


def corrected(answers: dict[str, Any]) -> dict[str, Any]:
    """As somebody sends it whom the form has told what is wrong: without that, or with a word."""
    wrong = set(unanswered(answers))
    left = {name for name in answers if name in wrong}
    if "born_day" in wrong:
        left |= {"born_day", "born_month", "born_year"}
    if any(name.startswith("consent_") for name in wrong):
        left.add("consent_status")
    needed = dict.fromkeys(wrong & {"area", "narrative"}, "northtown")
    return {**{n: v for n, v in answers.items() if n not in left}, **needed}


@given(_form())
def test_what_a_form_can_say_is_a_referral_that_is_taken(answers: dict[str, Any]) -> None:
    kept = corrected(cut(answers))
    assert not unanswered(kept)

    ReceiveReferral.model_validate(referral(kept, "WEB-1"))


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=9) | st.integers() | st.none()))
def test_a_draft_holds_answers_to_our_questions_only(kept: dict[str, Any]) -> None:
    fields = {field for step in STEPS for field in step.fields + step.lists}

    assert set(cut(kept)) <= fields


LEAF = (
    st.text(min_size=1, max_size=30)
    | st.booleans()
    | st.integers()
    | st.none()
    | st.just("not_asked")
)
# Also those that make an entry one line.
ENTRY = ("text", "code", "by", "recency", "agency_id", "reported_at")
NAMES = st.sampled_from(ENTRY) | st.text(min_size=1, max_size=12)
RECORD = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["identity", "concerns", "health", "new_kind"]), RECORD))
def test_a_record_shows_every_word_that_was_said(categories: dict[str, Any]) -> None:
    shown = "\n".join(f"{line.said} {line.by}" for part in parts(categories) for line in part.lines)

    for word in _words(categories):
        assert word in shown or word.replace("_", " ").lower() in shown.lower()


NAMED = st.from_regex(r"[a-z0-9]{1,8}([_.@-][a-z0-9]{1,8}){0,3}", fullmatch=True)
IN_WORDS = (
    ("contacts", "ways", "value"),
    ("contacts", "ways", "whose"),
    ("safe_contact", "never_contact"),
    ("safe_contact", "code_word"),
    ("people", "people", "aliases"),
    ("identifiers", "known", "value"),
    ("missing", "last_seen_with"),
)


@given(NAMED, st.sampled_from(IN_WORDS))
def test_an_account_an_address_or_a_code_word_is_shown_letter_by_letter(
    word: str, place: tuple[str, ...]
) -> None:
    value: Any = word
    for name in reversed(place):
        value = {name: [value] if name in ("ways", "never_contact", "aliases", "known") else value}
    lines = [line.said for part in parts({"contact": value}) for line in part.lines]

    assert lines == [word]


def _words(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [word for each in value.values() for word in _words(each)]
    if isinstance(value, list):
        return [word for each in value for word in _words(each)]
    if any(value is never or value == never for never in NEVER_SAID) or isinstance(value, bool):
        return []
    return [str(value)]


def test_every_warning_of_a_receipt_is_a_sentence() -> None:
    given = {*ABOUT_DETAILS, AREA_UNKNOWN, NOT_UNDERSTOOD, "indicator_unknown"}
    given |= set(re.findall(r'found\.add\("(\w+)"\)', inspect.getsource(facts)))
    given |= set(re.findall(r'"(\w+)": ', inspect.getsource(rule.noted)))

    assert {"consent_waits", "not_discussed", "referrer_unknown"} <= given
    assert given <= set(WARNINGS), given - set(WARNINGS)
    assert [said for said in WARNINGS.values() if not said.endswith(".")] == []


def test_every_sign_has_a_name_that_nobody_made_of_its_code() -> None:
    made = [
        each.code
        for each in vocabularies()["indicator"].codes
        if each.label == each.code.replace("_", " ").capitalize()
    ]

    assert set(made) <= {"physical_abuse", "sexual_abuse"}
