"""The rules of the notify service: who hears what, and the life of a notification."""

import json
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, get_args

import pytest

from services.notify.app import DEFAULT_POLICY
from services.notify.decision.decide import Answer, answer, next_change
from services.notify.delivery.outcomes import of_smtp, of_status
from services.notify.delivery.payload import mail, webhook_body
from services.notify.delivery.timing import (
    BACKOFF,
    QuietHours,
    next_attempt,
    quiet_until,
    remind_at,
    slowed_until,
)
from services.notify.notification import (
    ALL_STOPPED,
    EMAIL_DUE,
    OPEN_DUE,
    REMIND_DUE,
    TIMERS,
    WEBHOOK_DUE,
    Acted,
    ChannelState,
    Notification,
)
from services.notify.projections.cases import Case, reason_to_retract
from services.notify.projections.directory import Subject
from services.notify.rules.audience import About, named
from services.notify.rules.drafts import create, draft, notification_id
from services.notify.rules.policy import HubPolicy, Rule, open_within
from services.notify.rules.policy_file import load_policy
from services.notify.subscriptions.subscription import (
    VERIFY_DUE,
    Subscription,
    SubscriptionEntry,
    alarm_due,
    amend,
    rotate,
    subscribe,
    verified,
)
from services.notify.transitions import (
    acted,
    delivered,
    escalate,
    exhausted,
    opened,
    redecide,
    remind,
    replay,
    retract,
    withhold,
)
from shared.events import Event
from shared.events.catalogue import event_types
from shared.events.codes import ReferralStatus, StatusReason
from shared.rules.sharing import Consent, Decision, Request, SharingState, Terms, Verdict
from tests.golden.__main__ import sample

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # a Monday
POLICY = load_policy(DEFAULT_POLICY)
HUB = POLICY.default
CASE = Case(
    id="ref_1",
    subject_id="sub_1",
    agency_id="ag_school",
    area="northtown",
    urgency="immediate",
    due_at=AT,
)


def event(event_type: str, **changes: Any) -> Event[Any]:
    made = sample(event_types()[event_type])
    return made.model_copy(update={"data": made.data.model_copy(update=changes)})


def row(event_type: str, tell: str, **changes: Any) -> Rule:
    (found, *_) = [r for r in POLICY.applying_to(event(event_type, **changes)) if r.tell == tell]
    return found


def notification(**changes: Any) -> Notification:
    made = event("allocation.made")
    planned = draft(
        made,
        row("allocation.made", "worker"),
        "worker",
        "wk_1",
        case=CASE,
        hub_id="hub_1",
        policy=HUB,
        at=AT,
    )
    return planned.but(
        **{
            "webhook": ChannelState(since=AT),
            "email": ChannelState(since=AT),
            "verdicts": VERDICTS,
            **changes,
        }
    )


VERDICTS = (
    Verdict(category="existence", permitted=True, ground="consent", ground_id="con_1"),
    Verdict(category="worker", permitted=False, reason="no_ground"),
)
NO = Decision(
    verdicts=(Verdict(category="existence", permitted=False, reason="consent_withdrawn"),),
    safety_hold=False,
    policy_version="sharing-1",
)


# --- The table -------------------------------------------------------------------------------


def test_an_allocation_is_told_to_worker_partners_and_a_significant_one_to_the_hub() -> None:
    mild = [(r.tell, r.kind) for r in POLICY.applying_to(event("allocation.made", level="mild"))]
    grave = [
        (r.tell, r.kind) for r in POLICY.applying_to(event("allocation.made", level="significant"))
    ]

    assert mild == [
        ("worker", "case_allocated_to_you"),
        ("partners", "support_arranged"),
    ]
    assert [each for each in grave if each not in mild] == [("hub", "case_for_oversight")]


def test_the_operators_desk_hears_of_an_area_that_nobody_knows_and_partners_once_it_is_found() -> (
    None
):
    def told(event_type: str, **changes: Any) -> set[tuple[str, str]]:
        rules = POLICY.applying_to(event(event_type, **changes))
        return {(r.tell, r.kind) for r in rules if r.kind != "case_news"}

    unknown = ("operators", "referral_area_unknown")
    found = ("partners", "concern_in_your_area")
    assert unknown in told("referral.received", area="unknown")
    assert unknown not in told("referral.received", area="northtown")
    assert told("referral.amended", area="unknown", amended=("area", "urgency")) == {unknown, found}
    assert told("referral.amended", area="northtown", amended=("area",)) == {found}
    amended = told("referral.amended", area="unknown", amended=("urgency",), status="waiting")
    assert amended == set()


