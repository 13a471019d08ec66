"""Two children are never one by inference: what links, what forbids it, in whatever order."""

from datetime import date
from itertools import combinations, permutations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.documents import SubjectDetails
from services.referral.intake.facts import doubts
from services.referral.people.links import SomebodyElse, link, new_subject
from services.referral.people.placeholders import is_placeholder
from services.referral.people.places import postcode_in
from services.referral.people.telling import (
    MANY,
    Description,
    agree,
    choose,
    contradictions,
    describe,
    fits,
)
from services.referral.sharing.subject import Subject
from tests.harness.cases import every_case
from tests.harness.young_people import SAID_AT, aged

ONE_NUMBER, OTHER_NUMBER = "9434765919", "9434765870"


def child(**changes: Any) -> Description:
    """A description of a synthetic child; the values themselves instead of hashes."""
    known: dict[str, Any] = {"name": "Sample Child", "date_of_birth": date(2012, 5, 17)}
    details = SubjectDetails.model_validate({**known, **changes})
    return describe(details, lambda _, *parts: "|".join(parts))


def test_two_boys_alike_with_numbers_of_their_own_are_two() -> None:
    one = child(nhs_number=ONE_NUMBER, gender="male", address="1 Sample Row, ZZ99 3VZ")
    other = child(nhs_number=OTHER_NUMBER, gender="female", address="9 Other Row, ZZ99 4AA")

    assert agree(one, other)
    assert contradictions(one, other) == ("nhs_number", "gender")
    assert choose(other, {"sub_1": (one,)}) is None


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ({}, {}, ()),
        ({"nhs_number": ONE_NUMBER}, {}, ()),
        ({"nhs_number": ONE_NUMBER}, {"nhs_number": "943 476 5919"}, ()),
        ({"nhs_number": ONE_NUMBER}, {"nhs_number": "9434765918"}, ()),  # no number of anybody
        ({"nhs_number": ONE_NUMBER}, {"nhs_number": OTHER_NUMBER}, ("nhs_number",)),
        ({"gender": "male"}, {"gender": "female"}, ()),
        ({"gender": "male"}, {"gender": "not_known", "school": "B"}, ()),
        ({"address": "1 Row"}, {"address": "2 Row"}, ()),
        ({"gender": "male", "address": "1 Row"}, {"gender": "female", "address": "1, row"}, ()),
        ({"gender": "male", "address": "1 Row"}, {"gender": "female"}, ()),
        (
            {"gender": "male", "address": "1 Row, ZZ99 3VZ"},
            {"gender": "female", "address": "1 The Row zz993vz"},
            (),
        ),
        (
            {"gender": "male", "address": "1 Row"},
            {"gender": "female", "address": "2 Row"},
            ("gender",),
        ),
        ({"gender": "male", "school": "A"}, {"gender": "female", "school": "B"}, ("gender",)),
        ({"gender": "male"}, {"gender": "other", "name": "Another Name"}, ("gender",)),
        (
            {"nhs_number": ONE_NUMBER},
            {"nhs_number": ONE_NUMBER, "name": "Another Name", "date_of_birth": "2009-08-07"},
            ("number_of_another",),
        ),
        (
            {"nhs_number": ONE_NUMBER},
            {
                "nhs_number": ONE_NUMBER,
                "name": "Another Name",
                "known_as": "Sample Child",
                "date_of_birth": "2009-08-07",
            },
            ("number_of_another",),
        ),
        (
            {"nhs_number": ONE_NUMBER},
            {"nhs_number": ONE_NUMBER, "name": "Another Name", "known_as": "Sample Child"},
            (),
        ),
    ],
)
def test_what_contradicts(
    one: dict[str, Any], other: dict[str, Any], found: tuple[str, ...]
) -> None:
    assert contradictions(child(**one), child(**other)) == found
    assert contradictions(child(**other), child(**one)) == found


@pytest.mark.parametrize(
    ("one", "other", "enough"),
    [
        ({}, {"name": "  sämple   CHILD"}, True),
        ({}, {"name": "Sample-Child"}, True),
        ({}, {"name": "Child Sample"}, False),
        ({}, {"date_of_birth": None}, False),
        ({"date_of_birth": None}, {"date_of_birth": None}, False),
        ({"name": "Sample"}, {"name": "Sample"}, False),  # half of a name
        ({"date_of_birth": "2012-01-01"}, {"date_of_birth": "2012-01-01"}, False),  # a guess
        ({"known_as": "Sam Child"}, {"name": "Sam Child"}, False),
        ({"known_as": "Sam Child", "name": "A Bee"}, {"known_as": "Sam Child"}, False),
        ({"nhs_number": ONE_NUMBER}, {"nhs_number": ONE_NUMBER, "name": "Other Name"}, True),
        ({"nhs_number": ONE_NUMBER}, {"nhs_number": ONE_NUMBER, "date_of_birth": None}, True),
        (
            {"nhs_number": ONE_NUMBER, "known_as": "Sam"},
            {"nhs_number": ONE_NUMBER, "name": "Sam", "date_of_birth": None},
            True,
        ),
        (
            {"nhs_number": ONE_NUMBER},
            {"nhs_number": ONE_NUMBER, "name": "Unknown", "date_of_birth": None},
            False,
        ),
        (
            {"nhs_number": ONE_NUMBER},
            {"nhs_number": ONE_NUMBER, "name": "Other Name", "date_of_birth": None},
            False,
        ),
    ],
)
def test_what_is_enough_to_link(one: dict[str, Any], other: dict[str, Any], enough: bool) -> None:
    assert agree(child(**one), child(**other)) is enough
    assert agree(child(**other), child(**one)) is enough


