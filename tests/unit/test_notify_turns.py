"""The referrer hears every turn, once: each transition that the referral's own code can make."""

from itertools import product
from typing import get_args

from services.notify.app import DEFAULT_POLICY
from services.notify.rules.drafts import notification_id
from services.notify.rules.policy import Rule
from services.notify.rules.policy_file import load_policy
from services.referral.lifecycle.following import STATUS_OF
from services.referral.lifecycle.states import OPEN, TABLE
from shared.events.codes import ReferralStatus
from tests.harness.cases import every_case
from tests.unit.test_notify_rules import event

POLICY = load_policy(DEFAULT_POLICY)
STATES: tuple[ReferralStatus, ...] = get_args(ReferralStatus)
# Both tables: what is done to a referral, and what it follows of its case.
TURNS = sorted(
    {(before, step.to) for step in TABLE.values() for before in step.states}
    | {(before, to) for before, to in product(OPEN, STATUS_OF.values()) if before != to}
)


def heard(before: str, to: str) -> list[Rule]:
    """The rules by which the referrer is told."""
    turn = event("referral.status_changed", previous=before, status=to)
    return [rule for rule in POLICY.applying_to(turn) if rule.tell == "referrer"]


@every_case(TURNS)
def test_each_turn_is_told_to_the_referrer_by_one_rule(before: str, to: str) -> None:
    assert len(heard(before, to)) == 1, heard(before, to)


@every_case(TURNS)
def test_a_turn_that_is_taken_again_is_told_again(before: str, to: str) -> None:
    (rule,) = heard(before, to)
    first = event("referral.status_changed", previous=before, status=to)
    again = first.model_copy(
        update={"id": "evt_again", "data": first.data.model_copy(update={"reopenings": 2})}
    )

    told = {notification_id(each, rule, "agency", "ag_1") for each in (first, again, first)}

    assert len(told) == 2


@every_case(STATES)
def test_what_is_no_turn_is_not_told(state: str) -> None:
    assert heard(state, state) == []


def test_two_turns_that_differ_for_the_referrer_are_of_two_kinds() -> None:
    kinds = {(before, to): heard(before, to)[0].kind for before, to in TURNS}

    assert kinds["on_hold", "in_progress"] == kinds["on_hold", "allocated"] == "referral_resumed"
    assert kinds["closed", "received"] == "referral_reopened"
    assert kinds["returned", "received"] == "referral_resubmitted"
    assert kinds["allocated", "in_progress"] == "referral_started"
