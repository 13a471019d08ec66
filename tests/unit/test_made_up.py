"""Whatever somebody makes up of two children, before and between: they are never one by inference."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.referral.documents import SubjectDetails
from services.referral.people.age import age_of
from services.referral.people.deciding import decide_parting, decide_same
from services.referral.people.growing import retell
from services.referral.people.links import join, leave, link, new_subject
from services.referral.people.telling import ANOTHER, Description, choose, describe, fits
from services.referral.sharing.facts import Facts
from services.referral.sharing.subject import Subject

AT = datetime(2026, 11, 27, tzinfo=UTC)
NAMES = ["Alice Bramble", "Bruno Castleton"]
BORN = ["2011-01-05", "2013-09-09"]
NUMBERS = ["9434765919", "9434765870", "9434765897"]  # of each child, and of nobody
Said = dict[str, Any]


def details(said: Said) -> SubjectDetails:
    return SubjectDetails.model_validate({"name": "Unknown", **said})


def told(said: Said) -> Description:
    return describe(details(said), lambda _, *parts: "|".join(parts))


class Network:
    """What intake and corrections make of referrals, in memory."""

    def __init__(self) -> None:
        self.subjects: dict[str, Subject] = {}

    def refer(self, referral_id: str, said: Said) -> None:
        facts = Facts(age=age_of(details(said), AT, AT), described=told(said))
        new = told(said)
        joined = [i for i, s in self.subjects.items() if s.joined]
        known = {i: s.described for i, s in self.subjects.items()}
        if chosen := choose(new, known, joined=joined):
            self.subjects[chosen] = link(self.subjects[chosen], referral_id, facts).after
        else:
            subject_id = f"sub_{referral_id}"
            self.subjects[subject_id] = new_subject(subject_id, referral_id, facts)[0]

    def amend(self, referral_id: str, said: Said) -> None:
        subject = self.of(referral_id)
        change = retell(subject, referral_id, details(said), told(said), AT)
        assert retell(change.after, referral_id, details(said), told(said), AT).events == ()
        self.subjects[subject.id] = change.after

    def same(self, one: str, other: str) -> None:
        mine, theirs = self.of(one), self.of(other)
        if mine.id != theirs.id:
            moving = decide_same(mine, one, other, theirs.id).after
            self.subjects[theirs.id] = join(theirs, moving, list(moving.facts)).after
            del self.subjects[mine.id]

    def part(self, one: str, other: str) -> None:
        old = self.of(one)
        moving = decide_parting(old, one, other, "sub_new").after
        group = list(moving.moving)
        self.subjects["sub_new"] = join(Subject(id="sub_new"), moving, group).after
        self.subjects[old.id] = leave(moving, "sub_new", group, moving.version).after

    def of(self, referral_id: str) -> Subject:
        return next(s for s in self.subjects.values() if referral_id in s.facts)


def made_up() -> st.SearchStrategy[Said]:
    """Any mixture of what is known of the two children, and of what is made up."""
    return st.fixed_dictionaries(
        {"name": st.sampled_from([*NAMES, "Unknown"])},
        optional={
            "known_as": st.sampled_from(NAMES),
            "date_of_birth": st.sampled_from(BORN),
            "nhs_number": st.sampled_from(NUMBERS),
        },
    )


@st.composite
def children(draw: st.DrawFn) -> tuple[Said, Said]:
    """Two children as they are; they may share a birthday or a name, not both."""
    alike = draw(st.sampled_from(["neither", "birthday", "name"]))
    two = []
    for n in (0, 1):
        said: Said = {"name": NAMES[0 if alike == "name" else n]}
        if alike == "name" or draw(st.booleans()):
            said["date_of_birth"] = BORN[0 if alike == "birthday" else n]
        if draw(st.booleans()):
            said["nhs_number"] = NUMBERS[n]
        two.append(said)
    return two[0], two[1]


A, B = ({"name": n, "date_of_birth": b} for n, b in zip(NAMES, BORN, strict=True))
X = {"nhs_number": NUMBERS[2]}
STEPS = st.lists(st.tuples(st.integers(0, 3), made_up()), max_size=6)


@settings(max_examples=200, deadline=None)
@given(children(), STEPS, STEPS, STEPS)
@example((A, B), [], [(0, {**A, **X}), (1, {**B, "known_as": NAMES[0], **X})], [])
@example((A, B), [], [(0, A), (0, B)], [])
@example((A, {**B, "date_of_birth": BORN[0]}), [], [(0, A), (0, {**B, **A, "name": NAMES[1]})], [])
def test_two_children_are_never_one_whatever_is_made_up_of_them(
    two: tuple[Said, Said],
    before: list[tuple[int, Said]],
    between: list[tuple[int, Said]],
    after: list[tuple[int, Said]],
) -> None:
    network, sent = Network(), set()

    def make_up(steps: list[tuple[int, Said]]) -> None:
        for number, said in steps:  # sent for the first time, then amended
            network.amend(f"x_{number}", said) if number in sent else network.refer(
                f"x_{number}", said
            )
            sent.add(number)

    make_up(before)
    network.refer("one", two[0])
    make_up(between)
    network.refer("other", two[1])
    make_up(after)

    assert network.of("one").id != network.of("other").id


@settings(max_examples=200, deadline=None)
@given(STEPS, STEPS, st.integers(0, 3), made_up())
def test_nor_where_a_person_joined_what_was_made_up_with_one_of_them(
    before: list[tuple[int, Said]], after: list[tuple[int, Said]], number: int, last: Said
) -> None:
    """A person takes a referral with details near to those of Alice for hers; it is corrected to
    be Bruno's afterwards, by whoever made it up."""
    network = Network()
    network.refer("one", A)
    sent = {n for n, _ in before}
    for n in sent:
        network.refer(f"x_{n}", {"name": "Alis Bramble", "date_of_birth": BORN[0]})
        network.same(f"x_{n}", "one")
    for n, said in (*after, (number, last)):
        network.amend(f"x_{n}", said) if n in sent else network.refer(f"x_{n}", said)
        sent.add(n)

    network.refer("other", B)

    assert network.of("one").id != network.of("other").id