def test_until_a_hub_has_it_what_is_urgent_for_a_hub_is_for_the_operators_desk() -> None:
    def asked(hub_id: str | None, event_type: str, tell: str, **changes: Any) -> list[Any]:
        about = About(event(event_type, **changes), CASE, hub_id, HUB, Subject())
        return [(each.kind, each.id) for each in named(about, [row(event_type, tell, **changes)])]

    assert asked("hub_1", "referral.overdue", "hub") == [("hub", "hub_1")]
    assert asked(None, "referral.overdue", "hub") == [("operator", "operator")]
    assert asked(None, "allocation.declined", "hub") == [("hub", "")], "nobody: nothing urgent"
    received = ("referral.received", "operators")
    assert asked("hub_1", *received, area="unknown") == [("operator", "operator")]


def test_what_is_told_once_per_life_has_one_id_until_the_referral_is_reopened() -> None:
    first, second = (
        event("allocation.made"),
        event("allocation.made").model_copy(update={"id": "evt_other"}),
    )
    once, always = row("allocation.made", "partners"), row("allocation.made", "worker")
    reopened = event("allocation.made", reopenings=2)

    def id_of(which: Event[Any], each: Rule) -> str:
        return notification_id(which, each, "agency", "ag_1")

    assert id_of(first, once) == id_of(second, once) != id_of(reopened, once)
    assert id_of(first, always) == id_of(first, always) != id_of(second, always)
    assert len({id_of(first, once), id_of(first, always)}) == 2


def test_a_hub_may_decide_otherwise_for_itself() -> None:
    own = POLICY.model_copy(
        update={"hub": {"hub_1": {"open_within": {"immediate": 5}, "nation": "wales"}}}
    )

    assert own.of_hub("hub_1").open_within == {"immediate": 5}
    assert own.of_hub("hub_1").remind_after == HUB.remind_after
    assert own.of_hub("hub_2") == own.of_hub(None) == HUB


def test_only_what_is_urgent_has_a_time_to_be_opened() -> None:
    by_urgency, always = row("allocation.made", "worker"), row("referral.overdue", "hub")

    assert open_within(by_urgency, "immediate", HUB) == 15
    assert open_within(by_urgency, "ten_working_days", HUB) is None
    assert open_within(always, "ten_working_days", HUB) == HUB.escalate_within
    assert open_within(row("referral.received", "referrer"), "immediate", HUB) is None


# --- Decisions -------------------------------------------------------------------------------


def decided(state: SharingState, **changes: Any) -> Answer:
    request = Request(
        sharer="hub_1",
        agency_id="ag_1",
        agency_kind="6",
        purpose="safeguarding",
        categories=("existence", "worker"),
    )
    values: dict[str, Any] = {
        "sharing": True,
        "retracted": False,
        "at": AT,
        "agreements": [terms()],
    }
    return answer(request=request, state=state, **{**values, **changes})


def terms(**changes: Any) -> Terms:
    values: dict[str, Any] = {
        "id": "isa_1",
        "version": 1,
        "parties": ("hub_1", "ag_1"),
        "signed_by": ("hub_1", "ag_1"),
        "purposes": ("safeguarding",),
        "categories": ("existence", "worker"),
        "grounds": ("consent",),
        "effective_from": AT - timedelta(days=1),
        "effective_to": AT + timedelta(days=30),
    }
    return Terms(**{**values, **changes})


def consent(*categories: Any, **changes: Any) -> Consent:
    values: dict[str, Any] = {
        "id": "con_1",
        "status": "given",
        "categories": categories,
        "given_by": "young_person",
        "gillick_competent": True,
        "recorded_at": AT - timedelta(hours=1),
        "valid_from": AT - timedelta(hours=1),
        "valid_to": AT + timedelta(days=7),
    }
    return Consent(**{**values, **changes})


def test_without_a_ground_nobody_is_told() -> None:
    found = decided(SharingState())

    assert not found.permitted
    assert {v.reason for v in found.decision.verdicts} == {"no_ground"}


def test_part_of_it_permitted_is_told_with_the_categories_named() -> None:
    found = decided(SharingState(consents=(consent("existence"),)))

    assert found.permitted
    assert found.decision.permitted == ("existence",)


def test_without_existence_nothing_is_told_whatever_else_is_permitted() -> None:
    found = decided(SharingState(consents=(consent("worker"),)))

    assert found.decision.permitted == ("worker",)
    assert not found.permitted


