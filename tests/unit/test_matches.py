"""The queue of possible matches: who sees which pair, how a decision meets another, and that
lookalikes of one agency hide nobody else's referral."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.referral.access import Viewer
from services.referral.matches.decision import ABANDONED, Decision, Standing, check, speak_first
from services.referral.matches.rank import (
    MOST,
    NOTED,
    OF_ONE_AGENCY,
    Candidate,
    Ranking,
    best_of_each,
)
from services.referral.matches.rule import (
    MOST_TOLD,
    Compared,
    Entry,
    Side,
    note_match,
    suspect_match,
    view,
)
from services.referral.people.deciding import Decided
from services.referral.sharing.facts import Facts, Marked
from services.referral.sharing.subject import Subject
from shared.errors import Refused
from tests.unit.test_referral_rules import AT, received

repeatable = settings(derandomize=True)
SERVED = {"area_a": "hub_a", "area_b": "hub_b"}
HUBS = ("hub_a", "hub_b", None)
AREAS = ("area_a", "area_b", "nowhere")


def manager(hub: str, account: str = "usr_1") -> Viewer:
    areas = frozenset(area for area, by in SERVED.items() if by == hub)
    return Viewer("hub_manager", account, hub_id=hub, areas=areas, account=account)


@st.composite
def sides(draw: st.DrawFn) -> tuple[Side, Side]:
    """Two referrals in any place and state, about anybody, with any marks and decisions."""
    ids = draw(st.sampled_from([("sub_1", "sub_2"), ("sub_1", "sub_1")]))
    apart = draw(st.sampled_from([(), (), "one", "other"]))
    made = []
    for number, subject_id in enumerate(ids):
        referral = received().but(
            id=f"ref_{number}",
            subject_id=subject_id,
            hub_id=draw(st.sampled_from(HUBS)),
            area=draw(st.sampled_from(AREAS)),
            erased_at=draw(st.sampled_from([None, None, None, AT])),
            status=draw(st.sampled_from(["received", "closed"])),
        )
        said = apart == ("one", "other")[number] and subject_id != ids[1 - number]
        made.append((referral, said, draw(st.sampled_from([(), (), ("account:usr_1",)]))))
    facts = {
        referral.id: Facts(
            apart=(made[1 - number][0].id,) if said else (),
            marks=tuple(Marked(name=name, unsafe=True, at=AT) for name in marks),
        )
        for number, (referral, said, marks) in enumerate(made)
    }
    subjects = {
        i: Subject(id=i, facts={r.id: facts[r.id] for r, _, _ in made if r.subject_id == i})
        for i in ids
    }
    (one, _, _), (other, _, _) = made
    return Side(one, subjects[ids[0]]), Side(other, subjects[ids[1]])


AN_ENTRY = Entry(
    id="pm_1",
    referral_ids=("ref_0", "ref_1"),
    since=AT,
    compared=Compared(agrees={"name": "exact"}, differs=("nhs_number",), score=25),
)


@repeatable
@given(sides())
def test_a_manager_sees_a_pair_that_waits_with_the_referrals_of_their_hub_and_no_other(
    pair: tuple[Side, Side],
) -> None:
    def belongs(side: Side, hub: str) -> bool:
        referral = side.referral
        return (referral.hub_id or SERVED.get(referral.area)) == hub

    joined = pair[0].subject.id == pair[1].subject.id
    apart = any(f.apart for side in pair for f in side.subject.facts.values())
    waits = not joined and not apart and not any(side.referral.erased_at for side in pair)
    for hub, account in (("hub_a", "usr_1"), ("hub_a", "usr_2"), ("hub_b", "usr_2")):
        marked = any(f"account:{account}" in side.subject.unsafe for side in pair)
        own = tuple(side.referral.id for side in pair if belongs(side, hub))
        seen = view(AN_ENTRY, pair, manager(hub, account), SERVED)

        assert (seen is not None) == (waits and bool(own) and not marked)
        if seen is None:
            continue
        assert seen.referral_ids == own
        there = [s.referral for s in pair if s.referral.id not in own]
        assert seen.elsewhere == bool(there)
        if there:
            text = seen.model_dump_json()
            assert seen.hub_id == (there[0].hub_id or SERVED.get(there[0].area))
            assert there[0].id not in text
            assert (seen.agrees, seen.differs, seen.score) == (None, None, None)
        else:
            assert (seen.agrees, seen.differs, seen.score) == (
                {"name": "exact"},
                ("nhs_number",),
                25,
            )
        mine = [s.referral.status for s in pair if s.referral.id in own]
        assert seen.open_case == ("received" in mine)


def decided(
    said: Decided, by: str = "hub_manager:usr_1", number: int = 1, **changes: Any
) -> Decision:
    fields = {"ground": "records_compared", "hub_id": "hub_a", "at": AT, "referral_id": "ref_0"}
    return Decision(id=f"dec_{number}", decision=said, by=by, **{**fields, **changes})


@repeatable
@given(st.lists(st.tuples(st.booleans(), st.sampled_from("ab"), st.booleans()), max_size=8))
def test_nobody_overturns_what_a_colleague_decided_without_naming_it(
    words: list[tuple[bool, str, bool]],
) -> None:
    standing = Standing()
    for number, (same, who, names_it) in enumerate(words):
        newest = standing.decisions[-1] if standing.decisions else None
        said: Decided = "same_person" if same else "different_people"
        word = decided(said, who, number)
        otherwise = newest is not None and newest.decision != word.decision
        named = newest.id if newest and names_it else None
        if otherwise and newest and newest.by != who and not names_it:
            with pytest.raises(Refused, match="decided_otherwise"):
                check(standing, word, named)
            continue
        is_new = check(standing, word, named)

        assert is_new == (newest is None or otherwise)
        if is_new:
            standing = Standing(decisions=(*standing.decisions, word))


def test_of_two_at_once_one_is_told_and_what_came_to_nothing_is_decided_anew() -> None:
    going_on = Standing(deciding=decided("same_person", "a"))
    later = {"at": AT + ABANDONED}

    with pytest.raises(Refused, match="decided_otherwise"):
        check(going_on, decided("different_people", "b", 2), None)
    assert not check(going_on, decided("same_person", "b", 2), None)
    assert check(going_on, decided("different_people", "b", 2, **later), None)


def test_of_a_pair_with_another_hub_one_speaks_first() -> None:
    with pytest.raises(Refused, match="speak_first"):
        speak_first("records_compared", elsewhere=True)
    speak_first("spoke_with_other_hub", elsewhere=True)
    speak_first("records_compared", elsewhere=False)


@pytest.mark.parametrize("seed", range(20))
def test_the_lookalikes_of_one_agency_crowd_out_nobody_elses(seed: int) -> None:
    chance = random.Random(seed)
    others = [Candidate(f"ref_{n}", f"ag_{chance.randrange(8)}", 1) for n in range(60)]
    decoys = [Candidate(f"decoy_{n}", "ag_decoys", 9) for n in range(3 * MOST)]
    everybody = [*others, *decoys]
    chance.shuffle(everybody)
    ranking = Ranking()
    for candidate in everybody:
        ranking.add(candidate)

    first = ranking.first()

    assert {c.referral_id for c in others} <= set(first), f"seed {seed}"
    assert len([i for i in first if i.startswith("decoy")]) == OF_ONE_AGENCY


def test_of_one_agency_the_most_alike_are_kept_and_of_these_the_first() -> None:
    ranking = Ranking()
    for number in range(2 * OF_ONE_AGENCY):
        ranking.add(Candidate(f"ref_{number}", "ag_1", number % 2))
    kept = ranking.first()
    noted = best_of_each([("ag_1", n, n) for n in range(50)] + [("ag_2", 1, 99)])

    assert kept == [f"ref_{n}" for n in range(1, 2 * OF_ONE_AGENCY, 2)]
    assert noted == [*range(49, 49 - NOTED, -1), 99]


@repeatable
@given(
    st.lists(
        st.tuples(
            st.sets(st.sampled_from(("ref_2", "ref_3", "ref_4")), max_size=3),
            st.sets(st.sampled_from(("ref_2", "ref_3"))),
        ),
        max_size=4,
    )
)
def test_each_suspected_match_is_told_once_and_another_hubs_is_not_named(
    rounds: list[tuple[set[str], set[str]]],
) -> None:
    referral = received()

    for others, elsewhere in rounds:
        new = others - set(referral.suspected)
        change = suspect_match(referral, others, elsewhere=elsewhere)

        assert len(change.events) == bool(new)
        for event in change.events:
            said = event.model_dump()
            assert (said["referral_id"], said["subject_id"]) == (referral.id, referral.subject_id)
            assert set(said["other_referral_ids"]) == new - elsewhere
            assert said["elsewhere"] == bool(new & elsewhere)
        referral = change.after

    assert sorted(referral.suspected) == sorted(set().union(*(others for others, _ in rounds)))


def test_the_earlier_referral_is_noted_and_its_hub_told_where_it_is_another() -> None:
    noted = note_match(received(), "ref_9", elsewhere=False)
    told = note_match(received(), "ref_9", elsewhere=True)
    full = received().but(suspected=tuple(f"ref_{n}" for n in range(MOST_TOLD)))

    assert noted.events[0].event_type == "referral.match_noted"
    assert told.events[0].event_type == "referral.match_suspected"
    assert "ref_9" not in told.events[0].model_dump_json()
    assert noted.after.suspected == told.after.suspected == ("ref_9",)
    assert not note_match(noted.after, "ref_9", elsewhere=True).events
    assert not note_match(full, "ref_999", elsewhere=True).events
