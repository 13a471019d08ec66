"""With which Hub a referral is, by what its entries are found by: the last that says so counts."""

import random

from services.audit.access import OF_CASES, TRANSFERRED, has_case

OURS, THEIRS = "hub:hub_1", "hub:hub_2"
ANY = (OURS, THEIRS, "recipient:hub_1", f"type:{TRANSFERRED}", *sorted(OF_CASES)[:3], "type:other")


def newest(about: list[frozenset[str]], types: set[str]) -> frozenset[str] | None:
    return next((keys for keys in reversed(about) if not keys.isdisjoint(types)), None)


def test_a_hub_has_what_names_it_unless_the_last_word_is_of_another() -> None:
    held = 0
    for _ in range(5_000):
        dice = random.Random(random.random())
        about = [frozenset(dice.sample(ANY, dice.randint(1, 4))) for _ in range(dice.randint(0, 5))]
        named = any(OURS in keys and "recipient:hub_1" not in keys for keys in about)
        last = newest(about, {f"type:{TRANSFERRED}"}) or newest(about, {*OF_CASES})
        expected = named and (last is None or OURS in last)
        held += expected

        assert has_case(about, "hub_1") == expected
    assert held > 500


def test_of_a_referral_that_is_not_there_no_hub_has_anything() -> None:
    assert not has_case([], "hub_1")
