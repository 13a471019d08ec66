"""Events of the audit service about the trail itself."""

from typing import ClassVar, Literal

from shared.events import EventData


class TrailQueried(EventData):
    """Someone asked the trail something, or was refused. `purpose` is a code, never free text."""

    event_type: ClassVar[str] = "trail.queried"

    query_id: str
    resource: str
    filter: dict[str, str]
    purpose: str
    outcome: Literal["answered", "refused"]
    count: int
    checkpoint_size: int


class TrailIntegrityFailed(EventData):
    """The store doesn't hold what was written to it; nothing more is signed until it is resolved."""

    event_type: ClassVar[str] = "trail.integrity_failed"

    code: str
    seq: int
    frozen: bool


class TrailKeyRotated(EventData):
    """A signing key was introduced, or retired: it counts from, or up to, this size of the trail."""

    event_type: ClassVar[str] = "trail.key_rotated"

    key_id: str
    verifier_key: str
    change: Literal["introduced", "retired"]
    size: int


class TrailThawed(EventData):
    """An operator let signing go on after a check of the whole trail found no fault."""

    event_type: ClassVar[str] = "trail.thawed"

    code: str
    seq: int
    checked: int
