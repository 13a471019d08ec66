"""Leaves of the trail."""

import hashlib
import json
from datetime import UTC, datetime

import pytest

from services.audit.log.leaf import canonical, leaf_of
from shared.events.catalogue import event_types
from tests.golden.__main__ import sample

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def test_a_leaf_is_the_event_as_it_came_with_the_time_it_was_recorded() -> None:
    body = sample(event_types()["referral.received"]).body().encode()

    leaf = leaf_of(body, AT)

    said = json.loads(leaf.raw)
    assert said == {"event": json.loads(body), "recorded_at": "2026-03-02T09:30:00.000Z"}
    assert leaf.raw == canonical(said)
    assert leaf.leaf_hash == hashlib.sha256(b"\x00" + leaf.raw).digest()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "not_json"),
        (b"[]", "not_an_object"),
        (b"{}", "not_an_event"),
        (b'{"id":"1","type":"t","correlationid":"c","x":1.5}', "float"),
        (b'{"id":"1","type":"t","correlationid":"c","x":9007199254740992}', "integer_too_large"),
        (b'{"id":"1","id":"1","type":"t","correlationid":"c"}', "duplicate_key"),
        (b'{"id":"1","type":"t","correlationid":"c","x":"\\ud800"}', "lone_surrogate"),
        ('{"id":"1","type":"t","correlationid":"c","ü":1}'.encode(), "key_not_ascii"),
        (b'{"id":"1","type":"t","correlationid":"c","x":"' + b"a" * 65_536 + b'"}', "too_large"),
        (b"\xff", "not_json"),
    ],
)
def test_what_cannot_be_a_leaf_is_recorded_as_rejected_with_its_hash(
    body: bytes, reason: str
) -> None:
    leaf = leaf_of(body, AT)

    event = json.loads(leaf.raw)["event"]
    assert event["type"] == "trail.rejected"
    assert event["data"] == {
        "reason": reason,
        "sha256": hashlib.sha256(body).hexdigest(),
        "size": len(body),
        # A reader finds what was too large by its type and its referral.
        **({"rejected_type": "t", "referral_id": "c"} if reason == "too_large" else {}),
    }
