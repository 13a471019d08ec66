"""Where a list goes on: the time and the id of what was shown last. Pure.

Not signed: what a caller may see is asked again on every page, whatever the cursor says.
"""

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

from shared.errors import BadRequest


def cursor_of(at: datetime, last_id: str) -> str:
    """The cursor behind this one."""
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{last_id}".encode()).decode()


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """What a cursor says. Raises `BadRequest` for one that nobody was sent."""
    try:
        at, _, last = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        read = datetime.fromisoformat(at)
        if read.tzinfo is None or not last:
            raise ValueError
        # In UTC, as the store keeps it: near both ends of the calendar there is no such time.
        return read.astimezone(UTC), last
    except (ValueError, OverflowError, binascii.Error, UnicodeError):
        raise BadRequest("cursor_invalid", "Use the cursor as it was sent to you.") from None


def behind(cursor: str, field: str, *, newest_first: bool) -> dict[str, Any]:
    """What comes behind a cursor in a list that is sorted by this time, then by id, both in one
    direction. Raises `BadRequest` for one that nobody was sent."""
    at, last = read_cursor(cursor)
    further = "$lt" if newest_first else "$gt"
    return {"$or": [{field: {further: at}}, {field: at, "_id": {further: last}}]}
