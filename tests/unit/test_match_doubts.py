"""A decision on a match that is doubted: what closes, and for how long. Pure."""

from datetime import UTC, datetime
from itertools import permutations

import pytest

from services.referral.matches.decision import Decision, Doubt, Standing, check
from services.referral.matches.doubt import Made, decided_again, doubted, makers, signed
from services.referral.people.deciding import decide_parting, decide_same
from services.referral.sharing.facts import Facts, merged
from services.referral.sharing.subject import Subject
from shared.errors import Outage
from shared.rules.sharing import SharingState
from shared.storage.records import unchanged

AT = datetime(2026, 11, 27, 9, tzinfo=UTC)
DOUBT = Doubt(decision_id="dec_1", agency_ids=("ag_police",))
CHILD = Subject(id="sub_1", facts={"ref_1": Facts(), "ref_2": Facts()})
# Of each the decision, by whom and for which Hub; proposed or not.
THEIRS = ("hub_manager:usr_1", "hub_1", True)
OURS = ("hub_manager:usr_2", "hub_2", False)


def a_decision(number: int, by: str, hub_id: str, proposed: bool, said: str) -> Decision:
    fields = {"ground": "records_compared", "at": AT, "referral_id": f"ref_{number}"}
    who = {"by": by, "hub_id": hub_id, "proposed": proposed}
    return Decision.model_validate({"id": f"dec_{number}", "decision": said, **who, **fields})


def closed(child: Subject) -> tuple[str, ...]:
    return child.sharing.doubted


def test_what_is_doubted_is_closed_to_who_gains_and_said_once() -> None:
    told = doubted(CHILD, "ref_1", "pm_1", DOUBT)

    assert closed(told.after) == ("ag_police",)
    assert [event.event_type for event in told.events] == ["subject.match_doubted"]
    assert doubted(told.after, "ref_1", "pm_1", DOUBT).events == ()


def test_a_doubt_that_closes_to_nobody_is_said_once_too() -> None:
    told = doubted(CHILD, "ref_1", "pm_1", Doubt(decision_id="dec_1"))

    assert closed(told.after) == ()
    assert len(told.events) == 1
    assert doubted(told.after, "ref_1", "pm_1", Doubt(decision_id="dec_1")).events == ()


@pytest.mark.parametrize("order", list(permutations(("doubted", "more", "again"))))
def test_in_whatever_order_they_come_who_decides_again_has_the_last_word(
    order: tuple[str, ...],
) -> None:
    child = CHILD
    more = DOUBT.model_copy(update={"agency_ids": ("ag_school",)})
    for step in order:
        if step == "again":
            child = decided_again(child, "ref_1", "pm_1", "dec_1").after
        else:
            child = doubted(child, "ref_1", "pm_1", more if step == "more" else DOUBT).after

    assert closed(child) == ()


@pytest.mark.parametrize("order", list(permutations((0, 1, 2))))
def test_two_copies_of_a_referral_that_moves_hold_what_both_hold(order: tuple[int, ...]) -> None:
    one = Facts(doubts={"dec_1": ("ag_a",), "dec_2": ("ag_c",), "dec_3": ()})
    copies = (one, Facts(doubts={"dec_1": ("ag_b",), "dec_2": None}), Facts())
    first, *others = (copies[i] for i in order)
    for other in others:
        first = merged(first, other)

    assert first.doubts == {"dec_1": ("ag_a", "ag_b"), "dec_2": None, "dec_3": ()}


def test_nothing_is_doubted_of_a_referral_that_is_on_its_way() -> None:
    with pytest.raises(Outage):
        doubted(CHILD, "ref_3", "pm_1", DOUBT)
    with pytest.raises(Outage):
        decided_again(CHILD, "ref_3", "pm_1", "dec_1")


def test_of_a_join_that_two_hubs_decided_both_are_its_makers() -> None:
    both = (a_decision(1, *THEIRS, "same_person"), a_decision(2, *OURS, "same_person"))
    parted = a_decision(3, *OURS, "different_people")

    assert makers(Standing(decisions=both)) == ("usr_1", "usr_2")
    assert makers(Standing(decisions=(*both, parted))) == ("usr_2",)
    assert makers(Standing(decisions=both[:1])) == ()
    assert makers(Standing()) == ()


def test_the_same_again_is_a_decision_only_where_the_one_before_is_doubted() -> None:
    held = a_decision(1, *OURS, "same_person")
    again = a_decision(2, "hub_manager:usr_3", "hub_2", False, "same_person")

    assert not check(Standing(decisions=(held,)), again, None)
    assert check(Standing(decisions=(held,), doubt=DOUBT), again, None)


def test_a_state_of_before_doubts_nothing() -> None:
    assert SharingState.model_validate({}).doubted == ()


@pytest.mark.parametrize("both_here", [True, False])
def test_what_its_maker_may_not_open_alone_is_closed_in_the_write_of_the_decision(
    both_here: bool,
) -> None:
    child = CHILD if both_here else Subject(id="sub_1", facts={"ref_1": Facts()})
    decides = decide_parting if both_here else decide_same
    change = decides(child, "ref_1", "ref_2", "sub_2")
    made = Made("pm_1", "dec_1", ("ref_1", "ref_2"), "usr_1", DOUBT)

    told = signed(change, made)

    assert [f.doubts for f in told.after.facts.values()] == [
        {"dec_1": ("ag_police",)} for _ in child.facts
    ]
    assert told.after.facts["ref_1"].accounts == {"match:dec_1": "usr_1"}
    kinds = [event.event_type for event in told.events]
    assert kinds == ["subject.match_decided", *["subject.match_doubted"] * len(child.facts)]
    assert signed(unchanged(child), made) == unchanged(child)
    assert closed(signed(change, made._replace(doubt=None)).after) == ()
