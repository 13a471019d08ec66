"""What a draft may hold: whatever a form has, as it came, up to an end."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.referral.drafts.request import MOST_BYTES, MOST_DEPTH, DraftEntry, written
from services.referral.drafts.rule import MOST_DRAFTS, free_slots
from shared.errors import Refused
from shared.rules.values import MOST

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
numbers = st.integers(-MOST + 1, MOST - 1) | st.floats(-1e15, 1e15)
leaves = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    leaves, lambda v: st.lists(v, max_size=4) | st.dictionaries(texts, v, max_size=4), max_leaves=20
)


def nested(depth: int, *, lists: bool) -> dict[str, Any]:
    inner: Any = 1
    for _ in range(depth - 1):
        inner = [inner] if lists else {"a": inner}
    return {"a": inner}


@given(st.dictionaries(texts, values, max_size=5))
def test_what_can_be_kept_comes_back_as_it_was_sent(answers: dict[str, Any]) -> None:
    kept = DraftEntry.model_validate({"answers": answers}).answers

    back = json.loads(written(kept))
    assert written(back) == written(answers)
    assert repr(back) == repr(answers)


@pytest.mark.parametrize("lists", [True, False])
def test_it_has_so_many_levels_and_no_more(lists: bool) -> None:
    assert DraftEntry(answers=nested(MOST_DEPTH, lists=lists)).answers

    with pytest.raises(ValidationError):
        DraftEntry(answers=nested(MOST_DEPTH + 1, lists=lists))


@pytest.mark.parametrize("character", ["x", "é", "€", "😀", '"', "\n", "\x00"])
def test_it_is_as_large_as_its_json_is(character: str) -> None:
    each = len(json.dumps(character, ensure_ascii=False).encode()) - 2
    room = MOST_BYTES - len(b'{"a":""}')
    fits = character * (room // each) + "x" * (room % each)

    assert DraftEntry(answers={"a": fits}).answers == {"a": fits}
    with pytest.raises(ValidationError):
        DraftEntry(answers={"a": fits + "x"})


@pytest.mark.parametrize(
    "answers",
    [
        None,
        [],
        "text",
        {"a": "\ud800"},
        {"\udfff": 1},
        {"a": [{"b": "x\udc00"}]},
        {"a": MOST},
        {"a": [-MOST]},
        {"a": 1e300},
        {"a": math.nan},
        {"a": -math.inf},
    ],
)
def test_what_cant_be_given_back_is_refused_and_never_quoted(answers: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        DraftEntry.model_validate({"answers": answers})

    assert [error["loc"] for error in refused.value.errors()] == [("answers",)]
    assert "input_value" not in str(refused.value)


def test_an_account_has_so_many_places() -> None:
    for taken in range(MOST_DRAFTS):
        assert free_slots(range(taken)) == list(range(taken, MOST_DRAFTS))

    with pytest.raises(Refused) as refused:
        free_slots(range(MOST_DRAFTS))
    assert refused.value.code == "too_many_drafts"
