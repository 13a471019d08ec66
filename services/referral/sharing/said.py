"""When something was said, and when that was recorded. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from shared.errors import Malformed
from shared.rules.sharing import Consent, ParentsWord

# As much as the clocks of two systems may differ.
SKEW = timedelta(minutes=2)


def not_ahead(said_at: datetime | None, at: datetime, pointer: str) -> None:
    """Raises `Malformed` for what was said after now, but for clocks that differ a little."""
    if said_at is not None and said_at > at + SKEW:
        raise Malformed(pointer, "in_the_future", "Nothing is recorded before it was said.")


def said_by(said_at: datetime | None, recorded_at: datetime) -> datetime | None:
    """When it was said, at the latest when it was recorded: a clock that is fast adds nothing."""
    return None if said_at is None else min(said_at, recorded_at)


def not_before(at: datetime, words: Iterable[Consent | ParentsWord]) -> datetime:
    """When a no is recorded: not before what is there, also of a replica whose clock is ahead."""
    return max((at, *(word.recorded_at for word in words)))
