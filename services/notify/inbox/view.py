"""What a recipient sees of a notification."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from services.notify.delivery.payload import link
from services.notify.inbox.sentences import SENTENCES
from services.notify.notification import Notification, Status
from shared.events.codes import Instruction
from shared.events.notify import NotificationKind
from shared.rules.sharing import Category


class NotificationView(BaseModel):
    """That something awaits you: which referral, what is asked, by when. Never what it is about.

    `categories` is what you may read there now; `about` is another notification of yours or, for
    Hubs, of somebody else's; `detail` a coded reason or outcome. `sentence` says the kind in words;
    `link` is where to read on. `instructions` bind whoever reads: none where it is over, or yours no more.
    """

    id: str
    kind: NotificationKind
    referral_id: str | None
    purpose: str
    categories: tuple[Category, ...]
    sentence: str
    link: str
    action: str
    detail: str | None
    about_id: str | None
    due_at: datetime | None
    created_at: datetime
    status: Status
    urgent: bool
    instructions: tuple[Instruction, ...] = ()
    opened_at: datetime | None
    reminders: int


class Inbox(BaseModel):
    """A page of the inbox; `next` is where the page behind it begins."""

    notifications: list[NotificationView]
    next: str | None


def view(notification: Notification, bound: Sequence[Instruction]) -> NotificationView:
    """As its recipient sees it, with the instructions that bind them."""
    taken = set(NotificationView.model_fields) - {"categories", "sentence", "link"}
    fields = notification.model_dump(include=taken)
    shown = notification.categories if notification.ground == "retraction" else None
    return NotificationView(
        **fields,
        sentence=SENTENCES[notification.kind],
        link=link(notification),
        categories=shown or notification.permitted,
        instructions=tuple(bound),
    )
