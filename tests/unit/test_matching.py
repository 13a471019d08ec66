"""Who might be the same person: what is offered to a practitioner, and what finds it."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.referral.people.matching import (
    Identity,
    PossibleMatch,
    blocking_keys,
    possible_match,
)
from services.referral.people.normal import normalise
from services.referral.people.placeholders import is_placeholder

BORN = date(2012, 5, 7)
repeatable = settings(derandomize=True)


def someone(name: str = "Aisha Thompson", **changes: object) -> Identity:
    """A person with a synthetic name and birth date."""
    fields: dict[str, object] = {"date_of_birth": BORN}
    return Identity(name, **(fields | changes))  # type: ignore[arg-type]


def found(one: Identity, other: Identity) -> PossibleMatch | None:
    """As in the service: candidates share a key, then the rule looks at them."""
    if not set(blocking_keys(one)) & set(blocking_keys(other)):
        return None
    return possible_match(one, other)


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("  Zoë   O’Brien-Šmíd ", "zoe obrien smid"),
        ("ŁUKASZ Søren Đặng Straße", "lukasz soren dang strasse"),
        ("İpek Işık", "ipek isik"),
        ("Иван Йорданов", "иван иорданов"),
        ("مُحَمَّد", "محمد"),
        ("राम कृष्ण", "राम कृष्ण"),  # vowel signs stay: they are the name
        ("王小明", "王小明"),
        ("김민수", "김민수"),
        ("Ａｉ\u200dｓｈａ", "aisha"),
        ("...", ""),
        ("", ""),
    ],
)
def test_names_are_compared_without_case_accents_and_punctuation(raw: str, plain: str) -> None:
    assert normalise(raw) == plain


@pytest.mark.parametrize(
    ("other", "how"),
    [
        ("AISHA THOMPSON", "exact"),
        ("Thompson, Aisha", "other_order"),
        ("Aysha Thompson", "phonetic"),
        ("Aisha Jane Thompson", "part"),
        ("Aisha", "part"),
        ("Aisha Tomson", "close"),
        ("Aisha Thopmson", "close"),
        ("Thompsen Aisha", "phonetic"),
        ("Thompton Aisha", "close"),
        ("Aishathompson", "close"),
        ("Novak-Tomson Aisha", "close"),
    ],
)
def test_a_near_name_with_the_same_birth_date_is_found(other: str, how: str) -> None:
    match = found(someone(), someone(other))

    assert match is not None
    assert match.explanation == (f"name_{how}", "date_of_birth_exact")


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        ("Muhammad Hussain", "Mohamed Hussein", "phonetic"),
        ("Siân Ní Bhriain", "Sian Ni Bhriain", "exact"),
        ("Мария Иванова", "Мария Ивонова", "close"),
        ("Мария Иванова", "Иванова Мария", "other_order"),
        ("محمد أحمد", "محمد احمد", "exact"),
        ("राम कुमार", "राम कुमर", "close"),
        ("王 小明", "小明 王", "other_order"),
    ],
)
def test_names_in_other_spellings_and_scripts_are_found(one: str, other: str, how: str) -> None:
    match = found(someone(one), someone(other))

    assert match is not None
    assert match.agrees[0] == ("name", how)


@pytest.mark.parametrize(
    ("born", "how"),
    [
        (date(2012, 7, 5), "day_month_swapped"),
        (date(2012, 5, 17), "one_digit_off"),
        (date(2013, 5, 7), "one_digit_off"),
        (date(2021, 5, 7), "digits_swapped"),
        (date(2012, 1, 1), "year_only"),
    ],
)
def test_a_near_birth_date_with_the_same_name_is_found(born: date, how: str) -> None:
    match = found(someone(), someone("Thompson Aisha", date_of_birth=born))

    assert match is not None
    assert match.explanation == ("name_other_order", f"date_of_birth_{how}")


def test_a_typo_in_the_name_and_day_and_month_exchanged_are_found_together() -> None:
    match = found(someone(), someone("Aisha Thompton", date_of_birth=date(2012, 7, 5)))

    assert match is not None
    assert match.explanation == ("name_close", "date_of_birth_day_month_swapped")


def test_two_uncertain_fields_need_the_same_postcode_as_well() -> None:
    near = Identity("Aisha Thompton", date(2012, 5, 17))

    assert found(someone(), near) is None
    match = found(someone(postcode="ZZ99 3VZ"), replace(near, postcode="zz993vz"))

    assert match is not None
    assert match.agrees[-1] == ("postcode", "exact")


def test_the_same_nhs_number_is_shown_even_if_all_else_differs() -> None:
    one = someone(nhs_number="947 671 9931")
    other = someone("Мария Иванова", date_of_birth=date(1999, 12, 31), nhs_number="9476719931")

    match = found(one, other)

    assert match == PossibleMatch((("nhs_number", "exact"),), ("name", "date_of_birth"))


@pytest.mark.parametrize(
    ("number", "how"), [("9476719932", "one_digit_off"), ("9746719931", "digits_swapped")]
)
def test_an_nhs_number_nearly_the_same_needs_one_more_field(number: str, how: str) -> None:
    one = someone(nhs_number="9476719931")
    stranger = Identity("Bela Novak", date(1999, 12, 31), number)

    match = found(one, Identity("Aisha Thompson", None, number))

    assert match is not None
    assert match.explanation == (f"nhs_number_{how}", "name_exact")
    assert found(one, stranger) is None


def test_without_a_birth_date_a_sure_name_needs_the_same_postcode() -> None:
    known = someone(postcode="ZZ99 3VZ")

    assert found(known, Identity("Aisha Thompson")) is None
    assert found(known, Identity("Aisha Thompton", postcode="ZZ99 3VZ")) is None
    assert found(known, Identity("Aysha Thompson", postcode="ZZ99 3VZ")) is not None


@pytest.mark.parametrize(
    "other",
    [
        someone("Bela Novak"),
        someone(date_of_birth=date(2009, 11, 30)),
        Identity("Aisha Thompson"),
        Identity("", BORN),
        Identity("???", BORN),
    ],
)
def test_one_field_alone_is_never_enough(other: Identity) -> None:
    assert possible_match(someone(), other) is None


@pytest.mark.parametrize(
    ("one", "other"), [("Kate Smith", "Catherine Smith"), ("Мария Иванова", "Maria Ivanova")]
)
def test_nicknames_and_names_in_two_scripts_are_not_found_as_documented(
    one: str, other: str
) -> None:
    assert found(someone(one), someone(other)) is None


def test_twins_with_like_names_are_offered_because_a_person_decides() -> None:
    assert found(someone("Jane Smith"), someone("Jake Smith")) is not None


def test_a_match_says_nothing_about_anyone() -> None:
    match = found(someone(nhs_number="9476719931"), someone("Aysha Tomson", nhs_number="1"))

    assert match is not None
    assert match.explanation == ("name_close", "date_of_birth_exact", "nhs_number_differs")


def test_a_person_known_by_name_alone_has_no_keys() -> None:
    assert blocking_keys(Identity("Aisha Thompson")) == ()


def test_the_keys_of_a_person() -> None:
    person = someone(nhs_number="947 671 9931", postcode="ZZ99 3VZ")

    assert blocking_keys(person) == (
        "born:2012-05-07",
        "initials-birthday:at:05-07",
        "nhs-first:94767",
        "nhs-last:19931",
        "nhs:9476719931",
        "sound-place:0MPSN:ZZ993VZ",
        "sound-place:AX:ZZ993VZ",
        "sound-year:0MPSN:2012",
        "sound-year:AX:2012",
    )


names = st.text(st.sampled_from("abcde éłØ'-ßимяمح王म\u0301\u200d1.😀"), max_size=12)
people = st.builds(
    Identity,
    names | st.sampled_from(("Aisha Thompson", "Aysha Tomson")),
    st.none() | st.dates() | st.sampled_from((BORN, date(2012, 7, 5), date(2012, 5, 17))),
    st.sampled_from((None, "", "9476719931", "9476719932", "n/a", "９")),
    st.sampled_from((None, "", "ZZ99 3VZ", "zz993vy")),
)


@repeatable
@given(people, people)
def test_any_two_people_compare_and_it_is_the_same_both_ways(
    one: Identity, other: Identity
) -> None:
    assert possible_match(one, other) == possible_match(other, one)
    assert blocking_keys(one) == blocking_keys(one)


@repeatable
@given(names)
def test_normalising_twice_is_normalising_once(name: str) -> None:
    assert normalise(normalise(name)) == normalise(name)


letters = "abcdefghijklmnopqrstuvwxyz"
words = st.text(st.sampled_from(letters), min_size=3, max_size=9).filter(
    lambda word: not is_placeholder(word)
)


@repeatable
@given(words, words, st.dates(), st.integers(0, 2), st.sampled_from(letters))
def test_one_wrong_letter_in_any_word_is_always_found(
    given_name: str, family: str, born: date, at: int, letter: str
) -> None:
    typo = family[:at] + letter + family[at + 1 :]

    match = found(Identity(f"{given_name} {family}", born), Identity(f"{typo} {given_name}", born))

    assert match is not None


@repeatable
@given(words, words, st.dates())
def test_the_same_name_with_day_and_month_exchanged_is_always_found(
    given_name: str, family: str, born: date
) -> None:
    swapped = born.replace(day=1).replace(month=min(born.day, 12), day=born.month)
    born = swapped.replace(day=1).replace(month=swapped.day, day=swapped.month)

    match = found(
        Identity(f"{given_name} {family}", born), Identity(f"{family} {given_name}", swapped)
    )

    assert match is not None


@pytest.mark.parametrize(
    ("number", "how"),
    [
        ("9476719931", "exact"),
        ("9476719932", "one_digit_off"),
        ("9476719913", "digits_swapped"),
        ("9476719942", None),  # two neighbours, and not exchanged
        ("9476713991", None),  # exchanged, and not neighbours
        ("947671993", None),
    ],
)
def test_a_number_agrees_but_for_one_digit_or_two_neighbours_exchanged(
    number: str, how: str | None
) -> None:
    match = possible_match(someone(nhs_number="9476719931"), someone(nhs_number=number))

    assert match is not None
    assert dict(match.agrees).get("nhs_number") == how
    assert ("nhs_number" in match.differs) is (how is None)


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        ("Tomas", "Lomas", "close"),
        ("Ola", "Ula", "close"),
        ("Tomas", "Lomax", None),  # two letters
        ("Al", "El", None),  # too short to be a slip
    ],
)
def test_a_name_is_close_with_one_letter_wrong_and_not_with_two(
    one: str, other: str, how: str | None
) -> None:
    same: dict[str, object] = {"nhs_number": "9476719931"}

    match = possible_match(someone(one, **same), someone(other, **same))

    assert match is not None
    assert dict(match.agrees).get("name") == how
