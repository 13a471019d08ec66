"""Ids in addresses: a shape is looked at before anything is asked with it."""

import re
from typing import Annotated

from fastapi import Path

ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"
Id = Annotated[str, Path(pattern=ID)]
Place = Annotated[int, Path(ge=0, lt=2**53)]  # of an entry in the trail
Line = Annotated[int, Path(ge=0, lt=1000)]  # of a list within an entry


def is_id(text: str) -> bool:
    """Whether it can stand in an address as an id."""
    return re.fullmatch(ID, text) is not None
