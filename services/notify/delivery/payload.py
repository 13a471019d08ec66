"""Every byte that leaves us about a notification: which reference, what is asked, by when. Pure.

Nothing here identifies the young person: no name, no id of theirs, no area, no concern, no level.
"""

import json
from collections.abc import Sequence
from datetime import datetime

from services.notify.notification import Notification
from shared.events.codes import Instruction


def webhook_body(notification: Notification, instructions: Sequence[Instruction] = ()) -> bytes:
    """What an agency's system gets."""
    due = notification.due_at.isoformat() if notification.due_at else None
    return _json(
        {
            "type": "notification",
            "id": notification.id,
            "kind": notification.kind,
            "referral_id": notification.referral_id,
            "purpose": notification.purpose,
            "categories": list(notification.permitted),
            "action": notification.action,
            "instructions": list(instructions),
            "detail": notification.detail,
            "about": notification.about_id,
            "due_at": due,
            "created_at": notification.created_at.isoformat(),
            "link": link(notification),
        }
    )


def trial_body(trial_id: str, at: datetime) -> bytes:
    """What a webhook gets when its owner tests it: about nobody, and nothing is asked."""
    return _json({"type": "test", "id": trial_id, "created_at": at.isoformat()})


def trial_mail() -> tuple[str, str]:
    """Subject and text of the mail that a mailbox gets when its owner tests it."""
    text = (
        "This is a test. Somebody of yours asked the referral network for it, to see that its mails"
        " arrive here.\n\nNothing awaits you, and there is nothing you need to do.\n"
    )
    return "A test of the referral network: nothing to do", text


def challenge_body(challenge: str) -> bytes:
    """What a webhook must answer with `{"challenge": …}` before it is used."""
    return _json({"type": "challenge", "challenge": challenge})


def mail(
    notification: Notification, public_url: str, instructions: Sequence[Instruction] = ()
) -> tuple[str, str]:
    """Subject and text. The subject is the same for all: it shows on locked screens."""
    asked = notification.action.replace("_", " ")
    lines = [
        "Something in the referral network awaits you."
        if notification.reminders == 0
        else "Something in the referral network still awaits your answer.",
        "",
        f"Reference: {notification.referral_id or notification.id}",
        *([f"Asked of you: {asked}"] if notification.action != "none" else []),
        *(f"Instruction: {one.replace('_', ' ')}" for one in instructions),
        *([f"By: {notification.due_at:%d %b %Y, %H:%M} UTC"] if notification.due_at else []),
        "",
        "Sign in to read it; this mail says no more on purpose.",
        f"{public_url}{link(notification)}",
    ]
    return "Something in the referral network awaits you", "\n".join(lines) + "\n"


def confirmation_mail(code: str) -> tuple[str, str]:
    """Subject and text of the mail that proves an address."""
    text = (
        "Somebody wants the referral network to write to this address.\n\n"
        f"If it was you, your code is: {code}\n\nIf not, there is nothing you need to do.\n"
    )
    return "Your code for the referral network", text


def link(notification: Notification) -> str:
    """Where it can be read, by those who may, as things are when they look."""
    if notification.referral_id is None:
        return "/v1/notifications"
    return f"/v1/referrals/{notification.referral_id}"


def _json(content: dict[str, object]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
