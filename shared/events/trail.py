"""Events of the audit service about the trail itself."""

from datetime import datetime
from typing import ClassVar, Literal

from shared.events import EventData
from shared.events.declared import Disclosed, Parties


class TrailQueried(EventData):
    """Someone asked the trail something, or was refused. `purpose` is a code, never free text."""

    event_type: ClassVar[str] = "trail.queried"
    # Whoever asks the trail is an account that there is.
    heard_by: ClassVar[tuple[str, ...]] = ("referral.directory",)

    query_id: str
    resource: str
    filter: dict[str, str]
    purpose: str
    outcome: Literal["answered", "refused"]
    count: int
    checkpoint_size: int

    def says(self, by: str) -> str:
        asked = " and ".join(f"{k} {v}" for k, v in sorted(self.filter.items())) or "everything"
        if self.outcome == "refused":
            return f"{by} asked the trail for {self.resource} ({asked}) and was refused."
        return (
            f"{by} asked the trail for {self.resource} ({asked}), saw {self.count},"
            f" for {self.purpose}."
        )

    def parties(self) -> Parties:
        return Parties(asked=tuple(self.filter.values()))

    def disclosure(self) -> Disclosed | None:
        return Disclosed(
            kind="refused" if self.outcome == "refused" else "asked", purpose=self.purpose
        )


class TrailIntegrityFailed(EventData):
    """The store doesn't hold what was written to it; nothing more is signed until it is resolved."""

    event_type: ClassVar[str] = "trail.integrity_failed"

    code: str
    seq: int
    frozen: bool

    def says(self, by: str) -> str:
        signing = "; signing has stopped" if self.frozen else ""
        return f"The self-check found {self.code} at entry {self.seq}{signing}."

    def parties(self) -> Parties:
        return Parties()


class TrailKeyRotated(EventData):
    """A signing key was introduced, or retired: it counts from, or up to, this size of the trail."""

    event_type: ClassVar[str] = "trail.key_rotated"

    key_id: str
    verifier_key: str
    change: Literal["introduced", "retired"]
    size: int

    def says(self, by: str) -> str:
        return f"Signing key {self.key_id} was {self.change} at size {self.size}."

    def parties(self) -> Parties:
        return Parties()


class TrailThawed(EventData):
    """An operator let signing go on after a check of the whole trail found no fault."""

    event_type: ClassVar[str] = "trail.thawed"

    code: str
    seq: int
    checked: int

    def says(self, by: str) -> str:
        return f"{by} let signing go on after checking {self.checked} entries."

    def parties(self) -> Parties:
        return Parties()


class TrailRejected(EventData):
    """A message could not be an entry as it was; its hash is kept. Written by the trail itself."""

    event_type: ClassVar[str] = "trail.rejected"

    reason: str
    sha256: str
    size: int
    rejected_type: str | None = None
    referral_id: str | None = None

    def says(self, by: str) -> str:
        what = f" of type {self.rejected_type}" if self.rejected_type else ""
        about = f" about {self.referral_id}" if self.referral_id else ""
        return f"A message{what}{about} could not be an entry ({self.reason}); its hash is kept."

    def parties(self) -> Parties:
        return Parties(referral_id=self.referral_id)


class TrailStreamReplaced(EventData):
    """The broker's stream was not the one that had been read up to `offset`, or had lost messages;
    `found` is the offset that showed it. Written by the trail itself."""

    event_type: ClassVar[str] = "trail.stream_replaced"

    reason: Literal["younger", "other", "truncated"]
    offset: int
    found: int

    def says(self, by: str) -> str:
        return (
            f"The broker's stream was not the one read up to offset {self.offset} ({self.reason});"
            " it is read from its beginning, and events from before may be missing."
        )

    def parties(self) -> Parties:
        return Parties()


class TrailConflict(EventData):
    """The id of an event came again with other content; the first stays. Written by the trail."""

    event_type: ClassVar[str] = "trail.conflict"

    event_id: str
    sha256: str
    first_sha256: str

    def says(self, by: str) -> str:
        return f"Event {self.event_id} came again with other content."

    def parties(self) -> Parties:
        return Parties()


class TrailTallied(EventData):
    """Every event of a service that the broker has confirmed since its last tally, by id: each must
    be an entry. The last tally is among them."""

    event_type: ClassVar[str] = "trail.tallied"

    event_ids: tuple[str, ...]

    def says(self, by: str) -> str:
        return f"{by} has sent {len(self.event_ids)} events since its last tally."

    def parties(self) -> Parties:
        return Parties()


class TrailEventsMissing(EventData):
    """Events that a service has tallied and that are no entries: it sends them again. With none left
    all of the tally are entries."""

    event_type: ClassVar[str] = "trail.events_missing"
    heard_by: ClassVar[tuple[str, ...]] = (
        "referral.sent",
        "allocation.sent",
        "notify.sent",
        "audit.sent",
    )

    service: str
    tally: int
    event_ids: tuple[str, ...]

    def says(self, by: str) -> str:
        count = len(self.event_ids)
        lack = f"{count} events are no entries and are asked for again" if count else "none lacks"
        return f"Of what {self.service} tallied in entry {self.tally}, {lack}."

    def parties(self) -> Parties:
        return Parties()


class TrailSentAgainAsked(EventData):
    """The broker was another, or had lost messages: what it had confirmed may have reached the trail
    and not those who act on it. Every service sends again what it has sent since `since`."""

    event_type: ClassVar[str] = "trail.sent_again_asked"
    heard_by: ClassVar[tuple[str, ...]] = TrailEventsMissing.heard_by

    entry: int
    since: datetime

    def says(self, by: str) -> str:
        return (
            f"After entry {self.entry} every service is asked to send again what it has sent"
            f" since {self.since.isoformat()}."
        )

    def parties(self) -> Parties:
        return Parties()
