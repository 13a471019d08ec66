"""What was done with a parked message, as it is written down before it is done. Pure."""

import hashlib
import re
from datetime import datetime
from typing import Any, Literal

from shared.events import catalogue
from shared.events.parked import (
    DeadLetterDiscarded,
    DeadLetterReplayed,
    DiscardReason,
)
from shared.messaging.bus import DeadLetter
from shared.storage.records import Record

EVENT_ID = re.compile(r"evt_[0-9a-f]{32}")


class Handled(Record):
    """One act of one operator on one parked message."""

    queue: str
    sha256: str
    act: Literal["replay", "discard"]
    reason: DiscardReason | None = None
    at: datetime


def handled(
    name: str, letter: DeadLetter, at: datetime, reason: DiscardReason | None
) -> tuple[Handled, DeadLetterReplayed | DeadLetterDiscarded]:
    """The record and its event; discarded where there is a reason, else given back.

    The id and type of a message are its sender's words: they are named only where they are ours.
    """
    digest = hashlib.sha256(letter.body).hexdigest()
    record = Handled(
        id=name,
        queue=letter.queue,
        sha256=digest,
        act="discard" if reason else "replay",
        reason=reason,
        at=at,
    )
    ours = EVENT_ID.fullmatch(letter.message_id) and letter.type in catalogue.event_types()
    which: dict[str, Any] = {
        "queue": letter.queue,
        "event_id": letter.message_id if ours else None,
        "parked_type": letter.type if ours else None,
        "sha256": digest,
    }
    if reason:
        return record, DeadLetterDiscarded(**which, reason=reason)
    return record, DeadLetterReplayed(**which)
