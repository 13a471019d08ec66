"""The ways to send: a webhook, an e-mail."""

from datetime import datetime

from services.notify.decision.binding import instructions_with
from services.notify.delivery.attempt import Send
from services.notify.delivery.bars import is_message, message_body, message_headers
from services.notify.delivery.mail import Mailer
from services.notify.delivery.outcomes import Outcome
from services.notify.delivery.payload import mail, webhook_body
from services.notify.delivery.webhook import Caller
from services.notify.notification import Notification
from services.notify.store import Stores
from services.notify.subscriptions.subscription import Subscription
from shared.bars.codes import MEDIA_TYPE
from shared.events.codes import Instruction


def signing(stores: Stores, subscription: Subscription, at: datetime) -> list[str]:
    """The secrets that sign a call now."""
    return [stores.secrets.of(subscription, number) for number in subscription.generations(at)]


def by_webhook(stores: Stores, caller: Caller) -> Send:
    """The webhook as a way to send: each as the subscription wants it."""

    async def send(notification: Notification, subscription: Subscription) -> Outcome:
        at = stores.clock()
        secrets = signing(stores, subscription, at)
        instructions = await _instructions(stores, notification)
        body, headers = webhook_body(notification, instructions), dict[str, str]()
        if subscription.format == "bars" and is_message(notification):
            body = message_body(notification, instructions)
            headers = {"content-type": MEDIA_TYPE, **message_headers(notification)}
        to = subscription.url or ""
        return await caller.call(to, secrets, notification.id, body, at, headers)

    return send


def by_email(stores: Stores, mailer: Mailer, public_url: str) -> Send:
    """E-mail as a way to send."""

    async def send(notification: Notification, subscription: Subscription) -> Outcome:
        name = f"{notification.id}.{notification.reminders}"
        subject, text = mail(notification, public_url, await _instructions(stores, notification))
        return await mailer.send(subscription.mailbox or "", name, subject, text)

    return send


async def _instructions(stores: Stores, notification: Notification) -> tuple[Instruction, ...]:
    found = await instructions_with(stores.projections, notification, at=stores.clock())
    return found.get(notification.id, ())
