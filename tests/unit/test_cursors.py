"""A cursor that is none of ours is refused, whatever it holds; ours goes on where it was."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.errors import BadRequest
from shared.web.cursors import read_cursor


def coded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "at",
    ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-03-02T10:00:00", "soon", ""],
)
def test_a_time_that_there_is_not_is_a_bad_cursor(at: str) -> None:
    with pytest.raises(BadRequest, match=r"^cursor_invalid$"):
        read_cursor(coded(f"{at}|ref_1"))


def test_a_cursor_of_ours_is_read_as_it_was_made() -> None:
    at = datetime(2026, 3, 2, 10, tzinfo=UTC)
    elsewhere = at.astimezone(timezone(timedelta(hours=5)))

    assert read_cursor(coded(f"{elsewhere.isoformat()}|ref_1")) == (at, "ref_1")