def test_an_unsafe_agency_hears_nothing_not_even_the_fate_of_its_own_referral() -> None:
    state = SharingState(consents=(consent("existence"),), unsafe_agencies=("ag_1",))

    for sharing in (True, False):
        found = decided(state, sharing=sharing)
        assert not found.permitted
        assert found.decision.safety_hold
    assert decided(SharingState(), sharing=False).permitted, "its own referral needs no ground"


def test_of_a_referral_that_should_never_have_been_nobody_is_told() -> None:
    found = decided(SharingState(consents=(consent("existence"),)), retracted=True)

    assert not found.permitted


def test_what_was_told_is_taken_back_of_a_referral_that_is_in_error_and_of_no_other() -> None:
    for status, reason in product(get_args(ReferralStatus), (*get_args(StatusReason), None)):
        said = reason_to_retract(status, reason)
        wrong = "wrong_person" if reason == "wrong_person" else "entered_in_error"
        assert said == (wrong if status == "entered_in_error" else None), (status, reason)


def test_it_is_decided_again_at_the_first_moment_that_could_change_it() -> None:
    state = SharingState(consents=(consent("existence"),))

    assert next_change(state, [terms()], AT) == AT + timedelta(days=7)
    assert next_change(SharingState(), [terms()], AT) == AT + timedelta(days=30)
    assert next_change(state, [terms()], AT + timedelta(days=31)) is None


def test_a_refusal_is_stored_and_told_to_the_trail_but_has_no_clock() -> None:
    new = create(
        notification(), answer=decided(SharingState()), subscription=hook(), policy=HUB, minutes=15
    )

    assert new.record.status == "withheld"
    assert [event.event_type for event in new.events] == ["notification.withheld"]
    assert new.due == {}


# --- The life of a notification --------------------------------------------------------------


def hook(**changes: Any) -> Subscription:
    values: dict[str, Any] = {
        "id": "agency:ag_1",
        "recipient_kind": "agency",
        "recipient_id": "ag_1",
        "url": "https://ag.example/hook",
        "url_verified": True,
        "email": "desk@ag.example",
        "email_confirmed": True,
    }
    return Subscription(**{**values, **changes})


def test_channels_are_those_that_the_recipient_has_and_each_has_its_clock() -> None:
    def channels(subscription: Subscription | None) -> tuple[Any, set[str]]:
        new = create(
            notification(), answer=None, subscription=subscription, policy=HUB, minutes=None
        )
        return getattr(new.events[0], "channels", ()), set(new.due) - {REMIND_DUE}

    assert channels(None) == (("inbox",), set())
    assert channels(hook()) == (("inbox", "webhook", "email"), {WEBHOOK_DUE, EMAIL_DUE})
    assert channels(hook(email_confirmed=False)) == (("inbox", "webhook"), {WEBHOOK_DUE})
    assert channels(hook(active=False)) == (("inbox",), set())


def test_quiet_hours_hold_back_mail_that_is_not_urgent() -> None:
    quiet = hook(quiet_hours=QuietHours(start="09:00", end="11:00"))

    def mailed(urgent: bool) -> datetime:
        planned = notification(urgent=urgent)
        due = create(planned, answer=None, subscription=quiet, policy=HUB, minutes=None).due
        assert due[WEBHOOK_DUE] == AT, "a webhook wakes nobody"
        return due[EMAIL_DUE]

    assert mailed(urgent=True) == AT
    assert mailed(urgent=False) == AT.replace(hour=11, minute=0)


def test_delivered_and_failed_stop_the_clock_of_their_channel_only() -> None:
    for change in (
        delivered(notification(), "webhook", 1, AT),
        exhausted(notification(), "webhook", 8, "http_500"),
    ):
        assert change.due == {WEBHOOK_DUE: None}
        assert len(change.events) == 1


def test_told_on_one_channel_it_is_not_failed_because_another_one_is() -> None:
    seen = delivered(notification(), "inbox", 1, AT).after

    assert exhausted(seen, "webhook", 8, "http_500").after.status == "delivered"
    assert exhausted(notification(), "webhook", 8, "http_500").after.status == "failed"


def test_what_a_person_has_opened_stays_opened() -> None:
    seen = opened(notification(), AT, "sub_1").after

    assert opened(seen, AT + timedelta(hours=1), "sub_2").events == ()
    assert delivered(seen, "webhook", 2, AT).after.status == "opened"
    assert exhausted(seen, "webhook", 8, "timeout").after.status == "opened"
    assert opened(notification(), AT, "sub_1").due == {OPEN_DUE: None}


