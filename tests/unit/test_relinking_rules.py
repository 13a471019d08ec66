"""Joining and parting: nothing that was recorded is lost on the way, or stays where it is not theirs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import permutations
from time import perf_counter
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.referral.people.age import Age
from services.referral.people.deciding import (
    decide_different,
    decide_parting,
    decide_same,
    kept_apart,
    parting,
)
from services.referral.people.links import SomebodyElse, fits_in, join, leave, link
from services.referral.people.telling import Description, choose
from services.referral.sharing.facts import Facts, Marked, ServiceAnswer, merged, sharing_of
from services.referral.sharing.marking import mark_safety
from services.referral.sharing.rule import (
    end_basis,
    record_basis,
    record_consent,
    record_service_agreement,
)
from services.referral.sharing.subject import Subject
from shared.errors import Outage, Refused
from shared.events.codes import AgeBand
from shared.events.subject import SubjectRelinked
from shared.rules.sharing import Basis, Consent, SharingState
from shared.storage.records import Change
from tests.harness.young_people import aged, young_person
from tests.unit.test_referral_rules import AT
from tests.unit.test_subjects import basis, consent, unsafe

Say = Callable[[Subject], Change[Subject]]
REFUSED = consent(status="refused", gillick_competent=None)


@dataclass
class Stored:
    """Young people as the store keeps them, and whom each referral points to."""

    subjects: dict[str, Subject]
    points_to: dict[str, str] = field(default_factory=dict)

    def change(self, subject_id: str, rule: Say) -> Subject:
        before = self.subjects.get(subject_id, Subject(id=subject_id))
        change = rule(before)
        after = change.after.but(version=before.version + len(change.events))
        self.subjects[subject_id] = after
        return after

    def move(self, leaving: str, between: Callable[[], bool] = lambda: False) -> None:
        """As `relinking.relink`; `between` its steps something happens, or (True) the process dies
        and another begins."""
        while (old := self.subjects[leaving]).moving:
            joining = next(iter(old.moving.values()))
            group = [i for i, to in old.moving.items() if to == joining]
            if between():
                continue
            self.change(joining, lambda s: join(s, old, group))  # noqa: B023
            if between():
                continue
            self.points_to |= dict.fromkeys(group, joining)
            if between():
                continue
            self.change(leaving, lambda s: leave(s, joining, group, old.version))  # noqa: B023

    def same(self, one: str, other: str) -> None:
        mine, theirs = self.points_to[one], self.points_to[other]
        self.change(mine, lambda s: decide_same(s, one, other, theirs))
        self.move(mine)

    def different(self, one: str, other: str) -> None:
        mine = self.points_to[one]
        assert mine == self.points_to[other]
        new = f"sub_new_{len(self.subjects)}"
        self.change(mine, lambda s: decide_parting(s, one, other, new))
        self.move(mine)

    def recorded(self) -> dict[str, dict[str, Facts]]:
        """Every stored fact of everybody who has any, but for who was told apart."""
        return {
            i: {r: f.but(apart=()) for r, f in s.facts.items()}
            for i, s in self.subjects.items()
            if s.facts
        }


def stored(*subjects: Subject) -> Stored:
    by_id = {s.id: s.but(version=1) for s in subjects}
    return Stored(by_id, {r: s.id for s in subjects for r in s.facts})


def moving() -> Stored:
    old = record_basis(young_person(), "ref_1", "bas_0", basis(), by="worker:w", sealed={}, at=AT)
    made = stored(old.after, young_person("sub_2", "ref_2"))
    made.change("sub_1", lambda s: decide_same(s, "ref_1", "ref_2", "sub_2"))
    return made


def sayings(number: int, kind: str) -> Say:
    """Something recorded through the referral that moves."""
    at = AT + timedelta(minutes=number)
    sealed = {f"ref_1/bas_{number}/reason": b"sealed"}
    return {
        "consent": lambda s: record_consent(
            s, "ref_1", f"con_{number}", REFUSED, at, by="agency:ag_0"
        ),
        "basis": lambda s: record_basis(
            s, "ref_1", f"bas_{number}", basis(), by="worker:w", sealed=sealed, at=at
        ),
        "end": lambda s: end_basis(s, "ref_1", "bas_0", at),
        "mark": lambda s: mark_safety(s, "ref_1", unsafe(f"ag_{number}"), at),
        "service": lambda s: record_service_agreement(s, "ref_1", "declined", at),
    }[kind]


KINDS = ["consent", "basis", "end", "mark", "service"]


@given(
    said=st.lists(st.tuples(st.integers(0, 12), st.sampled_from(KINDS)), max_size=6),
    deaths=st.sets(st.integers(0, 12), max_size=4),
)
def test_whatever_is_said_between_the_steps_ends_where_the_referral_is(
    said: list[tuple[int, str]], deaths: set[int]
) -> None:
    made, step = moving(), 0
    due = {number: sayings(number, kind) for number, kind in said}
    expected = made.subjects["sub_1"]

    def between() -> bool:
        nonlocal step, expected
        step += 1
        if rule := due.pop(step, None):
            made.change(made.points_to["ref_1"], rule)
            expected = rule(expected).after
        return step in deaths

    made.move("sub_1", between)

    after = made.subjects["sub_2"]
    assert made.subjects["sub_1"].facts == {}
    assert set(after.facts) == {"ref_1", "ref_2"}
    arrived, known = after.facts["ref_1"], expected.facts["ref_1"]
    assert arrived.but(came_from=(), marks=(), service=None) == known.but(marks=(), service=None)
    assert set(arrived.marks) == set(known.marks)
    assert after.service_agreement == expected.service_agreement
    assert arrived.came_from == ("sub_1",)


def test_nothing_is_said_to_the_one_whom_the_referral_has_left() -> None:
    for kind in KINDS:
        with pytest.raises(Outage):
            sayings(1, kind)(young_person("sub_1", "ref_2"))


BANDS: tuple[AgeBand, ...] = get_args(AgeBand)
TIMES = st.integers(0, 9).map(lambda n: AT + timedelta(hours=n))
AGES = st.builds(
    Age,
    source=st.sampled_from(["exact", "estimated"]),
    said_at=TIMES,
    reached=st.dictionaries(st.sampled_from([b for b in BANDS if b != "not_known"]), TIMES),
    ahead=st.booleans(),
)
MARKS = st.builds(
    Marked, name=st.sampled_from(["agency:ag_1", "worker:wk_1"]), unsafe=st.booleans(), at=TIMES
)
SERVICE = st.builds(
    ServiceAnswer, agreed=st.sampled_from(["agreed", "declined", "not_asked"]), at=TIMES
)


@st.composite
def facts(draw: st.DrawFn, referral_id: str) -> Facts:
    """What may have been recorded through a referral."""
    said: dict[str, Any] = {"categories": ("existence",), "given_by": "parent", "valid_from": AT}
    consents = tuple(
        Consent(id=f"con_{referral_id}_{n}", status=draw(st.sampled_from(["given", "refused"])),
                recorded_at=draw(TIMES), **said)
        for n in range(draw(st.integers(0, 2)))
    )  # fmt: skip
    bases = tuple(
        Basis(
            id=f"bas_{referral_id}_{n}", basis="public_task", agency_ids=("ag_1",),
            categories=("existence",), decided_by="worker:w", decided_at=draw(TIMES),
            review_at=AT + timedelta(days=9), ended_at=draw(st.none() | TIMES),
        )
        for n in range(draw(st.integers(0, 2)))
    )  # fmt: skip
    return Facts(
        age=draw(st.none() | AGES),
        described=draw(st.none() | st.just(Description(name=referral_id))),
        consents=consents,
        bases=bases,
        marks=tuple(draw(st.lists(MARKS, max_size=3))),
        service=draw(st.none() | SERVICE),
        sealed_reasons={f"{referral_id}/reason": b"sealed"} if bases else {},
    )


@st.composite
def young_people(draw: st.DrawFn) -> Stored:
    """Two to four young people with up to three referrals each."""
    subjects = []
    for number in range(draw(st.integers(2, 4))):
        ids = [f"ref_{number}{n}" for n in range(draw(st.integers(1, 3)))]
        subjects.append(Subject(id=f"sub_{number}", facts={i: draw(facts(i)) for i in ids}))
    return stored(*subjects)


@settings(max_examples=100, deadline=None)
@given(young_people(), st.data())
def test_joining_and_then_parting_is_the_identity_on_every_stored_fact(
    made: Stored, data: st.DataObject
) -> None:
    """However many are joined, one after the other: each parting undoes one joining."""
    before = [made.recorded()]
    pairs: list[tuple[str, str]] = []
    for _ in range(data.draw(st.integers(1, 3))):
        ids = sorted(made.points_to)
        one, other = data.draw(st.sampled_from(ids)), data.draw(st.sampled_from(ids))
        if made.points_to[one] != made.points_to[other]:
            made.same(one, other)
            pairs.append((one, other))
            before.append(made.recorded())

    for pair in reversed(pairs):
        assert made.recorded() == before.pop()
        made.different(*data.draw(st.permutations(pair)))

    assert made.recorded() == before.pop()
    for subject in made.subjects.values():
        assert (subject.moving, set(subject.facts)) == (
            {}, {r for r, i in made.points_to.items() if i == subject.id}
        )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.tuples(*(facts(f"ref_{n}") for n in range(3))))
def test_what_holds_does_not_depend_on_the_order_of_the_referrals(told: tuple[Facts, ...]) -> None:
    def held(order: tuple[Facts, ...]) -> tuple[SharingState, tuple[str, ...], str]:
        one = Subject(id="sub_1", facts={str(n): f for n, f in enumerate(order)})
        return one.sharing, one.unsafe, one.service_agreement

    assert len({repr(held(order)) for order in permutations(told)}) <= 1


@st.composite
def copies(draw: st.DrawFn) -> list[Facts]:
    """The facts of one referral, as three copies that were each added to."""
    whole = draw(facts("ref_1"))

    def some(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(item for item in items if draw(st.booleans()))

    return [
        whole.but(
            consents=some(whole.consents),
            bases=tuple(
                b.model_copy(update={"ended_at": None}) if draw(st.booleans()) else b
                for b in some(whole.bases)
            ),
            marks=some(whole.marks),
            service=draw(st.none() | SERVICE),
            age=draw(st.none() | AGES),
        )
        for _ in range(3)
    ]


@settings(max_examples=60, deadline=None)
@given(copies())
def test_copies_of_one_referral_come_together_in_any_order(three: list[Facts]) -> None:
    a, b, c = three
    assert merged(a, b) == merged(b, a)
    assert merged(merged(a, b), c).but(described=None) == (
        merged(a, merged(b, c)).but(described=None)
    )
    once = merged(a, a)
    assert merged(once, a) == once
    assert sharing_of([once]) == sharing_of([a])


def test_a_later_service_agreement_counts_and_what_was_declined_stays_so_when_joined() -> None:
    declined = record_service_agreement(young_person(), "ref_1", "declined", AT).after
    asked_never = young_person("sub_2", "ref_2")
    agreed = record_service_agreement(asked_never, "ref_2", "agreed", AT - timedelta(days=1)).after

    for other in (asked_never, agreed):
        joined = join(other, declined, ["ref_1"]).after
        assert joined.service_agreement == "declined"
        later = record_service_agreement(joined, "ref_2", "agreed", AT - timedelta(days=2)).after
        assert later.service_agreement == "agreed", "said later, by a clock that is behind"
        not_asked = record_service_agreement(joined, "ref_2", "not_asked", AT).after
        assert not_asked.service_agreement == "declined"


def test_each_goes_back_with_what_was_recorded_through_its_own_referrals() -> None:
    made = stored(young_person(), young_person("sub_2", "ref_2"))
    made.same("ref_1", "ref_2")
    for referral_id in ("ref_1", "ref_2"):
        marked = unsafe(f"ag_{referral_id}")
        made.change("sub_2", lambda s: mark_safety(s, referral_id, marked, AT))  # noqa: B023
        made.change(
            "sub_2",
            lambda s: record_consent(s, referral_id, f"con_{referral_id}", REFUSED, AT, by="w"),  # noqa: B023
        )

    made.different("ref_2", "ref_1")

    assert made.points_to == {"ref_1": "sub_1", "ref_2": "sub_2"}
    for number in ("1", "2"):
        subject = made.subjects[f"sub_{number}"]
        assert subject.unsafe == (f"agency:ag_ref_{number}",)
        assert [c.id for c in subject.sharing.consents] == [f"con_ref_{number}"]


def child(**known: str) -> Description:
    return Description(name_and_birth="nb", name="n", born="b", **known)


def linked(*described: Description) -> Subject:
    told = {f"ref_{n}": aged("13_to_15", each) for n, each in enumerate(described)}
    return Subject(id="sub_1", facts=told)


def test_of_those_linked_by_themselves_only_who_surely_belongs_goes_along() -> None:
    fits_both, fits_first = child(), child(nhs_number="one")
    subject = linked(fits_first, child(nhs_number="other"), fits_both, fits_first)

    assert parting(subject, "ref_0", "ref_1", "sub_9") == ("sub_9", ("ref_0", "ref_3"))
    assert parting(subject, "ref_1", "ref_0", "sub_9") == ("sub_9", ("ref_1",))
    assert parting(subject, "ref_2", "ref_0", "sub_9") == ("sub_9", ("ref_1", "ref_2"))


def test_who_was_linked_to_the_joined_one_goes_where_what_linked_them_goes() -> None:
    other = Description(name_and_birth="other", name="o", born="ob")
    made = stored(linked(child()), Subject(id="sub_2", facts={"ref_o": aged(described=other)}))
    made.same("ref_0", "ref_o")
    for number, each in enumerate([child(), other, child(nhs_number="n")]):
        new = f"ref_new_{number}"
        made.change("sub_2", lambda s: link(s, new, aged(described=each)))  # noqa: B023
        made.points_to[new] = "sub_2"

    made.different("ref_o", "ref_0")

    mine, theirs = {"ref_0", "ref_new_0", "ref_new_2"}, {"ref_o", "ref_new_1"}
    assert {i: set(s.facts) for i, s in made.subjects.items()} == {"sub_1": mine, "sub_2": theirs}
    made.same("ref_0", "ref_o")
    made.different("ref_0", "ref_o")
    assert {i: set(s.facts) for i, s in made.subjects.items()} == {"sub_1": mine, "sub_2": theirs}


def test_who_was_told_apart_from_somebody_never_goes_back_to_them() -> None:
    one, two = (Description(name="n", born=str(b), name_and_birth=f"n {b}") for b in (1, 2))
    joined = stored(
        Subject(id="sub_a", facts={"a": Facts(described=one)}),
        Subject(id="sub_b", facts={"b": Facts(described=two)}),
    )
    joined.same("b", "a")
    joined.change("sub_a", lambda s: link(s, "c", Facts(described=two)))
    joined.points_to["c"] = "sub_a"
    joined.different("a", "b")
    assert joined.points_to["c"] == "sub_b", "it fits the one who goes, and nobody who stays"

    joined.different("c", "b")

    assert joined.points_to["c"] not in ("sub_a", "sub_b"), "no person had joined it to either"
    new = joined.points_to["c"]
    joined.change(new, lambda s: link(s, "d", Facts(described=two)))
    joined.points_to["d"] = new
    joined.different("c", "d")
    assert joined.points_to["c"] not in ("sub_a", "sub_b", new)


def test_who_was_told_apart_is_joined_by_nobody_but_a_person() -> None:
    made = stored(linked(child(), child()))
    made.different("ref_0", "ref_1")
    parted = {i: s for i, s in made.subjects.items() if s.facts}
    one, other = parted.values()

    assert kept_apart(one, other)
    found = choose(child(), {i: s.described for i, s in parted.items()}, lambda *_: True)
    assert found is None, "a third who fits both is for a person to tell"
    numbered = {one.id: (child(nhs_number="n"),), other.id: (child(),)}
    assert choose(child(nhs_number="n"), numbered, lambda *_: True) is None
    made.same("ref_0", "ref_1")
    assert len({made.points_to[i] for i in ("ref_0", "ref_1")}) == 1
    made.different("ref_0", "ref_1")
    assert made.points_to["ref_0"] != made.points_to["ref_1"]


def test_both_of_two_who_were_never_one_know_that_they_are_two() -> None:
    one = decide_different(young_person(), "ref_1", "ref_2", "sub_2").after
    other = young_person("sub_2", "ref_2")

    assert kept_apart(one, other)
    assert kept_apart(other, one)


def test_a_decision_is_repeated_while_it_is_carried_out_and_not_contradicted() -> None:
    made = stored(linked(child(), child(), child()))
    decided = made.change("sub_1", lambda s: decide_parting(s, "ref_0", "ref_1", "sub_8"))

    again = decide_parting(decided, "ref_0", "ref_1", "sub_9")

    assert (again.after, again.events) == (decided, ())
    assert decided.moving == {"ref_0": "sub_8"}
    with pytest.raises(Refused, match="decided_otherwise"):
        decide_parting(decided, "ref_0", "ref_2", "sub_9")
    with pytest.raises(Refused, match="decided_otherwise"):
        decide_same(decided, "ref_0", "ref_7", "sub_7")


def test_who_is_linked_to_somebody_on_their_way_goes_along_and_nobody_to_who_is_not_read() -> None:
    going = decide_same(linked(child()), "ref_0", "ref_9", "sub_9").after

    came = link(going, "ref_1", aged("13_to_15", child())).after

    assert came.moving == {"ref_0": "sub_9", "ref_1": "sub_9"}
    unread = going.told("ref_0", described=None)
    with pytest.raises(SomebodyElse):
        link(unread, "ref_1", aged("13_to_15", child()))


def test_every_event_of_a_move_says_what_it_needs() -> None:
    made = stored(linked(child(), child()), young_person("sub_2", "ref_2"))
    decided = made.change("sub_1", lambda s: decide_same(s, "ref_0", "ref_2", "sub_2"))

    joined = join(made.subjects["sub_2"], decided, list(decided.moving))
    left = leave(decided, "sub_2", list(decided.moving), decided.version)

    for change, mine in ((joined, "sub_2"), (left, "sub_1")):
        said = [e for e in change.events if isinstance(e, SubjectRelinked)]
        assert [e.referral_id for e in said] == ["ref_0", "ref_1"]
        assert {(e.subject_id, e.from_subject_id, e.to_subject_id) for e in said} == {
            (mine, "sub_1", "sub_2")
        }


def full(subject_id: str, referral_id: str, count: int) -> Subject:
    one = (
        record_consent(
            young_person(subject_id, referral_id), referral_id, "con", REFUSED, AT, by="agency:ag_0"
        )
        .after.facts[referral_id]
        .consents[0]
    )
    said = [
        one.model_copy(
            update={"id": f"con_{referral_id}_{n}", "agency_ids": (f"ag_{subject_id}_{n}",)}
        )
        for n in range(count)
    ]
    return young_person(subject_id, referral_id).told(referral_id, consents=tuple(said))


@pytest.mark.parametrize(
    ("count", "code"), [(10, None), (120, "event_too_large"), (1_000, "too_many_records")]
)
def test_two_who_are_too_much_for_one_record_are_refused_at_once(
    count: int, code: str | None
) -> None:
    one, other = full("sub_1", "ref_1", count), full("sub_2", "ref_2", count)
    started = perf_counter()

    if code is None:
        fits_in(one, other)
        return
    with pytest.raises(Refused, match=code):
        fits_in(one, other)
    assert perf_counter() - started < 2


def test_so_many_referrals_are_not_moved_at_once_that_they_can_not_be_stored() -> None:
    one, other = young_person(), full("sub_2", "ref_0", 100)
    many = {f"ref_{n}": other.facts["ref_0"] if n == 0 else aged() for n in range(300)}

    with pytest.raises(Refused, match="too_many_records"):
        fits_in(one, other.but(facts=many))
