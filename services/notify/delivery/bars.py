"""What became of a referral as a message of the Booking and Referral Standard, for who sent it. Pure.

It says what the notification says, and nothing else: ids and codes of ours (decision 1408)."""

import json
from collections.abc import Mapping, Sequence
from typing import get_args

from services.notify.notification import Notification
from shared.bars.answer import Standing, response, uuid_of
from shared.events.codes import Instruction, ReferralStatus, StatusReason
from shared.events.notify import NotificationKind

# The kinds that are messages, and how a referral stands by each where the event does not say it: only
# `referral.status_changed` does. Every other kind is delivered as it is without this format.
MESSAGES: Mapping[NotificationKind, ReferralStatus] = {
    "referral_received": "received",
    "referral_screening": "screening",
    "referral_accepted": "accepted",
    "referral_waiting": "waiting",
    "referral_allocated": "allocated",
    "referral_started": "in_progress",
    "referral_on_hold": "on_hold",
    "referral_resumed": "in_progress",
    "referral_returned": "returned",
    "referral_resubmitted": "received",
    "referral_reopened": "received",
    "referral_transferred": "accepted",
    "referral_rejected": "rejected",
    "referral_signposted": "signposted",
    "referral_withdrawn": "withdrawn",
    "referral_closed": "closed",
    "referral_entered_in_error": "entered_in_error",
}


def is_message(notification: Notification) -> bool:
    """Whether it says what became of a referral that its recipient sent: then it can be a message."""
    own = notification.ground == "fate_of_own_referral" and notification.referral_id is not None
    return own and notification.kind in MESSAGES


def message_body(notification: Notification, instructions: Sequence[Instruction] = ()) -> bytes:
    """The message; `is_message` holds. The same notification is the same message, byte by byte, while
    the instructions are the same."""
    kind, turn = notification.kind, notification.turn
    status = (turn and turn.status) or MESSAGES[kind]
    standing = Standing(
        notification.referral_id or "",
        status,
        turn.reason if turn else _reason(notification.detail),
        turn.at if turn else notification.created_at,
        outcome=notification.detail if status == "closed" else None,
        notice=notification.id,
        to=notification.recipient,
        again=kind != "referral_received",
    )
    told = response(standing, instructions=instructions)
    return json.dumps(told, separators=(",", ":")).encode()


def message_headers(notification: Notification) -> dict[str, str]:
    """The ids of the standard: one for the notification, however often it is sent, and one for the
    referral."""
    return {
        "x-request-id": uuid_of(notification.id),
        "x-correlation-id": uuid_of(notification.referral_id or ""),
    }


def _reason(detail: str | None) -> str | None:
    return detail if detail in get_args(StatusReason) else None
