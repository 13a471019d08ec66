"""What every projection's state has: the version of its newest event. Pure."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class State(BaseModel):
    """`guards` are the fields that move whenever a source of the state has said something new.

    `own` is how the types of its own aggregate's events begin: the first of them is mostly the
    first that is known.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    guards: ClassVar[tuple[str, ...]] = ("version",)
    own: ClassVar[str] = ""

    version: int = 0