@pytest.mark.parametrize("goes", ["one", "corrected"])
def test_who_was_corrected_to_be_another_finds_nobody_until_they_are_parted(goes: str) -> None:
    network = Network()
    network.refer("one", A)
    network.refer("corrected", A)
    network.amend("corrected", B)
    network.refer("again", A)
    assert network.of("one").id == network.of("again").id, "the child is found as before"

    network.part(goes, "one" if goes == "corrected" else "corrected")
    for i in ("one", "corrected"):
        subject = network.of(i)
        read = {r: told(B if r == "corrected" else A) for r in subject.undescribed}
        network.subjects[subject.id] = subject.described_by(read)
    network.refer("other", B)

    assert network.of("other").id == network.of("corrected").id != network.of("one").id


def test_two_that_are_read_at_once_and_are_two_describe_nobody() -> None:
    subject = Subject(id="sub_1", facts={"one": Facts(), "other": Facts()})

    half = subject.described_by({"one": told(A)})
    both = subject.described_by({"one": told(A), "other": told(B)})

    assert half == subject, "the other one has to be read first"
    assert both.described == (ANOTHER,)


def test_an_honest_correction_finds_the_child() -> None:
    network = Network()
    network.refer("one", {**A, **X})
    network.refer("corrected", {**A, **X, "name": "Alis Bramble"})
    network.amend("corrected", {**A, **X})
    network.refer("again", A)

    assert len(network.subjects) == 1


def test_who_a_person_joined_is_found_by_either_way_to_say_it() -> None:
    misspelt = {**A, "name": "Alis Bramble"}
    network = Network()
    network.refer("one", A)
    network.refer("misspelt", misspelt)
    network.same("misspelt", "one")

    for number, said in enumerate([A, misspelt, A]):
        network.refer(f"again_{number}", said)
    assert len(network.subjects) == 1
    assert not fits(told(A), [told(A), told(misspelt)]), "nobody said that they are one"
