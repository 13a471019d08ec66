"""Naming a failure without quoting it."""

from shared.errors import Poison
from shared.messaging.failure import reason


def test_a_failure_is_named_by_its_class_and_never_by_its_text() -> None:
    assert reason(ValueError("Jane Doe")) == "ValueError"


def test_poison_is_named_by_our_own_reason_of_bounded_length() -> None:
    assert reason(Poison("not_json")) == "poison:not_json"
    assert len(reason(Poison("x" * 1000))) == 200
