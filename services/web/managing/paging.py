"""Long lists in pieces that a page bears. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query

Number = Annotated[int, Query(ge=1, le=10_000)]


@dataclass(frozen=True)
class Piece:
    """A piece of a list, its number, and whether there is more behind it."""

    items: Sequence[Any]
    number: int
    more: bool


def piece(items: Sequence[Any], number: int, size: int) -> Piece:
    """The piece with that number, from 1 on; an empty one where the list has no so many."""
    start = (number - 1) * size
    return Piece(items[start : start + size], number, len(items) > start + size)
