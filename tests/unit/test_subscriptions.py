"""Subscriptions: over any history an event names whose it is, and an address is used once proven."""

from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.notification import Notification
from services.notify.rules.drafts import notice
from services.notify.subscriptions.secrets import Secrets
from services.notify.subscriptions.subscription import (
    CONFIRM_DUE,
    OVERLAP,
    VERIFY_DUE,
    Subscription,
    SubscriptionEntry,
    alarm_due,
    alarmed,
    amend,
    rotate,
    subscribe,
    verified,
)
from shared.events.notify import RecipientKind
from shared.storage.records import Change

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
URLS = (None, "https://one.example/hook", "https://two.example/hook")
EMAILS = (None, "one@school.example", "two@school.example")
repeatable = settings(derandomize=True)
Step = Callable[[Subscription], Change[Subscription]]

entries = st.builds(
    SubscriptionEntry,
    url=st.sampled_from(URLS),
    email=st.sampled_from(EMAILS),
    active=st.booleans(),
    areas=st.sampled_from(((), ("northtown",))),
    kinds=st.sampled_from(((), ("referral_allocated",))),
)
hours = st.integers(0, 60)
steps: st.SearchStrategy[Step] = st.one_of(
    entries.map(lambda entry: lambda s: amend(s, entry, AT)),
    st.sampled_from(URLS[1:]).map(lambda url: lambda s: verified(s, "webhook", str(url))),
    st.sampled_from(EMAILS[1:]).map(lambda email: lambda s: verified(s, "email", str(email))),
    hours.map(lambda hour: lambda s: rotate(s, AT + hour * HOUR)),
    hours.map(lambda hour: lambda s: alarmed(s, 3, "http_500", AT + hour * HOUR)),
)


@repeatable
@given(st.sampled_from(("agency", "worker", "hub")), entries, st.lists(steps, max_size=8))
def test_a_subscription_says_whose_it_is_and_uses_no_address_unproven(
    kind: RecipientKind, entry: SubscriptionEntry, history: list[Step]
) -> None:
    subscription, registered, started = subscribe(kind, "id_1", entry, AT)
    due: dict[str, datetime | None] = {VERIFY_DUE: None, CONFIRM_DUE: None, **started}
    events = [registered]

    for step in history:
        change = step(subscription)
        assert len(change.events) == (change.after != subscription)
        repeated = step(change.after)
        assert (repeated.after, repeated.events) == (change.after, ())
        due |= change.due
        events += change.events  # type: ignore[arg-type]
        subscription = change.after
        unproven = subscription.active and subscription.url and not subscription.url_verified
        assert due[VERIFY_DUE] == (AT if unproven else None)
        unconfirmed = (
            subscription.active and subscription.email and not subscription.email_confirmed
        )
        assert due[CONFIRM_DUE] == (AT if unconfirmed else None)
        assert subscription.mailbox in (None, subscription.email)
        assert subscription.mailbox is None or subscription.email_confirmed

    for event in events:
        said = event.model_dump()
        assert said["subscription_id"] == f"{kind}:id_1"
        assert said["agency_id"] == ("id_1" if kind == "agency" else None)
        assert (said["recipient_kind"], said["recipient_id"]) == (kind, "id_1")


def test_what_is_registered_says_which_channels_and_never_where() -> None:
    entry = SubscriptionEntry(url=URLS[1], kinds=("referral_allocated",), areas=("northtown",))

    said = subscribe("agency", "ag_1", entry, AT)[1].model_dump()

    assert (said["webhook"], said["email"], said["active"]) == (True, False, True)
    assert (said["kinds"], said["areas"], said["area_count"]) == (("referral_allocated",), (), 1)
    assert "example" not in str(said)


def test_the_secret_before_signs_until_the_overlap_ends() -> None:
    subscription = subscribe("agency", "ag_1", SubscriptionEntry(), AT)[0]

    rotated = rotate(subscription, AT)
    after = rotated.after

    assert (after.generation, after.overlap_until) == (2, AT + OVERLAP)
    said = rotated.events[0].model_dump()
    assert (said["generation"], said["overlap_until"]) == (2, AT + OVERLAP)
    assert after.generations(AT + OVERLAP - HOUR) == (2, 1)
    assert after.generations(AT + OVERLAP) == (2,)
    assert rotate(after, AT + OVERLAP - HOUR).events == ()
    assert rotate(after, AT + OVERLAP).after.generation == 3