def receipt(**changes: Any) -> Acted:
    values = {"person": "sub_1", "name": "A Name", "taken": "phoned", "outcome": "done", "at": AT}
    return Acted.model_validate({**values, **changes})


def test_what_was_done_ends_reminders_and_its_event_names_no_person() -> None:
    change = acted(notification(), receipt())

    assert change.after.status == "acted"
    assert change.due == {OPEN_DUE: None, REMIND_DUE: None}
    assert "A Name" not in change.events[0].model_dump_json()
    assert acted(change.after, receipt(at=AT + timedelta(hours=1))).events == ()
    assert len(acted(change.after, receipt(outcome="not_done")).events) == 1


def test_withheld_and_retracted_are_the_end_of_every_clock_and_channel() -> None:
    held = withhold(notification(), NO, "sending")
    back = retract(notification(told_at=AT), ("existence",), "ground_ended", AT)

    for over in (held, back):
        assert over.due == ALL_STOPPED
        assert set(ALL_STOPPED) == set(TIMERS)
        for change in (
            delivered(over.after, "webhook", 1, AT),
            exhausted(over.after, "webhook", 1, "timeout"),
            withhold(over.after, NO, "sending"),
            retract(over.after, (), "ground_ended", AT),
            redecide(over.after, NO, None),
            remind(over.after, AT, None),
            escalate(over.after, "hub", "hub_1"),
            replay(over.after, "webhook", AT),
        ):
            assert change.events == ()


def test_who_was_told_is_never_withheld_from_afterwards() -> None:
    assert withhold(notification(told_at=AT), NO, "ground_changed").events == ()


def test_a_reminder_is_mailed_again_and_stops_once_somebody_has_acted() -> None:
    told = delivered(notification(), "email", 1, AT).after
    change = remind(told, AT, AT + timedelta(days=3))

    assert change.due == {REMIND_DUE: AT + timedelta(days=3), EMAIL_DUE: AT}
    assert change.after.email == ChannelState(since=AT, attempts=1)
    assert remind(acted(told, receipt()).after, AT, None).events == ()


def test_a_replay_is_a_new_run_of_attempts_under_the_same_id() -> None:
    told = delivered(notification(), "webhook", 3, AT).after
    change = replay(told, "webhook", AT)

    assert change.due == {WEBHOOK_DUE: AT}
    assert change.after.webhook == ChannelState(since=AT, attempts=3)
    assert change.after.id == told.id
    assert replay(notification(), "webhook", AT).events == (), "it still waits"


def test_escalation_is_told_once_and_not_after_it_was_opened() -> None:
    first = escalate(notification(), "hub", "hub_1")

    assert first.due == {OPEN_DUE: None}
    assert escalate(first.after, "hub", "hub_1").events == ()
    assert escalate(opened(notification(), AT, "x").after, "hub", "hub_1").events == ()


# --- What leaves us --------------------------------------------------------------------------


def test_nothing_that_leaves_us_names_the_young_person() -> None:
    marked = notification(subject_id="MARKER", hub_id="MARKER", verdicts=VERDICTS)
    body = json.loads(webhook_body(marked))

    assert "MARKER" not in webhook_body(marked).decode() + "".join(
        mail(marked, "https://x.example")
    )
    assert set(body) == {
        *("type", "id", "kind", "referral_id", "purpose", "categories", "action", "detail"),
        *("about", "due_at", "created_at", "link", "instructions"),
    }
    assert body["categories"] == ["existence"]


# --- Timing and outcomes ---------------------------------------------------------------------


def test_attempts_back_off_over_about_a_day_and_end() -> None:
    waits = [next_attempt(n, AT, 0.0) for n in range(1, len(BACKOFF) + 1)]

    assert all(w is not None and w > AT for w in waits)
    assert 20 * 3600 < sum(BACKOFF) < 28 * 3600
    assert next_attempt(len(BACKOFF) + 1, AT, 0.0) is None
    assert next_attempt(1, AT, 1.0) == AT + timedelta(seconds=6)


def test_a_failing_endpoint_is_slowed_but_never_for_long() -> None:
    seconds = [(slowed_until(n, AT, None) - AT).total_seconds() for n in (1, 2, 3, 8, 1000)]

    assert seconds == [5, 10, 20, 600, 600]
    assert slowed_until(1, AT, 120.0) == AT + timedelta(seconds=120)
    assert slowed_until(1, AT, 1e9) == AT + timedelta(hours=1)


