"""What a report mentions is found again, however somebody wrote it; and what differs is not."""

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.referral.intelligence.normal import (
    VALUES,
    Key,
    MentionKind,
    account,
    called,
    house,
    keys_of,
    phone,
    plate,
)

repeatable = settings(derandomize=True)
MOBILES = st.from_regex(r"7[1-57-9][0-9]{8}", fullmatch=True)
LETTERS = "ABCDEFGHJKLMNPRSTUVWXY"
PLATES = st.builds(
    lambda a, n, b: f"{a}{n}{b}",
    st.text(LETTERS, min_size=2, max_size=2),
    st.from_regex(r"[0-9]{2}", fullmatch=True),
    st.text(LETTERS, min_size=3, max_size=3),
)
HANDLES = st.from_regex(r"[a-z][a-z0-9_]{2,14}", fullmatch=True)
ANY = st.text(max_size=30)
NAMES = sorted({name for names in VALUES.values() for name in names})


def certain(kind: MentionKind, **values: str) -> set[Key]:
    return {key for key in keys_of(kind, values) if key.strength == "certain"}


def possible(kind: MentionKind, **values: str) -> set[Key]:
    return {key for key in keys_of(kind, values) if key.strength == "possible"}


def together(one: set[Key], other: set[Key]) -> bool:
    return bool(one & other)


@repeatable
@given(MOBILES, st.sampled_from(["0{}", "+44{}", "0044 {}", "+44 (0){}", "44{}"]), st.data())
def test_every_way_to_write_a_number_is_one_number(
    national: str, way: str, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(2, 8))
    gap = data.draw(st.sampled_from(["", " ", "-", ".", "\u00a0"]))
    written = way.format(national[:cut] + gap + national[cut:])

    assert certain("phone", number=written) == {Key("phone", "certain", f"+44{national}")}


@repeatable
@given(MOBILES, MOBILES)
def test_two_numbers_are_two(one: str, other: str) -> None:
    assert together(certain("phone", number="0" + one), certain("phone", number="0" + other)) == (
        one == other
    )


def test_the_end_of_a_number_is_no_certain_one() -> None:
    assert not certain("phone", number="900123")
    assert possible("phone", number="900123")
    assert not keys_of("phone", {"number": "999"})
    assert not keys_of("phone", {"number": "no idea"})
    assert certain("phone", number="+1 202 555 0123") == {Key("phone", "certain", "+12025550123")}
    assert certain("phone", number="07700 900123 ext 4") == certain("phone", number="07700900123")


@repeatable
@given(PLATES, st.integers(0, 7), st.sampled_from([" ", "-", ".", "\u2009"]))
def test_a_plate_is_found_with_any_gap_and_case(seen: str, cut: int, gap: str) -> None:
    written = (seen[:cut] + gap + seen[cut:]).lower()

    assert certain("vehicle", registration=written) == {Key("vehicle", "certain", seen)}


@repeatable
@given(PLATES, PLATES)
def test_two_plates_are_two(one: str, other: str) -> None:
    keys = set(keys_of("vehicle", {"registration": one}))
    assert together(keys, set(keys_of("vehicle", {"registration": other}))) == (one == other)


@pytest.mark.parametrize(("one", "other"), [("AO10 BCD", "A010 BCD"), ("AB1I XYZ", "AB11 XYZ")])
def test_letters_that_look_like_digits_meet_as_possible(one: str, other: str) -> None:
    first, second = (keys_of("vehicle", {"registration": seen}) for seen in (one, other))
    both = set(first) & set(second)

    assert {key.strength for key in both} == {"possible"}


def test_a_plate_of_another_country_is_possible_at_most() -> None:
    assert not certain("vehicle", registration="1-ABC-234")
    assert possible("vehicle", registration="1-ABC-234")
    assert not keys_of("vehicle", {"registration": "AB"})
    assert not keys_of("vehicle", {"registration": "blue, no idea of the number"})


