"""Events of notifications: who was told, who was not, on which ground, and what became of it."""

from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from shared.events import EventData
from shared.events.declared import Disclosed, Parties, by_verdicts, listed, named, plain
from shared.events.notify import (
    Channel,
    NotificationKind,
    RecipientKind,
    RetractionReason,
    Stage,
)
from shared.rules.sharing import Category, Verdict

# The ground on which a referrer hears what became of what it sent.
OF_OWN = "fate_of_own_referral"


class NotificationEvent(EventData):
    notification_id: str
    referral_id: str | None
    recipient_kind: RecipientKind
    recipient_id: str
    kind: NotificationKind

    def parties(self) -> Parties:
        return self._parties()

    def _parties(self, *, informed: bool = False) -> Parties:
        agency = self.recipient_id if self.recipient_kind == "agency" else None
        return Parties(
            referral_id=self.referral_id,
            agencies=(agency,),
            workers=(self.recipient_id if self.recipient_kind == "worker" else None,),
            hubs=(self.recipient_id if self.recipient_kind == "hub" else None,),
            recipients=(self.recipient_id,),
            informed=(agency,) if informed else (),
        )

    @property
    def _about(self) -> str:
        return f" about {self.referral_id}" if self.referral_id else ""

    @property
    def _what(self) -> str:
        return f"{plain(self.kind)}{self._about}"


class NotificationCreated(NotificationEvent):
    """It waits in the recipient's inbox; and will be sent by the other channels named."""

    event_type: ClassVar[str] = "notification.created"

    purpose: str
    action: str
    ground: str
    due_at: datetime | None
    channels: tuple[Channel, ...]
    verdicts: tuple[Verdict, ...] = ()
    policy_version: str | None = None
    about_id: str | None = None

    def says(self, by: str) -> str:
        return f"{self.recipient_id} was notified: {self._what}, on ground {plain(self.ground)}."

    def tells(self) -> str:
        return f"You were notified: {self._what}."

    def parties(self) -> Parties:
        return self._parties(informed=True)

    def disclosure(self) -> Disclosed | None:
        told = by_verdicts(
            "shared", self.verdicts, recipients=(self.recipient_id,), purpose=self.purpose
        )
        grounds = named((*told.grounds, self.ground))
        return replace(told, grounds=grounds, categories=told.categories or self._undecided)

    @property
    def _undecided(self) -> tuple[Category, ...]:
        """What a notice of one's own referral, or of one's work, tells: it carries no content."""
        if self.referral_id is None:
            return ()
        return ("existence", "outcome") if self.ground == OF_OWN else ("existence",)


class NotificationWithheld(NotificationEvent):
    """It was decided not to share, or not any more: nobody was told. As visible as a sent one."""

    event_type: ClassVar[str] = "notification.withheld"

    purpose: str
    verdicts: tuple[Verdict, ...]
    safety_hold: bool
    policy_version: str
    stage: Stage

    def says(self, by: str) -> str:
        why = listed(dict.fromkeys(plain(v.reason) for v in self.verdicts if not v.permitted))
        return f"{self.recipient_id} was not told: {self._what}, because of {why}."

    def disclosure(self) -> Disclosed | None:
        found = by_verdicts(
            "withheld", self.verdicts, recipients=(self.recipient_id,), purpose=self.purpose
        )
        return replace(found, kind="withheld", categories=(), grounds=(), agreements=())


class NotificationRedecided(NotificationEvent):
    """Still permitted, but on another ground or for other categories than before."""

    event_type: ClassVar[str] = "notification.redecided"

    verdicts: tuple[Verdict, ...]
    policy_version: str

    def says(self, by: str) -> str:
        shared = listed(v.category for v in self.verdicts if v.permitted)
        return f"{self.recipient_id} may still be told {shared}: {self._what}, decided anew."

    def disclosure(self) -> Disclosed | None:
        return by_verdicts("permitted", self.verdicts, recipients=(self.recipient_id,))


class NotificationRetracted(NotificationEvent):
    """The ground for telling them ended. They are asked to delete it and to confirm."""

    event_type: ClassVar[str] = "notification.retracted"

    reason: RetractionReason
    categories: tuple[Category, ...]
    safety_hold: bool = False

    def says(self, by: str) -> str:
        return (
            f"{self.recipient_id} was told to delete {listed(self.categories)}{self._about}:"
            f" {plain(self.reason)}."
        )

    def tells(self) -> str:
        return f"You were asked to delete what you were told{self._about}."

    def parties(self) -> Parties:
        return self._parties(informed=True)

    def disclosure(self) -> Disclosed | None:
        return Disclosed(
            kind="retracted",
            recipients=(self.recipient_id,),
            withheld=tuple(f"{c}: {self.reason}" for c in self.categories),
        )
