"""For each event of a referral: who was told of it, who was not, and why."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from pydantic import BaseModel

from services.notify.access import LedgerScope, hidden_from
from services.notify.notification import Notification, Status
from services.notify.omissions import Omission
from services.notify.rules.considered import Because
from services.notify.store import Stores
from shared.events.notify import NotificationKind, RecipientKind
from shared.rules.sharing import Reason
from shared.web.tokens import Caller


class ToldOf(BaseModel):
    """Somebody who is told. `mail_from`: e-mail began, or begins, then and not at once, for the
    recipient's quiet hours or a reminder."""

    notification_id: str
    recipient_kind: RecipientKind
    recipient_id: str
    kind: NotificationKind
    status: Status
    mail_from: datetime | None


class NotTold(BaseModel):
    """Somebody who is not told. Without an id there was nobody. `withheld` was decided, and is in the
    trail; else it was not theirs to hear, or not any more."""

    recipient_kind: RecipientKind
    recipient_id: str | None
    kind: NotificationKind
    withheld: bool
    because: Because | Reason


class Heard(BaseModel):
    """One event. `event_type` is unknown of what was told before it was kept."""

    event_id: str
    event_type: str | None
    at: datetime
    told: list[ToldOf]
    not_told: list[NotTold]


class EventsHeard(BaseModel):
    """The events of a referral of which somebody could have been told, oldest first."""

    referral_id: str
    events: list[Heard]


async def by_event(
    stores: Stores, referral_id: str, scope: LedgerScope, caller: Caller
) -> EventsHeard:
    """Who was told of what, as far as the scope reaches; nothing for who is marked as unsafe for the
    young person, as for a referral that isn't there."""
    hidden = (await hidden_from(stores, caller)).where()
    where = {"referral_id": referral_id, **scope.where, **hidden}
    told = await stores.notifications.find(where, sort=[("created_at", 1), ("_id", 1)], limit=5000)
    heard: dict[str, Heard] = {}
    for each in told:
        event = _heard(heard, each.event_id, each.event_type, each.created_at)
        if each.status == "withheld":
            event.not_told.append(_withheld(each))
        else:
            event.told.append(_told(each))
    for omission in await stores.omissions.find(where):
        event = _heard(heard, omission.event_id, omission.event_type, omission.at)
        event.not_told += _omitted(omission, [*event.told, *event.not_told])
    events = sorted((e for e in heard.values() if e.told or e.not_told), key=lambda e: e.at)
    return EventsHeard(referral_id=referral_id, events=events)


def _heard(heard: dict[str, Heard], event_id: str, event_type: str | None, at: datetime) -> Heard:
    new = Heard(event_id=event_id, event_type=event_type, at=at, told=[], not_told=[])
    return heard.setdefault(event_id, new)


def _told(n: Notification) -> ToldOf:
    late = n.email is not None and n.email.since > n.created_at
    same = set(ToldOf.model_fields) & set(Notification.model_fields)
    return ToldOf(
        **n.model_dump(include=same),
        notification_id=n.id,
        mail_from=n.email.since if n.email and late else None,
    )


def _withheld(n: Notification) -> NotTold:
    reasons = [v.reason for v in n.verdicts if v.reason is not None]
    return NotTold(
        recipient_kind=n.recipient_kind,
        recipient_id=n.recipient_id,
        kind=n.kind,
        withheld=True,
        because=reasons[0] if reasons else "no_ground",
    )


def _omitted(omission: Omission, decided: Iterable[ToldOf | NotTold]) -> Iterator[NotTold]:
    """Whoever was left out. An event that comes twice finds those that it has told itself."""
    known = {(each.recipient_kind, each.recipient_id, each.kind) for each in decided}
    for each in omission.omitted:
        for recipient_id in each.recipient_ids or (None,):
            if (each.recipient_kind, recipient_id, each.kind) not in known:
                yield NotTold(
                    recipient_kind=each.recipient_kind,
                    recipient_id=recipient_id,
                    kind=each.kind,
                    withheld=False,
                    because=each.because,
                )