NOBODY = [
    "Unknown", "UNKNOWN", "ünknówn", "Not known", "not-known", "N/A", "n.a.", "Baby", "Baby Smith",
    "Baby boy", "Child", "CHILD 2", "Child B", "Young person", "Young Person A", "X", "é", "-", "...",
    " ", "?", "12", "A B", "John Unknown", "Unknown Unknown", "TBC", "Ｕｎｋｎｏｗｎ", "\u200b", "王",
]  # fmt: skip


@every_case(product(NOBODY, ["2012-05-17", "2012-01-01", "1900-01-01", "1970-01-01"]))
def test_a_name_that_means_nobody_links_nobody(name: str, born: str) -> None:
    one = child(name=name, date_of_birth=born)

    assert is_placeholder(name)
    assert not agree(one, one)
    assert choose(one, {"sub_1": (one,)}) is None
    details = SubjectDetails.model_validate({"name": name, "date_of_birth": born})
    found = doubts(details, SAID_AT)
    assert "name_unknown" in found
    assert ("date_of_birth_uncertain" in found) is born.endswith("-01-01")


@pytest.mark.parametrize(
    "name", ["Sample Child", "Child Sample", "Xi Li", "Jo A", "王 小", "Ali Noname", "Mina Not"]
)
def test_a_name_of_somebody_is_none_of_those(name: str) -> None:
    assert not is_placeholder(name)
    assert agree(child(name=name), child(name=name))


@pytest.mark.parametrize(
    ("address", "postcode"),
    [
        ("1 Row, Town, ZZ99 3VZ", "ZZ993VZ"),
        ("zz993vz", "ZZ993VZ"),
        ("SW1A 1AA c/o M1 1AE", "M11AE"),
        ("1 Row", None),
        ("", None),
        (None, None),
    ],
)
def test_an_address_tells_its_postcode(address: str | None, postcode: str | None) -> None:
    assert postcode_in(address) == postcode


children = st.fixed_dictionaries(
    {"name": st.sampled_from(["Sample Child", "sample  chïld", "Other Child", "Unknown", "X"])},
    optional={
        "date_of_birth": st.sampled_from(["2012-05-17", "2011-03-04", "2012-01-01"]),
        "nhs_number": st.sampled_from([ONE_NUMBER, OTHER_NUMBER, "9434765918"]),
        "gender": st.sampled_from(["male", "female", "not_asked", "declined"]),
        "address": st.sampled_from(["1 Row, ZZ99 3VZ", "2 Row, ZZ99 4AA", "3 Row"]),
        "school": st.sampled_from(["School A", "School B"]),
        "known_as": st.sampled_from(["Sample Child", "Sam", "Other Child"]),
    },
).map(lambda known: child(**{"date_of_birth": None, **known}))


@given(children, children)
def test_two_are_linked_if_and_only_if_enough_agrees_and_nothing_contradicts(
    one: Description, other: Description
) -> None:
    linked = choose(one, {"sub_1": (other,)}) is not None

    assert linked is (agree(one, other) and not contradictions(one, other))
    assert linked is (choose(other, {"sub_1": (one,)}) is not None)
    assert agree(one, other) is agree(other, one)
    assert contradictions(one, other) == contradictions(other, one)


@given(st.lists(children, min_size=3, max_size=4))
def test_no_chain_joins_two_that_contradict_each_other(lives: list[Description]) -> None:
    for order in permutations(lives):
        subjects: dict[str, Subject] = {}
        told: dict[str, list[Description]] = {}
        for number, one in enumerate(order):
            referral = f"ref_{number}"
            found = choose(one, {i: s.described for i, s in subjects.items()})
            told.setdefault(found or f"sub_{number}", []).append(one)
            subjects[found or f"sub_{number}"] = (
                link(subjects[found], referral, aged("not_known", one)).after
                if found
                else new_subject(f"sub_{number}", referral, aged("not_known", one))[0]
            )

        for one, other in (pair for each in told.values() for pair in combinations(each, 2)):
            assert contradictions(one, other) == ()
        assert all(set(told[i]) == set(s.described) for i, s in subjects.items())


@given(st.lists(children, min_size=1, max_size=3), children)
def test_a_link_is_refused_when_somebody_who_does_not_fit_came_in_between(
    known: list[Description], one: Description
) -> None:
    ids = [f"ref_{number}" for number in range(1, len(known) + 1)]
    facts = {i: aged("not_known", each) for i, each in zip(ids, known, strict=True)}
    subject = Subject(id="sub_1", facts=facts)

    if fits(one, known):
        linked = link(subject, "ref_9", aged("not_known", one)).after
        assert linked.referral_ids == (*ids, "ref_9")
    else:
        with pytest.raises(SomebodyElse):
            link(subject, "ref_9", aged("not_known", one))
    assert link(subject, "ref_1", aged("not_known", one)).after == subject


def test_of_several_who_fit_the_number_decides_and_else_nobody() -> None:
    numbered, bare = child(nhs_number=ONE_NUMBER), child()
    other = child(nhs_number=OTHER_NUMBER)

    assert choose(numbered, {"sub_1": (bare,), "sub_2": (numbered,)}) == "sub_2"
    assert choose(bare, {"sub_1": (numbered,), "sub_2": (other,)}) is None
    assert choose(other, {"sub_1": (numbered,), "sub_2": (other,)}) == "sub_2"
    assert choose(bare, {}) is None
    assert choose(bare, {"sub_1": ()}) is None


def test_who_is_described_in_very_many_ways_is_for_people_to_tell() -> None:
    known = [child(school=f"School {n}") for n in range(MANY)]

    assert fits(known[0], known)
    assert not fits(child(school="Another"), known)
    assert fits(child(school="Another"), known[1:])
