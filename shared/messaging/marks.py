"""How far a feed was read, and that it is not the one that was read. Pure."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Mark:
    """A message of the feed that was read: its offset there, and a digest of what it was."""

    offset: int
    digest: str


@dataclass(frozen=True)
class Break:
    """The feed is not the one that was read up to `read`, or no longer whole; `found` is the offset
    that shows it. younger: it ends before that offset · other: another message is there ·
    truncated: it begins behind it."""

    read: Mark
    reason: Literal["younger", "other", "truncated"]
    found: int
