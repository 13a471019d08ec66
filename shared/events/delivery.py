"""Events of a notification on its way: sent, failed, opened, acted on, escalated."""

from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from shared.events.declared import Parties, plain
from shared.events.notification import NotificationEvent
from shared.events.notify import (
    ActionOutcome,
    ActionTaken,
    Channel,
    RecipientKind,
)


class NotificationDelivered(NotificationEvent):
    """The recipient has been told on this channel."""

    event_type: ClassVar[str] = "notification.delivered"

    channel: Channel
    attempts: int

    def says(self, by: str) -> str:
        return f"{self.recipient_id} was reached by {self.channel}: {self._what}."

    def tells(self) -> str:
        return f"Your {self.channel} took a notification{self._about}."

    def parties(self) -> Parties:
        return self._parties(informed=True)


class NotificationFailed(NotificationEvent):
    """Every attempt on this channel failed, or no other would help. A person must phone."""

    event_type: ClassVar[str] = "notification.failed"

    channel: Channel
    attempts: int
    code: str | None = None

    def says(self, by: str) -> str:
        why = f" ({plain(self.code)})" if self.code else ""
        return (
            f"{self.recipient_id} could not be reached by {self.channel} in {self.attempts}"
            f" attempts{why}: {self._what}."
        )

    def tells(self) -> str:
        return f"Your {self.channel} could not be reached with a notification{self._about}."

    def parties(self) -> Parties:
        return self._parties(informed=True)


class NotificationOpened(NotificationEvent):
    """A person at the recipient opened it. `person` is the id of their account, never a name."""

    event_type: ClassVar[str] = "notification.opened"

    opened_at: datetime
    person: str | None = None

    def says(self, by: str) -> str:
        return f"{by} opened a notification of {self.recipient_id}: {self._what}."

    def tells(self) -> str:
        return f"You opened a notification{self._about}."

    def parties(self) -> Parties:
        return self._parties(informed=True)


class NotificationActed(NotificationEvent):
    """A named person says what was done. Their name stays with notify."""

    event_type: ClassVar[str] = "notification.acted"

    acted_at: datetime
    person: str
    taken: ActionTaken
    outcome: ActionOutcome

    def says(self, by: str) -> str:
        done = f"{plain(self.taken)}, {plain(self.outcome)}"
        return f"{by} said what {self.recipient_id} did: {done}; it was told {self._what}."

    def tells(self) -> str:
        return f"You said what you did{self._about}: {plain(self.taken)}, {plain(self.outcome)}."

    def parties(self) -> Parties:
        return self._parties(informed=True)


class NotificationReminded(NotificationEvent):
    """Nobody has said yet what was done: they are asked again."""

    event_type: ClassVar[str] = "notification.reminded"

    reminders: int

    def says(self, by: str) -> str:
        return f"{self.recipient_id} was asked again what was done: {self._what}."


class NotificationEscalated(NotificationEvent):
    """Urgent and not opened in time: somebody else is told to reach them."""

    event_type: ClassVar[str] = "notification.escalated"

    to_kind: RecipientKind
    to_id: str

    def says(self, by: str) -> str:
        return f"{self.recipient_id} had not opened {self._what} in time; {self.to_id} was told."

    def parties(self) -> Parties:
        own = super().parties()
        worker = self.to_id if self.to_kind == "worker" else None
        hub = self.to_id if self.to_kind == "hub" else None
        return replace(own, workers=(*own.workers, worker), hubs=(*own.hubs, hub))


class NotificationReplayed(NotificationEvent):
    """It is sent once more, on demand: new attempts, the old ones stay."""

    event_type: ClassVar[str] = "notification.replayed"

    channel: Channel

    def says(self, by: str) -> str:
        return f"{by} had a notification sent again by {self.channel}: {self._what}."