@pytest.mark.parametrize(
    ("status", "result", "wish"),
    [
        *((200, "delivered", None), (204, "delivered", None), (301, "temporary", None)),
        *((400, "temporary", None), (410, "permanent", None), (429, "temporary", 7.0)),
        *((500, "temporary", None), (503, "temporary", 7.0)),
    ],
)
def test_temporary_and_permanent_answers_are_told_apart(
    status: int, result: str, wish: float | None
) -> None:
    found = of_status(status, "7")

    assert (found.result, found.retry_after) == (result, wish)


def test_a_wish_that_is_no_number_of_seconds_is_not_followed() -> None:
    for wish in (None, "", "soon", "-5", "1e9", "9" * 50, "Wed, 21 Oct 2026 07:28:00 GMT"):
        assert of_status(429, wish).retry_after is None


def test_mail_servers_answers_are_told_apart() -> None:
    assert [of_smtp(code).result for code in (250, 450, 550)] == [
        "delivered",
        "temporary",
        "permanent",
    ]


@pytest.mark.parametrize(
    ("at", "end"),
    [
        ("2026-03-02T12:00", None),
        ("2026-03-02T21:10", "2026-03-03T07:30"),
        ("2026-03-03T03:00", "2026-03-03T07:30"),
        ("2026-03-06T21:00", "2026-03-09T07:30"),  # Friday evening to Monday morning
        ("2026-04-02T21:00", "2026-04-07T06:30"),  # over Easter, and in summer time by then
    ],
)
def test_quiet_hours_end_on_the_morning_of_a_working_day(at: str, end: str | None) -> None:
    quiet = QuietHours(start="20:00", end="07:30", days_off="weekends_and_holidays")

    found = quiet_until(quiet, datetime.fromisoformat(at).replace(tzinfo=UTC), "england")

    assert found == (datetime.fromisoformat(end).replace(tzinfo=UTC) if end else None)


def test_quiet_all_day_long_ends_all_the_same() -> None:
    always = QuietHours(start="00:00", end="23:59")

    assert quiet_until(always, AT, "england") is not None


def test_reminders_come_on_mornings_of_working_days_at_growing_distance() -> None:
    friday = datetime(2026, 3, 6, 16, 0, tzinfo=UTC)
    times = [remind_at(friday, n, (1, 3, 7), "england") for n in range(4)]

    assert times == [
        datetime(2026, 3, 9, 8, tzinfo=UTC),
        datetime(2026, 3, 11, 8, tzinfo=UTC),
        datetime(2026, 3, 17, 8, tzinfo=UTC),
        None,
    ]


# --- Subscriptions ---------------------------------------------------------------------------


def test_a_new_address_must_answer_a_challenge_and_an_old_answer_does_not_count_for_it() -> None:
    entry = SubscriptionEntry(url="https://a.example/x")
    first, _, due = subscribe("agency", "ag_1", entry, AT)
    known = verified(first, "webhook", "https://a.example/x").after
    moved = amend(known, SubscriptionEntry(url="https://b.example/x"), AT)

    assert due == {VERIFY_DUE: AT}
    assert known.url_verified
    assert not moved.after.url_verified
    assert moved.due[VERIFY_DUE] == AT
    assert verified(moved.after, "webhook", "https://a.example/x").events == ()
    assert amend(known, entry, AT).events == ()


def test_no_address_is_in_an_event() -> None:
    entry = SubscriptionEntry(url="https://a.example/MARKER", email="MARKER@a.example")

    subscription, event, _ = subscribe("agency", "ag_1", entry, AT)

    assert subscription.url is not None
    assert "MARKER" not in event.model_dump_json()


def test_after_a_rotation_both_secrets_sign_for_a_day() -> None:
    change = rotate(hook(), AT)

    assert change.after.generations(AT + timedelta(hours=23)) == (2, 1)
    assert change.after.generations(AT + timedelta(hours=24)) == (2,)
    assert rotate(change.after, AT + timedelta(hours=1)).events == (), "the old one is still in use"


def test_an_operator_is_alarmed_at_most_once_a_day() -> None:
    assert not alarm_due(hook(), 2, AT, gone=False)
    assert alarm_due(hook(), 3, AT, gone=False)
    assert alarm_due(hook(), 1, AT, gone=True)
    told = hook(alerted_at=AT)
    assert not alarm_due(told, 99, AT + timedelta(hours=23), gone=True)
    assert alarm_due(told, 99, AT + timedelta(hours=24), gone=False)


def test_a_hub_policy_has_only_known_words() -> None:
    with pytest.raises(ValueError, match="extra"):
        HubPolicy.model_validate({"remind": [1]})
