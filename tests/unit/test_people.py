"""Who is who: decisions of a practitioner are kept once, and never lost to one made meanwhile."""

import pytest
from hypothesis import settings

from services.referral.people.deciding import decide_different, decide_parting, decide_same
from services.referral.people.links import join, leave, new_subject, reassign
from services.referral.sharing.subject import Subject
from shared.errors import Refused
from tests.harness.young_people import aged, young_person
from tests.unit.test_referral_rules import received

repeatable = settings(derandomize=True)


def test_a_new_subject_is_about_one_referral_and_not_known_before() -> None:
    subject, event = new_subject("sub_1", "ref_1", aged())

    assert subject == Subject(id="sub_1", facts={"ref_1": aged()})
    said = event.model_dump()
    assert (said["subject_id"], said["referral_id"]) == ("sub_1", "ref_1")
    assert said["known_before"] is False


def test_a_decision_about_a_match_is_kept_once() -> None:
    apart = decide_different(young_person(), "ref_1", "ref_2", "sub_2")
    same = decide_same(apart.after, "ref_1", "ref_3", "sub_3")

    assert apart.after.facts["ref_1"].apart == ("ref_2",)
    assert same.after.moving == {"ref_1": "sub_3"}
    said = same.events[0].model_dump()
    assert (said["referral_id"], said["other_subject_id"]) == ("ref_1", "sub_3")
    assert (said["other_referral_id"], said["decision"]) == ("ref_3", "same_person")
    repeated = decide_same(same.after, "ref_1", "ref_3", "sub_3")
    assert (repeated.after, repeated.events) == (same.after, ())
    repeated = decide_different(apart.after, "ref_1", "ref_2", "sub_2")
    assert (repeated.after, repeated.events) == (apart.after, ())


@pytest.mark.parametrize("referral_id", ["ref_1", "ref_elsewhere"])
def test_a_referral_on_its_way_or_gone_is_not_decided_again(referral_id: str) -> None:
    moving = decide_same(young_person(), "ref_1", "ref_3", "sub_3").after

    with pytest.raises(Refused, match="decided_otherwise"):
        decide_same(moving, referral_id, "ref_2", "sub_2")
    with pytest.raises(Refused, match="decided_otherwise"):
        decide_different(moving, referral_id, "ref_3", "sub_3")
    with pytest.raises(Refused, match="decided_otherwise"):
        decide_parting(moving, referral_id, "ref_1", "sub_9")


def test_a_reassigned_referral_says_whom_it_is_about_once() -> None:
    change = reassign(received(), "sub_9", 7)

    assert (change.after.subject_id, change.after.subject_version) == ("sub_9", 7)
    said = change.events[0].model_dump()
    assert (said["subject_id"], said["subject_version"]) == ("sub_9", 7)
    assert said["amended"] == ("subject_id",)
    assert reassign(change.after, "sub_9", 8).after == change.after


def test_referrals_leave_only_with_all_that_was_said() -> None:
    subject = young_person().but(moving={"ref_1": "sub_2", "ref_8": "sub_9"}, version=4)

    change = leave(subject, "sub_2", ["ref_1"], 4)

    assert change.after.referral_ids == ()
    assert change.after.moving == {"ref_8": "sub_9"}
    said = change.events[0].model_dump()
    assert (said["from_subject_id"], said["to_subject_id"]) == ("sub_1", "sub_2")
    assert leave(subject, "sub_2", ["ref_1"], 3).after == subject
    assert leave(subject, "sub_2", ["ref_7"], 4).after == subject


def test_who_were_each_said_to_be_the_other_at_one_moment_are_one() -> None:
    one, other = young_person(), young_person("sub_2", "ref_2")
    one = decide_same(one, "ref_1", "ref_2", "sub_2").after
    other = decide_same(other, "ref_2", "ref_1", "sub_1").after

    joined = join(other, one, ["ref_1"]).after

    assert (joined.moving, set(joined.facts)) == ({}, {"ref_1", "ref_2"})
