"""A place in a list of entries, pinned to the checkpoint the list was begun with. Pure."""

import re

from shared.errors import BadRequest

_FORM = re.compile(r"(0|[1-9][0-9]{0,15})\.(0|[1-9][0-9]{0,15})", re.ASCII)


def cursor_text(size: int, start: int) -> str:
    """What the caller passes to go on at `start` in the trail of that size."""
    return f"{size}.{start}"


def read_cursor(text: str) -> tuple[int, int]:
    """(size, start). Raises `BadRequest`."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise BadRequest("cursor_invalid", "The cursor isn't one of ours; start again without it.")
    return int(match[1]), int(match[2])
