"""The rules of the notify service, and what leaves it."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from services.notify.domain import (
    BACKOFF,
    DELIVERY_DUE,
    Notification,
    create,
    delivered,
    exhausted,
    next_attempt,
    opened,
    recipients,
)
from services.notify.webhook import is_public, payload, sign
from shared.events import Event
from shared.events.catalogue import event_types
from tests.golden.__main__ import sample

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


def made() -> Event[Any]:
    return sample(event_types()["allocation.made"])


def notification(**changes: Any) -> Notification:
    ((rule, who), *_) = recipients(made())
    created, _ = create(made(), rule, who, webhook=True, at=AT)
    return created.but(**changes)


def test_an_allocation_is_told_to_the_worker_and_the_referrer() -> None:
    told = [(rule.recipient_kind, who, rule.kind) for rule, who in recipients(made())]

    assert told == [
        ("worker", "worker_id_1", "case_allocated_to_you"),
        ("agency", "agency_id_1", "referral_allocated"),
    ]


def test_the_second_copy_of_an_event_makes_the_same_notification() -> None:
    ids = [create(made(), r, who, webhook=False, at=AT)[0].id for r, who in recipients(made()) * 2]

    assert ids[:2] == ids[2:]
    assert len(set(ids)) == 2


def test_delivered_and_failed_stop_the_delivery_clock() -> None:
    for change in (delivered(notification(), 1), exhausted(notification(), 8)):
        assert change.due == {DELIVERY_DUE: None}
        assert len(change.events) == 1


def test_what_a_person_has_opened_stays_opened() -> None:
    seen = opened(notification(), AT).after

    assert opened(seen, AT + timedelta(hours=1)).events == ()
    assert delivered(seen, 2).after.status == "opened"
    assert exhausted(seen, 8).after.status == "opened"


def test_attempts_back_off_over_about_a_day_and_end() -> None:
    waits = [next_attempt(n, AT, 0.0) for n in range(1, len(BACKOFF) + 1)]

    assert all(w is not None and w > AT for w in waits)
    assert 20 * 3600 < sum(BACKOFF) < 28 * 3600
    assert next_attempt(len(BACKOFF) + 1, AT, 0.0) is None
    assert next_attempt(1, AT, 1.0) == AT + timedelta(seconds=6)


def test_the_signature_is_accepted_by_the_standard_verifier() -> None:
    at = datetime.now(UTC)
    body = payload(notification())
    headers = {
        "webhook-id": "ntf_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": sign(SECRET, "ntf_1", at, body),
    }

    verified = Webhook(SECRET).verify(body, headers)

    assert verified == json.loads(body)
    with pytest.raises(Exception, match="signature"):
        Webhook(SECRET).verify(body.replace(b"ref", b"fer"), headers)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "224.0.0.1", "::1", "::", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1"),
        *("64:ff9b::a00:1", "2002:a00:1::", "ff02::1", "nonsense"),
    ],
)
def test_addresses_of_our_own_network_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    assert is_public(address)