@pytest.mark.parametrize(
    ("failures", "gone", "hours", "due"),
    [
        (2, False, None, False),
        (3, False, None, True),
        (0, True, None, True),
        (3, False, 23, False),
        (3, False, 24, True),
    ],
)
def test_an_alarm_is_due_after_three_failures_and_once_a_day(
    failures: int, gone: bool, hours: int | None, due: bool
) -> None:
    subscription = subscribe("agency", "ag_1", SubscriptionEntry(), AT)[0]
    if hours is not None:
        subscription = alarmed(subscription, 3, "http_500", AT - hours * HOUR).after

    assert alarm_due(subscription, failures, AT, gone=gone) is due


def test_an_alarm_says_how_often_and_how_it_failed() -> None:
    subscription = subscribe("agency", "ag_1", SubscriptionEntry(), AT)[0]

    change = alarmed(subscription, 4, "http_500", AT)

    said = change.events[0].model_dump()
    assert (said["failures"], said["code"]) == (4, "http_500")
    assert change.after.alerted_at == AT


def test_a_notice_carries_where_it_comes_from_and_nothing_of_what_was_decided() -> None:
    about = Notification(
        id="ntf_1",
        referral_id="ref_1",
        subject_id="sub_1",
        event_id="evt_1",
        recipient="agency:ag_1",
        recipient_kind="agency",
        recipient_id="ag_1",
        kind="referral_allocated",
        purpose="safeguarding",
        action="none",
        ground="sharing",
        hub_id="hub_1",
        urgency="same_day",
        created_at=AT,
    )

    told = notice(
        *(about, "retraction", "hub", "hub_1"),
        action="review",
        ground="hub_oversight",
        at=AT + HOUR,
        urgent=True,
    )
    apart = notice(
        *(about, "retraction", "hub", "hub_1"),
        action="review",
        ground="hub_oversight",
        at=AT + HOUR,
        apart="again",
    )

    said = told.model_dump(exclude={"id"}, exclude_defaults=True)
    assert said == {
        "referral_id": "ref_1",
        "subject_id": "sub_1",
        "event_id": "evt_1",
        "recipient": "hub:hub_1",
        "recipient_kind": "hub",
        "recipient_id": "hub_1",
        "kind": "retraction",
        "purpose": "retraction",
        "action": "review",
        "ground": "hub_oversight",
        "hub_id": "hub_1",
        "urgency": "same_day",
        "urgent": True,
        "created_at": AT + HOUR,
        "about_id": "ntf_1",
    }
    assert len({told.id, apart.id, about.id}) == 3


def test_a_proven_address_stays_proven_until_it_is_another_one() -> None:
    entry = SubscriptionEntry(url=URLS[1], email=EMAILS[1])
    proven = subscribe("agency", "ag_1", entry, AT)[0].but(url_verified=True, email_confirmed=True)

    same = amend(proven, entry.model_copy(update={"areas": ("southtown",)}), AT).after
    other = amend(proven, SubscriptionEntry(url=URLS[2], email=EMAILS[2]), AT).after

    assert (same.url_verified, same.email_confirmed) == (True, True)
    assert (other.url_verified, other.email_confirmed) == (False, False)


def test_a_secret_is_another_for_each_agency_and_generation_and_a_code_for_each_address() -> None:
    secrets = Secrets(b"k" * 32)
    one = subscribe("agency", "ag_1", SubscriptionEntry(email=EMAILS[1]), AT)[0]
    moved = one.but(email=EMAILS[2])
    other = subscribe("agency", "ag_2", SubscriptionEntry(email=EMAILS[1]), AT)[0]

    drawn = [secrets.of(one), secrets.of(one, 2), secrets.of(other)]
    codes = [secrets.confirmation_code(each) for each in (one, moved, other)]

    assert len({*drawn}) == len({*codes}) == 3
    assert secrets.of(one) == secrets.of(moved) == secrets.of(one, 1)
    assert secrets.of(one.but(generation=2)) == secrets.of(one, 2)
    assert all(s.startswith("whsec_") and len(b64decode(s[6:])) == 32 for s in drawn)
    assert {len(code) for code in codes} == {10}
    assert Secrets(b"x" * 32).of(one) not in drawn