@repeatable
@given(HANDLES)
def test_a_handle_is_one_with_and_without_its_address(handle: str) -> None:
    expected = {Key("handle", "certain", f"instagram {handle}")}
    ways = [
        {"platform": "Instagram", "handle": f"@{handle}"},
        {"platform": "insta", "handle": handle.upper()},
        {"handle": f"https://www.instagram.com/{handle}/?igsh=abc"},
        {"handle": f"instagram.com/{handle}"},
    ]

    assert [certain("online_handle", **way) for way in ways] == [expected] * len(ways)


def test_the_same_handle_elsewhere_is_a_possible_one() -> None:
    one = keys_of("online_handle", {"platform": "snap", "handle": "@Night.Owl_7"})
    other = keys_of("online_handle", {"platform": "TikTok", "handle": "night.owl_7"})

    assert set(one) & set(other) == {Key("handle", "possible", "night.owl_7")}


def test_a_messenger_account_by_its_number_is_that_phone() -> None:
    assert keys_of("online_handle", {"platform": "WhatsApp", "handle": "07700 900123"}) == keys_of(
        "phone", {"number": "+447700900123"}
    )


@pytest.mark.parametrize(
    "number", ["Flat 2, 10a", "flat 2 10 A", "2, 10A", "FLAT 2 / 10a"], ids=str
)
def test_a_house_is_one_however_its_number_is_written(number: str) -> None:
    said = certain("place", number=number, postcode="zz9 9zz")

    assert said == certain("business", number="Flat 2, 10A", postcode="ZZ99ZZ")
    assert said != certain("place", number="10a", postcode="ZZ9 9ZZ")
    assert said


def test_a_hotel_is_possibly_the_one_of_that_name_in_the_town() -> None:
    one = keys_of("place", {"name": "The Synthetic Inn", "town": "Testham"})
    other = keys_of("business", {"name": "synthetic inn", "town": "TESTHAM", "postcode": "ZZ99ZZ"})

    assert {key.strength for key in set(one) & set(other)} == {"possible"}
    assert not keys_of("place", {"name": "The Synthetic Inn"})
    assert not keys_of("place", {"postcode": "ZZ9 9ZZ"}), "a street is not a place"


def test_names_meet_by_sound_and_never_for_certain() -> None:
    one = keys_of("person", {"name": "Katherine Testerson", "nickname": "Kitty"})

    assert {key.strength for key in one} == {"possible"}
    assert set(one) & set(keys_of("person", {"name": "Testersen, Catherine"}))
    assert set(one) & set(keys_of("person", {"nickname": "KITTY"}))
    assert not set(one) & set(keys_of("person", {"name": "Somebody Else"}))
    assert not keys_of("person", {"name": "Unknown", "nickname": "?"})
    assert called("T1") != called("T2")


@repeatable
@given(st.sampled_from(sorted(VALUES)), st.dictionaries(st.sampled_from(NAMES), ANY))
def test_whatever_is_written_has_few_keys_and_always_the_same(
    kind: MentionKind, values: dict[str, str]
) -> None:
    keys = keys_of(kind, values)

    assert keys == keys_of(kind, {name: f"  {value}\t" for name, value in values.items()})
    assert len(keys) <= 3
    assert all(key.text.strip() for key in keys)


@repeatable
@given(ANY, ANY)
def test_normalising_twice_is_once(one: str, other: str) -> None:
    assert plate(plate(one)) == plate(one)
    assert house(house(one)) == house(one)
    assert account(*account(one, other)) == account(one, other)
    if found := phone(one):
        assert phone(found[0]) == found


@repeatable
@given(st.text(string.digits + "+ ()-", max_size=20))
def test_a_number_is_written_as_digits_alone(number: str) -> None:
    if found := phone(number):
        assert re.fullmatch(r"\+[0-9]{7,18}", found[0])
        assert phone(found[0]) == found
