"""A join across two Hubs: proposed by one, decided by somebody else of the other; and whom to ask."""

import pytest

from services.referral.matches.decision import Standing, check, weigh
from services.referral.matches.rule import Side
from services.referral.matches.second import crossing
from services.referral.sharing.facts import Facts
from services.referral.sharing.subject import Subject
from shared.errors import Refused
from tests.unit.test_matches import decided
from tests.unit.test_referral_rules import received


def proposed_by(hub: str, by: str) -> Standing:
    return Standing(decisions=(decided("same_person", by, hub_id=hub, proposed=True),))


def test_joining_across_two_hubs_is_proposed_and_decided_by_somebody_else_of_the_other() -> None:
    mine = decided("same_person", "a", 2, hub_id="hub_a")

    assert not weigh(Standing(), mine, None).proposed
    assert weigh(Standing(), mine, "hub_b").proposed
    assert weigh(proposed_by("hub_a", "z"), mine, "hub_b").proposed
    assert weigh(proposed_by("hub_c", "z"), mine, "hub_b").proposed
    assert not weigh(proposed_by("hub_b", "z"), mine, "hub_b").proposed
    assert not weigh(Standing(), decided("different_people", "a"), "hub_b").proposed
    with pytest.raises(Refused, match="second_person_needed"):
        weigh(proposed_by("hub_b", "a"), mine, "hub_b")


def test_a_proposal_is_repeated_answered_and_ended_and_a_decision_never_proposed_away() -> None:
    theirs = proposed_by("hub_b", "z")
    mine = decided("same_person", "a", 2, hub_id="hub_a")
    again = decided("same_person", "y", 3, hub_id="hub_b", proposed=True)
    end = mine.model_copy(update={"decision": "undecided"})
    apart = Standing(decisions=(decided("different_people", "x"), *theirs.decisions))

    assert not check(theirs, again, None)
    assert check(theirs, mine, None)
    assert check(theirs, mine.model_copy(update={"proposed": True}), None)
    assert check(theirs, end, None)
    assert check(theirs, decided("different_people", "a"), None)
    assert check(apart, mine, None)
    assert check(apart, decided("different_people", "a"), None)
    with pytest.raises(Refused, match="nothing_proposed"):
        check(Standing(), end, None)
    with pytest.raises(Refused, match="decided_otherwise"):
        check(Standing(decisions=apart.decisions[:1]), again, None)
    with pytest.raises(Refused, match="decided_otherwise"):
        check(Standing(deciding=theirs.decisions[0]), mine, None)
    assert not check(Standing(decisions=(*theirs.decisions, end)), end, None)
    assert check(Standing(decisions=(mine,)), again, None)


@pytest.mark.parametrize(
    ("hubs", "asked"),
    [
        ({"ref_1": "hub_a"}, None),
        ({"ref_1": "hub_b"}, ("ref_0", "ref_1")),
        ({"ref_1": "hub_gone"}, None),
        ({"ref_1": "hub_a", "ref_2": "hub_b"}, ("ref_1", "ref_2")),
        ({"ref_1": "hub_a", "ref_3": "hub_b"}, ("ref_0", "ref_3")),
    ],
)
def test_a_hub_with_an_open_referral_about_either_is_asked_beside_one_of_the_asking_hub(
    hubs: dict[str, str], asked: tuple[str, str] | None
) -> None:
    one = Subject(id="sub_0", facts={"ref_0": Facts(), "ref_2": Facts()})
    other = Subject(id="sub_1", facts={"ref_1": Facts(), "ref_3": Facts()})
    about = {i: one if i in one.facts else other for i in ("ref_0", "ref_1", "ref_2", "ref_3")}
    sides = {
        i: Side(received().but(id=i, hub_id=hubs.get(i, "hub_a"), subject_id=s.id), s)
        for i, s in about.items()
    }

    found = crossing(
        *(sides["ref_0"], sides["ref_1"], sides.values()), "hub_a", {}, {"hub_a", "hub_b"}
    )

    assert (found and (found.mine.id, found.other.id)) == asked
    ended = {i: Side(s.referral.but(status="closed"), s.subject) for i, s in sides.items()}
    closed = crossing(
        *(ended["ref_0"], ended["ref_1"], ended.values()), "hub_a", {}, {"hub_a", "hub_b"}
    )
    assert (closed is not None) == (hubs["ref_1"] == "hub_b")
