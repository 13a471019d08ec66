"""Each step of a notification, whole: its fields, its event, its timers; and how it begins."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from services.notify.app import DEFAULT_POLICY
from services.notify.decision.decide import Answer, answer, lost, next_change, nothing
from services.notify.delivery.outcomes import Outcome, of_smtp, of_status
from services.notify.delivery.payload import challenge_body, confirmation_mail, mail, webhook_body
from services.notify.delivery.timing import (
    BACKOFF,
    QuietHours,
    given_up,
    quiet_until,
    remind_at,
    slowed_until,
)
from services.notify.inbox.sentences import SENTENCES
from services.notify.inbox.view import view
from services.notify.notification import (
    ALL_STOPPED,
    OVER,
    Acted,
    ChannelState,
    Notification,
    Status,
)
from services.notify.projections.cases import Case, CaseState
from services.notify.rules.drafts import create, draft, notice
from services.notify.rules.policy import Rule
from services.notify.rules.policy_file import load_policy
from services.notify.subscriptions.subscription import Subscription
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
from shared.events.notify import NotificationKind
from shared.rules.sharing import (
    POLICY_VERSION,
    Basis,
    Consent,
    Decision,
    Request,
    SharingState,
    Terms,
    Verdict,
)
from shared.storage.records import Change
from tests.golden.__main__ import sample

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # a Monday
NOW = AT + timedelta(hours=5)
POLICY = load_policy(DEFAULT_POLICY)
HUB = POLICY.default
YES = (Verdict(category="existence", permitted=True, ground="consent", ground_id="con_1"),)
NO = Decision(
    verdicts=(Verdict(category="existence", permitted=False, reason="consent_withdrawn"),),
    safety_hold=True,
    policy_version="sharing-8",
)
WAITS = ChannelState(since=AT, attempts=2)
IDENTITY = {
    "notification_id": "ntf_1",
    "referral_id": "ref_1",
    "recipient_kind": "agency",
    "recipient_id": "ag_1",
    "kind": "support_arranged",
}


def notification(**changes: Any) -> Notification:
    return Notification.model_validate(
        {
            "id": "ntf_1",
            "referral_id": "ref_1",
            "subject_id": "sub_1",
            "event_id": "evt_1",
            "recipient": "agency:ag_1",
            "recipient_kind": "agency",
            "recipient_id": "ag_1",
            "kind": "support_arranged",
            "purpose": "safeguarding",
            "action": "read_it",
            "ground": "sharing",
            "verdicts": YES,
            "created_at": AT,
            "webhook": WAITS,
            "email": WAITS,
            **changes,
        }
    )


def receipt(**changes: Any) -> Acted:
    values = {"person": "p_1", "name": "A Name", "taken": "phoned", "outcome": "done", "at": NOW}
    return Acted.model_validate({**values, **changes})


FIRST = notification()
DONE = receipt()
TOLD = notification(told_at=AT, status="delivered")
OPENED = notification(told_at=AT, opened_at=AT, status="opened")
FAILED = notification(webhook=ChannelState(status="failed", since=AT, attempts=8), status="failed")
RETRACTED = notification(status="retracted", retracted_at=AT)
WITHHELD = notification(status="withheld")
MAIL_ONLY = notification(webhook=None)
ACTED = notification(acted=DONE, status="acted", opened_at=AT, told_at=AT)


def sent(status: str, attempts: int) -> ChannelState:
    return ChannelState.model_validate({"status": status, "since": AT, "attempts": attempts})


Begun = Callable[[], Change[Notification]]

# name: (from, step, what it changes, what its event says, its timers)
STEPS: dict[str, tuple[Notification, Begun, dict[str, Any], dict[str, Any], Any]] = {
    "a webhook took it": (
        FIRST,
        lambda: delivered(FIRST, "webhook", 3, NOW),
        {"told_at": NOW, "status": "delivered", "webhook": sent("delivered", 3)},
        {"channel": "webhook", "attempts": 3},
        {"webhook_due": None},
    ),
    "a mail server took it after all": (
        FAILED,
        lambda: delivered(FAILED, "email", 4, NOW),
        {"told_at": NOW, "status": "delivered", "email": sent("delivered", 4)},
        {"channel": "email", "attempts": 4},
        {"email_due": None},
    ),
    "it was read in the inbox": (
        TOLD,
        lambda: delivered(TOLD, "inbox", 1, NOW),
        {"inbox_at": NOW},
        {"channel": "inbox", "attempts": 1},
        {},
    ),
    "a channel is given up": (
        FIRST,
        lambda: exhausted(FIRST, "email", 8, "smtp_550"),
        {"status": "failed", "email": sent("failed", 8)},
        {"channel": "email", "attempts": 8, "code": "smtp_550"},
        {"email_due": None},
    ),
    "a channel is given up after another one took it": (
        TOLD,
        lambda: exhausted(TOLD, "webhook", 8, "timeout"),
        {"webhook": sent("failed", 8)},
        {"channel": "webhook", "attempts": 8, "code": "timeout"},
        {"webhook_due": None},
    ),
    "it is opened": (
        FIRST,
        lambda: opened(FIRST, NOW, "p_1", "A Name"),
        {"status": "opened", "opened_at": NOW, "opened_name": "A Name", "told_at": NOW},
        {"opened_at": NOW, "person": "p_1"},
        {"open_due": None},
    ),
    "it is opened after it was told": (
        TOLD,
        lambda: opened(TOLD, NOW, "p_1"),
        {"status": "opened", "opened_at": NOW},
        {"opened_at": NOW, "person": "p_1"},
        {"open_due": None},
    ),
    "it is opened after it was retracted": (
        RETRACTED,
        lambda: opened(RETRACTED, NOW, "p_1"),
        {"opened_at": NOW, "told_at": NOW},
        {"opened_at": NOW, "person": "p_1"},
        {"open_due": None},
    ),
    "it is opened after something was done": (
        ACTED.but(opened_at=None),
        lambda: opened(ACTED.but(opened_at=None), NOW, "p_1"),
        {"opened_at": NOW},
        {"opened_at": NOW, "person": "p_1"},
        {"open_due": None},
    ),
    "something is done at once": (
        FIRST,
        lambda: acted(FIRST, DONE),
        {"status": "acted", "opened_at": NOW, "told_at": NOW, "acted": DONE},
        {"acted_at": NOW, "person": "p_1", "taken": "phoned", "outcome": "done"},
        {"open_due": None, "remind_due": None},
    ),
    "something is done after it was opened": (
        OPENED,
        lambda: acted(OPENED, DONE),
        {"status": "acted", "acted": DONE},
        {"acted_at": NOW, "person": "p_1", "taken": "phoned", "outcome": "done"},
        {"open_due": None, "remind_due": None},
    ),
    "something is done after it was retracted": (
        RETRACTED,
        lambda: acted(RETRACTED, DONE),
        {"opened_at": NOW, "told_at": NOW, "acted": DONE},
        {"acted_at": NOW, "person": "p_1", "taken": "phoned", "outcome": "done"},
        {"open_due": None, "remind_due": None},
    ),
    "it is withheld": (
        FIRST,
        lambda: withhold(FIRST, NO, "sending"),
        {"status": "withheld", "verdicts": NO.verdicts},
        {
            "purpose": "safeguarding",
            "verdicts": NO.verdicts,
            "safety_hold": True,
            "policy_version": "sharing-8",
            "stage": "sending",
        },
        ALL_STOPPED,
    ),
    "it is decided again": (
        FIRST,
        lambda: redecide(FIRST, NO, NOW),
        {"verdicts": NO.verdicts},
        {"verdicts": NO.verdicts, "policy_version": "sharing-8"},
        {"recheck_due": NOW},
    ),
    "it is retracted": (
        TOLD,
        lambda: retract(TOLD, ("existence",), "ground_ended", NOW),
        {"status": "retracted", "retracted_at": NOW},
        {"reason": "ground_ended", "categories": ("existence",), "safety_hold": False},
        ALL_STOPPED,
    ),
    "it is retracted for safety": (
        TOLD,
        lambda: retract(TOLD, (), "ground_ended", NOW, safety_hold=True),
        {"status": "retracted", "retracted_at": NOW},
        {"reason": "ground_ended", "categories": (), "safety_hold": True},
        ALL_STOPPED,
    ),
    "they are reminded by mail": (
        TOLD.but(reminders=1),
        lambda: remind(TOLD.but(reminders=1), NOW, NOW + timedelta(days=3)),
        {"reminders": 2, "email": ChannelState(since=NOW, attempts=2)},
        {"reminders": 2},
        {"remind_due": NOW + timedelta(days=3), "email_due": NOW},
    ),
    "they are reminded for the last time, without mail": (
        notification(email=None),
        lambda: remind(notification(email=None), NOW, None),
        {"reminders": 1},
        {"reminders": 1},
        {"remind_due": None},
    ),
    "somebody else is told to reach them": (
        FIRST,
        lambda: escalate(FIRST, "hub", "hub_1"),
        {"escalated": True},
        {"to_kind": "hub", "to_id": "hub_1"},
        {"open_due": None},
    ),
    "it is sent once more": (
        FAILED,
        lambda: replay(FAILED, "webhook", NOW),
        {"webhook": ChannelState(since=NOW, attempts=8)},
        {"channel": "webhook"},
        {"webhook_due": NOW},
    ),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_changes_says_and_sets_going_just_this(name: str) -> None:
    before, step, changed, said, due = STEPS[name]

    change = step()

    after = {n: v for n, v in dict(change.after).items() if v != getattr(before, n)}
    (event,) = change.events
    assert (after, dict(event), dict(change.due)) == (changed, {**IDENTITY, **said}, due)


Step = Callable[[Notification], Change[Notification]]
NOTHING: dict[str, tuple[Notification, Step]] = {
    "delivered there already": (
        notification(webhook=sent("delivered", 1)),
        lambda n: delivered(n, "webhook", 2, NOW),
    ),
    "read already": (TOLD.but(inbox_at=AT), lambda n: delivered(n, "inbox", 1, NOW)),
    "given up already": (FAILED, lambda n: exhausted(n, "webhook", 9, "timeout")),
    "no such channel": (MAIL_ONLY, lambda n: exhausted(n, "webhook", 9, "timeout")),
    "opened already": (OPENED, lambda n: opened(n, NOW, "p_2")),
    "never told": (WITHHELD, lambda n: opened(n, NOW, "p_1")),
    "done already": (ACTED, lambda n: acted(n, receipt(at=NOW + timedelta(hours=1)))),
    "told already": (TOLD, lambda n: withhold(n, NO, "sending")),
    "the same verdicts": (
        FIRST,
        lambda n: redecide(n, NO.model_copy(update={"verdicts": YES}), NOW),
    ),
    "no reminder after it was done": (ACTED, lambda n: remind(n, NOW, None)),
    "opened, so nobody is sent": (OPENED, lambda n: escalate(n, "hub", "hub_1")),
    "sent already": (FIRST.but(escalated=True), lambda n: escalate(n, "hub", "hub_1")),
    "it still waits": (FIRST, lambda n: replay(n, "webhook", NOW)),
    "nothing to send by": (MAIL_ONLY, lambda n: replay(n, "webhook", NOW)),
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_step_that_is_past_leaves_everything_as_it_is(name: str) -> None:
    before, step = NOTHING[name]

    assert step(before) == Change(before)


@pytest.mark.parametrize("status", OVER)
def test_what_is_over_takes_no_step_but_that_it_was_seen(status: Status) -> None:
    over = FAILED.but(status=status)

    for step in (
        delivered(over, "webhook", 1, NOW),
        delivered(over, "inbox", 1, NOW),
        exhausted(over, "email", 1, "timeout"),
        withhold(over, NO, "sending"),
        redecide(over, NO, None),
        retract(over, (), "ground_ended", NOW),
        remind(over, NOW, None),
        escalate(over, "hub", "hub_1"),
        replay(over, "webhook", NOW),
    ):
        assert step == Change(over)


# --- How it begins ---------------------------------------------------------------------------


CASE = Case(
    id="ref_1", subject_id="sub_1", agency_id="ag_school", area="northtown", urgency="immediate",
    due_at=AT,
)  # fmt: skip
RULE = Rule.model_validate(
    {
        "on": "allocation.made",
        "tell": "partners",
        "kind": "support_arranged",
        "purpose": "safeguarding",
        "action": "read_it",
        "categories": ["existence", "worker"],
        "detail": "level",
        "due": "due_at",
    }
)


def made(**changes: Any) -> Event[Any]:
    event = sample(event_types()["allocation.made"])
    data = {"level": "mild", "due_at": NOW, "referral_id": "ref_1", "reopenings": 0, **changes}
    return event.model_copy(update={"id": "evt_1", "data": event.data.model_copy(update=data)})


def drafted(rule: Rule = RULE) -> Notification:
    return draft(
        made(), rule, "agency", "ag_1", case=CASE, hub_id="hub_1", policy=HUB, at=AT
    )  # fmt: skip


def test_a_draft_has_all_that_the_event_the_rule_and_the_case_say() -> None:
    once = RULE.model_copy(update={"once": True, "detail": None, "due": None})

    assert dict(drafted()) == dict(
        notification(
            # Whoever upgrades must not tell anybody twice: an id is for good.
            id="ntf_9d490716dacbaecfb2878911ba0acb15",
            event_type="allocation.made",
            detail="mild",
            categories=("existence", "worker"),
            hub_id="hub_1",
            urgency="immediate",
            due_at=NOW,
            verdicts=(),
            webhook=None,
            email=None,
        )
    )
    urgent = RULE.model_copy(update={"urgent": "by_urgency"})
    assert drafted(urgent) == drafted().but(urgent=True)
    assert drafted(once) == drafted().but(
        id="ntf_fdc789e42a72b10b4f86d69795aaa211", detail=None, due_at=None
    )


def about(**changes: Any) -> Notification:
    given: dict[str, Any] = {
        "action": "phone_them",
        "ground": "hub_oversight",
        "at": NOW,
        **changes,
    }
    base = FIRST.but(hub_id="hub_1", urgency="immediate")
    return notice(base, given.pop("kind", "phone_them"), "hub", "hub_1", **given)


def test_a_notice_is_about_another_notification() -> None:
    expected = notification(
        id="ntf_36462c66ca7e57f38e1b7b73d7e23986",
        recipient="hub:hub_1",
        recipient_kind="hub",
        recipient_id="hub_1",
        kind="phone_them",
        purpose="oversight",
        action="phone_them",
        ground="hub_oversight",
        hub_id="hub_1",
        urgency="immediate",
        created_at=NOW,
        about_id="ntf_1",
        verdicts=(),
        webhook=None,
        email=None,
    )
    assert about() == expected
    assert about(detail="mild") == expected.but(detail="mild")
    assert about(apart="again").id == "ntf_c0f9ca96efdad56fd3ecc311a05fa746"
    assert (about(kind="retraction").purpose, about(kind="retraction").kind) == (
        "retraction", "retraction",
    )  # fmt: skip


def hook(**changes: Any) -> Subscription:
    return Subscription.model_validate(
        {
            "id": "agency:ag_1",
            "recipient_kind": "agency",
            "recipient_id": "ag_1",
            "url": "https://ag.example/hook",
            "url_verified": True,
            "email": "desk@ag.example",
            "email_confirmed": True,
            **changes,
        }
    )


def test_what_is_created_says_its_channels_and_verdicts_and_has_its_timers() -> None:
    first = notification(webhook=None, email=None, verdicts=(), due_at=NOW, about_id="ntf_0")
    yes = Answer(
        permitted=True,
        decision=Decision(verdicts=YES, safety_hold=False, policy_version="sharing-8"),
    )
    quiet = hook(
        quiet_hours=QuietHours(start="09:00", end="11:00", days_off="weekends_and_holidays")
    )

    new = create(first, answer=yes, subscription=quiet, policy=HUB, minutes=15)

    morning = AT.replace(hour=11, minute=0)
    assert new.record == first.but(
        verdicts=YES,
        policy_version="sharing-8",
        webhook=ChannelState(since=AT),
        email=ChannelState(since=morning),
    )
    (event,) = new.events
    assert dict(event) == {
        **IDENTITY,
        "purpose": "safeguarding",
        "action": "read_it",
        "ground": "sharing",
        "due_at": NOW,
        "channels": ("inbox", "webhook", "email"),
        "verdicts": YES,
        "policy_version": "sharing-8",
        "about_id": "ntf_0",
    }
    assert new.due == {
        "webhook_due": AT,
        "email_due": morning,
        "recheck_due": AT + timedelta(seconds=30),
        "open_due": AT + timedelta(minutes=15),
        "remind_due": remind_at(AT, 0, HUB.remind_after, HUB.nation),
    }
    no = create(first, answer=Answer(permitted=False, decision=NO), subscription=None,
                policy=HUB, minutes=15)  # fmt: skip
    assert (no.record, no.due) == (
        first.but(status="withheld", verdicts=NO.verdicts, policy_version="sharing-8"),
        {},
    )
    assert dict(no.events[0]) == {
        **IDENTITY,
        "purpose": "safeguarding",
        "verdicts": NO.verdicts,
        "safety_hold": True,
        "policy_version": "sharing-8",
        "stage": "creation",
    }


def test_a_timer_is_set_only_where_something_is_to_happen() -> None:
    calm = notification(action="none", ground="operations", webhook=None, email=None)
    asked = calm.but(action="read_it")
    never = HUB.model_copy(update={"remind_after": ()})

    def due(first: Notification, policy: Any = HUB) -> set[str]:
        return set(create(first, answer=None, subscription=None, policy=policy, minutes=None).due)

    assert due(calm) == due(asked, never) == set()
    assert due(asked) == {"remind_due"}


# --- Decisions -------------------------------------------------------------------------------


def terms(**changes: Any) -> Terms:
    return Terms.model_validate(
        {
            "id": "isa_1",
            "version": 1,
            "parties": ("hub_1", "ag_1"),
            "signed_by": ("hub_1", "ag_1"),
            "purposes": ("safeguarding",),
            "categories": ("existence", "worker"),
            "grounds": ("consent",),
            "effective_from": AT - timedelta(days=1),
            "effective_to": AT + timedelta(days=30),
            **changes,
        }
    )


REQUEST = Request(
    sharer="hub_1", agency_id="ag_1", agency_kind="6", purpose="safeguarding",
    categories=("existence", "worker"),
)  # fmt: skip


def answered(state: SharingState, *agreements: Terms, **changes: Any) -> Answer:
    given: dict[str, Any] = {"sharing": True, "retracted": False, "at": AT, **changes}
    return answer(request=REQUEST, state=state, agreements=agreements, **given)


def test_who_needs_no_ground_is_told_without_verdicts_and_an_unsafe_one_with_them() -> None:
    safe = answered(SharingState(), sharing=False)
    unsafe = answered(SharingState(unsafe_agencies=("ag_1",)), sharing=False)

    assert (safe.permitted, safe.decision.verdicts, safe.again_at) == (True, (), None)
    assert (unsafe.permitted, unsafe.decision.safety_hold) == (False, True)
    assert [v.permitted for v in unsafe.decision.verdicts] == [False, False]


def test_it_is_decided_again_when_the_agreement_between_the_two_ends_and_no_other() -> None:
    of_others = terms(id="isa_2", parties=("hub_1", "ag_2"), effective_to=AT + timedelta(days=1))

    assert answered(SharingState(), of_others, terms()).again_at == AT + timedelta(days=30)


def test_of_what_should_never_have_been_every_category_is_withheld() -> None:
    found = answered(SharingState(), terms(), retracted=True)

    assert found.decision == nothing(REQUEST.categories, safety_hold=False)
    assert nothing(("existence", "worker"), safety_hold=True) == Decision(
        verdicts=tuple(
            Verdict(category=c, permitted=False, reason="no_ground") for c in REQUEST.categories
        ),
        safety_hold=True,
        policy_version=POLICY_VERSION,
    )


def test_every_moment_at_which_a_ground_begins_or_ends_counts_and_none_that_is_past() -> None:
    def at(**times: float) -> dict[str, Any]:
        return {name: AT + timedelta(days=days) for name, days in times.items()}

    consent = Consent.model_validate(
        {
            "id": "con_1", "status": "given", "categories": ["existence"],
            "given_by": "young_person", "gillick_competent": True, "recorded_at": AT,
            **at(valid_from=1, valid_to=3),
        }
    )  # fmt: skip
    basis = Basis.model_construct(**at(decided_at=2, review_at=5, ended_at=8))
    state = SharingState.model_construct(consents=(consent,), bases=(basis,))
    agreement = terms(**at(effective_from=4, effective_to=7, ended_at=6))

    found, moment = [], next_change(state, [agreement], AT)
    while moment is not None:
        found.append((moment - AT).days)
        moment = next_change(state, [agreement], moment)

    assert found == [1, 2, 3, 4, 5, 6, 7, 8]


def test_what_was_permitted_and_is_no_more_is_lost() -> None:
    both = (*YES, Verdict(category="worker", permitted=True, ground="consent", ground_id="con_1"))
    now_ = Decision(verdicts=YES, safety_hold=False, policy_version="p1")

    assert lost(notification(verdicts=both), now_) == ("worker",)
    assert lost(notification(), now_) == ()
    assert lost(notification(verdicts=both), NO) == ("existence", "worker")


# --- Delivery --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("read", "code", "wish", "expected"),
    [
        (of_status, 204, None, Outcome("delivered", "delivered")),
        (of_status, 410, "5", Outcome("permanent", "http_410")),
        (of_status, 301, "5", Outcome("temporary", "http_301")),
        (of_status, 503, " 120 ", Outcome("temporary", "http_503", 120.0)),
        (of_status, 429, "999999999", Outcome("temporary", "http_429", 999999999.0)),
        (of_status, 429, "1000000000", Outcome("temporary", "http_429")),
        (of_status, 429, "²", Outcome("temporary", "http_429")),
        (of_status, 502, None, Outcome("temporary", "http_502")),
        (of_status, 504, "Mon, 02 Mar 2026 09:30:00 GMT", Outcome("temporary", "http_504")),
        (of_smtp, 250, None, Outcome("delivered", "delivered")),
        (of_smtp, 299, None, Outcome("delivered", "delivered")),
        (of_smtp, 450, None, Outcome("temporary", "smtp_450")),
        (of_smtp, 550, None, Outcome("permanent", "smtp_550")),
        (of_smtp, 599, None, Outcome("permanent", "smtp_599")),
    ],
)
def test_an_answer_is_read_as_the_standards_mean_it(
    read: Callable[..., Outcome], code: int, wish: str | None, expected: Outcome
) -> None:
    assert read(code, *([wish] if read is of_status else [])) == expected


def test_a_webhook_gets_these_fields_and_no_others() -> None:
    whole = notification(due_at=NOW, about_id="ntf_0", detail="mild", action="read_it")
    said = {
        "type": "notification",
        "id": "ntf_1",
        "kind": "support_arranged",
        "referral_id": "ref_1",
        "purpose": "safeguarding",
        "categories": ["existence"],
        "action": "read_it",
        "instructions": ["do_not_tell_parents"],
        "detail": "mild",
        "about": "ntf_0",
        "due_at": "2026-03-02T14:30:00+00:00",
        "created_at": "2026-03-02T09:30:00+00:00",
        "link": "/v1/referrals/ref_1",
    }

    told = webhook_body(whole, ("do_not_tell_parents",))
    assert told == json.dumps(said, separators=(",", ":")).encode()
    bare = json.loads(webhook_body(whole.but(due_at=None, referral_id=None)))
    assert (bare["due_at"], bare["referral_id"], bare["link"]) == (None, None, "/v1/notifications")
    assert challenge_body("abc") == b'{"type":"challenge","challenge":"abc"}'


def test_a_mail_says_the_reference_what_is_asked_and_by_when() -> None:
    whole = notification(due_at=NOW)

    assert mail(whole, "https://x.example") == (
        "Something in the referral network awaits you",
        "Something in the referral network awaits you.\n\n"
        "Reference: ref_1\nAsked of you: read it\nBy: 02 Mar 2026, 14:30 UTC\n\n"
        "Sign in to read it; this mail says no more on purpose.\n"
        "https://x.example/v1/referrals/ref_1\n",
    )
    bare = whole.but(due_at=None, referral_id=None, action="none", reminders=1)
    assert mail(bare, "https://x.example")[1] == (
        "Something in the referral network still awaits your answer.\n\n"
        "Reference: ntf_1\n\n"
        "Sign in to read it; this mail says no more on purpose.\n"
        "https://x.example/v1/notifications\n"
    )
    assert confirmation_mail("123456")[1].count("123456") == 1


def test_it_is_given_up_when_all_attempts_could_have_been_made() -> None:
    whole = timedelta(seconds=1.2 * sum(BACKOFF))

    assert [given_up(AT, AT + whole + timedelta(seconds=s)) for s in (-1, 0, 1)] == [
        False, False, True,
    ]  # fmt: skip
    assert given_up(AT, AT + timedelta(seconds=13), (4.0, 6.0))


def test_an_endpoint_that_fails_is_left_alone_for_ten_minutes_at_most_or_an_hour_if_it_asks() -> (
    None
):
    def seconds(failures: int, wish: float | None) -> float:
        return (slowed_until(failures, AT, wish, (0.25, 9.0)) - AT).total_seconds()

    assert [seconds(n, None) for n in (1, 2, 3, 11, 12, 99)] == [0.25, 0.5, 1, 256, 512, 600]
    assert [seconds(1, wish) for wish in (0.0, 0.1, 40.0, 9999.0)] == [0.25, 0.25, 40, 3600]


@pytest.mark.parametrize(
    ("start", "end", "at", "until"),
    [
        ("09:30", "09:45", "09:30", "09:45"),
        ("09:00", "09:30", "09:30", None),
        ("09:30", "09:30", "09:30", None),
        ("09:30", "09:30", "09:29", None),
        ("22:00", "07:00", "22:00", "07:00"),
        ("22:00", "07:00", "06:59", "07:00"),
        ("22:00", "07:00", "07:00", None),
        ("22:00", "07:00", "21:59", None),
        ("22:00", "00:00", "23:00", "00:00"),
        ("09:00", "10:10", "09:30", "10:15"),
    ],
)
def test_quiet_hours_include_their_start_and_not_their_end(
    start: str, end: str, at: str, until: str | None
) -> None:
    hour, minute = map(int, at.split(":"))
    found = quiet_until(
        QuietHours(start=start, end=end), AT.replace(hour=hour, minute=minute), "england"
    )

    assert (found and f"{found:%H:%M}") == until


def test_a_reminder_comes_on_the_morning_in_london_of_the_working_day() -> None:
    friday_night = datetime(2026, 6, 5, 23, 30, tzinfo=UTC)  # Saturday in London

    assert remind_at(friday_night, 0, (1, 3), "england") == datetime(2026, 6, 8, 7, tzinfo=UTC)
    third = remind_at(friday_night, 1, (1, 3), "england")
    assert (third, third and third.tzinfo) == (datetime(2026, 6, 10, 7, tzinfo=UTC), UTC)
    assert remind_at(friday_night, 2, (1, 3), "england") is None


def test_a_recipient_sees_what_they_may_read_now_and_of_a_retraction_what_it_is_about() -> None:
    shown = view(
        notification(categories=("existence", "worker"), due_at=NOW),
        ("do_not_tell_parents",),
    ).model_dump()
    taken_back = notification(ground="retraction", categories=("worker",))

    assert shown.pop("categories") == ("existence",)
    assert shown.pop("instructions") == ("do_not_tell_parents",)
    assert shown.pop("link") == "/v1/referrals/ref_1"
    assert shown.pop("sentence") == SENTENCES[shown["kind"]]
    assert set(SENTENCES) == set(get_args(NotificationKind))
    whole = notification(due_at=NOW).model_dump()
    assert shown == {name: whole[name] for name in shown}
    assert view(taken_back, ()).categories == ("worker",)
    assert view(taken_back.but(categories=()), ()).categories == ("existence",)


# --- What is known of a case -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "of", "reason"),
    [
        ({}, "sub_1", None),
        ({"subject_id": "sub_1"}, "sub_1", None),
        ({"subject_id": "sub_1"}, "sub_2", "wrong_person"),
        ({"void": "entered_in_error", "erased": True}, "sub_1", "erased"),
        ({"void": "entered_in_error", "subject_id": "sub_1"}, "sub_2", "entered_in_error"),
        ({"subject_id": "sub_1", "left": {"sub_1": AT}}, "sub_1", "wrong_person"),
        ({"left": {"sub_1": AT}, "joined": {"sub_1": AT}}, "sub_1", None),
        ({"left": {"sub_1": NOW}, "joined": {"sub_1": AT}}, "sub_1", "wrong_person"),
        ({"left": {"sub_2": NOW}, "joined": {"sub_1": AT}}, "sub_1", None),
        ({"left": {"sub_1": NOW}}, None, None),
    ],
)
def test_why_nobody_should_know_of_it_as_one_of_this_young_person(
    fields: dict[str, Any], of: str | None, reason: str | None
) -> None:
    state = CaseState(**fields)

    assert state.retraction_reason(of) == reason
    assert state.taken_from(of) is (reason == "wrong_person" and "left" in fields)


def test_a_case_is_known_once_its_snapshot_has_arrived() -> None:
    known = CaseState(
        version=3, subject_id="sub_1", subject_version=2, agency_id="ag_1", area="northtown",
        urgency="immediate", due_at=NOW, seen=5, hub_id="hub_1", hub_version=1, worker_id="wk_1",
        left={"sub_1": AT},
    )  # fmt: skip

    assert known.case("ref_1") == Case(
        id="ref_1", version=3, seen=5, subject_id="sub_1", subject_version=2, agency_id="ag_1",
        area="northtown", urgency="immediate", due_at=NOW, hub_id="hub_1", worker_id="wk_1",
        retraction_reason="wrong_person", subject_pending=True,
    )  # fmt: skip
    assert known.model_copy(update={"area": None}).case("ref_1") is None
    well = known.model_copy(update={"left": {}}).case("ref_1")
    assert well is not None
    assert (well.retraction_reason, well.subject_pending) == (None, False)
