"""What a young person reads is easy to read, and whatever they write is a referral that is taken."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData

from services.referral.intake.request import ReceiveReferral
from services.web.visit import Form
from services.web.young.asking import FIELDS, referral, said, wrong
from tests.harness.template import ROOT

PAGES = sorted((ROOT / "services" / "web" / "templates" / "young").glob("*.html"))
KEY = f"you_{'0' * 32}"
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.just("x" * 30_000)
CHANNELS = ("text", "phone", "email", "in_person", "through_school", "through_adult")


@given(
    st.fixed_dictionaries(
        {name: WORDS for name in FIELDS if name not in ("urgency", "tell_parents")}
    ),
    st.sampled_from(["now", "today", "soon"]),
    st.sampled_from(["", "yes", "no", "not_asked"]),
    st.lists(st.sampled_from(CHANNELS), max_size=6),
    st.integers(0, 25).map(str) | st.sampled_from(["", "0" * 5000, "0025" + "9" * 40]),
)
def test_what_they_write_is_taken(
    words: dict[str, str], soon: str, parents: str, channels: list[str], age: str
) -> None:
    answers = said(_form({**words, "age": age, "urgency": soon, "tell_parents": parents}, channels))
    if wrong(answers):
        return  # nothing said of what goes on, or of where

    ReceiveReferral.model_validate(referral(answers, KEY))


@given(st.dictionaries(st.sampled_from(FIELDS), WORDS))
def test_nothing_that_they_write_breaks_the_page(words: dict[str, str]) -> None:
    wrong(said(_form(words, [])))


def _form(words: dict[str, str], channels: list[str]) -> Form:
    fields: list[tuple[str, Any]] = [*words.items(), *(("channels", each) for each in channels)]
    return Form(FormData(fields))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_it_is_easy_to_read(page: Any) -> None:
    """Grade 4 to 5 (9 to 11 years) by the formula of Kincaid, Fishburne, Rogers and Chissom (1975)."""
    sentences = _sentences(page.read_text("utf-8"))
    words = [word for sentence in sentences for word in re.findall(r"[A-Za-z’']+", sentence)]

    grade = (
        0.39 * len(words) / len(sentences) + 11.8 * sum(map(_syllables, words)) / len(words) - 15.59
    )

    assert grade < 5, f"{page.name}: grade {grade:.1f}"
    assert max(len(sentence.split()) for sentence in sentences) <= 25


def _sentences(template: str) -> list[str]:
    # The hints and questions in calls of macros are read, too; the names of codes are not.
    said = re.findall(r'"([^"{}]*[ ][^"{}]*)"', template)
    text = re.sub(r"{[{%].*?[%}]}|<[^>]+>", " ", template, flags=re.DOTALL)
    found = [part.strip() for part in re.split(r"[.?!:]\s|\n", ". ".join([text, *said]))]
    return [part for part in found if len(part.split()) > 2]


def _syllables(word: str) -> int:
    """About how many: groups of vowels, without a silent e."""
    groups = len(re.findall(r"[aeiouy]+", re.sub(r"e\b", "", word.lower())))
    return max(1, groups)
