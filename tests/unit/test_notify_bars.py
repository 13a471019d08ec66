"""What becomes of a referral as a message of BaRS: for every kind, state and reason that there is."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from typing import Any, get_args

import pytest

from services.notify.app import DEFAULT_POLICY
from services.notify.delivery.bars import MESSAGES, is_message, message_body, message_headers
from services.notify.notification import Ground, Notification
from services.notify.projections.cases import Case
from services.notify.rules.drafts import draft
from services.notify.rules.policy_file import load_policy
from services.referral.bars.request import MessageBundle
from services.referral.lifecycle.following import STATUS_OF
from services.referral.lifecycle.states import OPEN, TABLE
from shared.bars import codes
from shared.events.codes import Instruction, ReferralStatus, StatusReason
from shared.events.notify import NotificationKind
from tests.harness.bars import resource
from tests.harness.cases import every_case
from tests.harness.fhir import message
from tests.unit.test_notify_rules import event

AT = datetime(2026, 11, 27, 12, tzinfo=UTC)
POLICY = load_policy(DEFAULT_POLICY)
KINDS: tuple[NotificationKind, ...] = get_args(NotificationKind)
# Delivered as without the format, by kind: partners' and a retraction, and what no agency is told.
NOT_SENT = set(KINDS) - set(MESSAGES)
CASE = Case(
    id=f"ref_{'a' * 32}",
    subject_id="sub_1",
    agency_id="ag_1",
    area="northtown",
    urgency="same_day",
    due_at=AT,
)
Turn = tuple[ReferralStatus, ReferralStatus, StatusReason | None]


def turns() -> Iterator[Turn]:
    """Each step of a referral with each of its reasons, and what it follows of its case."""
    for step in TABLE.values():
        reasons: list[StatusReason | None] = [*sorted(step.reasons)] or [None]
        for before, reason in product(sorted(step.states), reasons):
            yield before, step.to, reason
    for before, to in product(sorted(OPEN), sorted(set(STATUS_OF.values()))):
        if before != to:
            yield before, to, None


def told(event_type: str, **said: Any) -> list[Notification]:
    """What the default policy tells the referrer."""
    happened = event(event_type, **said)
    rules = [rule for rule in POLICY.applying_to(happened) if rule.tell == "referrer"]
    return [
        draft(
            *(happened, rule, "agency", "ag_1"),
            case=CASE,
            hub_id="hub_1",
            policy=POLICY.default,
            at=AT,
        )
        for rule in rules
    ]


def said_by(notification: Notification, *instructions: Instruction) -> dict[str, Any]:
    document = json.loads(message_body(notification, instructions))
    message(document)  # held to R4
    MessageBundle.model_validate(document)  # and to what we take ourselves
    return dict(document)


@every_case(sorted(set(turns()), key=str))
def test_each_turn_with_each_reason_is_a_message_with_its_codes(
    before: ReferralStatus, to: ReferralStatus, reason: StatusReason | None
) -> None:
    (notification,) = told("referral.status_changed", previous=before, status=to, reason=reason)

    assert is_message(notification)
    document = said_by(notification)
    encounter = resource(document, "Encounter")
    assert (resource(document, "ServiceRequest")["status"], encounter["status"]) == (
        codes.STANDING[to]
    )
    ours = {one["coding"][0]["code"] for one in encounter["reasonCode"]}
    assert {to, *([reason] if reason else [])} <= ours
    if reason and encounter["status"] == "cancelled":
        standard = encounter["reasonCode"][1]["coding"][1]
        assert standard["system"] == codes.REJECTED
        assert standard["code"] in {"FC", "RRNA", "OTH"}
        assert (standard["code"] == "FC") == (reason == "not_engaged")
    header = resource(document, "MessageHeader")
    assert header["eventCoding"]["code"] == "servicerequest-response"
    assert header["reason"]["coding"][0]["code"] == "update"


@every_case(KINDS)
def test_every_kind_is_a_message_or_listed_as_not_sent(kind: NotificationKind) -> None:
    for ground in get_args(Ground):
        notification = told("referral.received")[0].but(kind=kind, ground=ground)
        own = ground == "fate_of_own_referral"
        assert is_message(notification) == (own and kind not in NOT_SENT), (kind, ground)
        if is_message(notification):
            document = said_by(notification.but(turn=None))  # as one that was stored before
            status = codes.STANDING[MESSAGES[kind]][0]
            assert resource(document, "ServiceRequest")["status"] == status


def test_every_kind_that_the_referrer_may_be_told_is_a_message() -> None:
    kinds = {rule.kind for rule in POLICY.rules if rule.tell == "referrer"}

    assert kinds == set(MESSAGES)


@pytest.mark.parametrize(
    ("event_type", "said", "status", "reason"),
    [
        ("referral.received", {}, "active", "new"),
        ("allocation.accepted", {}, "active", "update"),
        ("referral.transferred", {}, "active", "update"),
        ("referral.overdue", {"status": "returned"}, "on-hold", "update"),
    ],
)
def test_what_is_no_change_of_state_is_a_message_too(
    event_type: str, said: dict[str, Any], status: str, reason: str
) -> None:
    (notification,) = told(event_type, **said)

    document = said_by(notification)

    assert resource(document, "ServiceRequest")["status"] == status
    header = resource(document, "MessageHeader")
    assert header["reason"]["coding"][0]["code"] == reason
    assert "response" not in header, "which message it came in is not known here"


def test_one_notification_is_one_message_and_another_is_another() -> None:
    returned = {"previous": "received", "status": "returned", "reason": "insufficient_information"}
    (first,) = told("referral.status_changed", **returned)
    second = first.but(id="ntf_other")

    assert message_body(first) == message_body(first)
    assert said_by(first)["id"] != said_by(second)["id"]
    header = resource(said_by(first), "MessageHeader")
    assert header["destination"] == [{"endpoint": "urn:hub-and-spoke:agency:ag_1"}]
    assert said_by(first)["identifier"]["value"] == first.id
    one, other = message_headers(first), message_headers(second)
    assert one["x-request-id"] != other["x-request-id"]
    assert one["x-correlation-id"] == other["x-correlation-id"]


def test_the_outcome_and_the_instructions_are_told_as_codes() -> None:
    closed: dict[str, Any] = {"previous": "in_progress", "status": "closed", "reason": None}
    closed |= {"outcome": "goals_achieved"}
    (notification,) = told("referral.status_changed", **closed)

    document = said_by(notification, *get_args(Instruction))

    outcome = resource(document, "Encounter")["reasonCode"][1]["coding"][0]
    assert outcome == {"system": "urn:hub-and-spoke:outcome", "code": "goals_achieved"}
    assert resource(document, "Flag")["code"]["coding"][0]["code"] == "do_not_tell_parents"
    assert set(codes.INSTRUCTIONS) == set(get_args(Instruction))


def test_the_message_holds_ids_and_codes_alone() -> None:
    (notification,) = told("referral.received")
    hidden = notification.but(
        subject_id="MARKER", event_id="MARKER", hub_id="MARKER", opened_name="MARKER"
    )

    assert "MARKER" not in message_body(hidden).decode()
    assert "northtown" not in message_body(hidden).decode()


def test_the_time_is_that_of_the_turn_and_a_reason_is_no_outcome() -> None:
    later = datetime(2026, 11, 28, 9, tzinfo=UTC)
    rejected = {"previous": "received", "status": "rejected", "reason": "no_capacity"}
    (notification,) = told("referral.status_changed", **rejected)

    document = said_by(notification.but(created_at=later))

    assert notification.turn is not None
    assert document["timestamp"] == notification.turn.at.isoformat() != later.isoformat()
    systems = {
        one["system"]
        for reason in resource(document, "Encounter")["reasonCode"]
        for one in reason["coding"]
    }
    assert systems == {"urn:hub-and-spoke:status", "urn:hub-and-spoke:reason", codes.REJECTED}


def test_one_that_was_stored_before_has_the_reason_that_it_told() -> None:
    rejected = {"previous": "received", "status": "rejected", "reason": "no_capacity"}
    (notification,) = told("referral.status_changed", **rejected)

    before = said_by(notification.but(turn=None))

    reasons = resource(before, "Encounter")["reasonCode"]
    assert [one["coding"][0]["code"] for one in reasons] == ["rejected", "no_capacity"]
    assert before["timestamp"] == notification.created_at.isoformat()


def test_without_a_referral_there_is_no_message() -> None:
    (notification,) = told("referral.received")

    assert not is_message(notification.but(referral_id=None))
