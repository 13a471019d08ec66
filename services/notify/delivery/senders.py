"""The ways to send: a webhook, an e-mail."""

from services.notify.decision.binding import instructions_with
from services.notify.delivery.attempt import Send
from services.notify.delivery.mail import Mailer
from services.notify.delivery.outcomes import Outcome
from services.notify.delivery.payload import mail, webhook_body
from services.notify.delivery.webhook import Caller
from services.notify.notification import Notification
from services.notify.store import Stores
from services.notify.subscriptions.subscription import Subscription
from shared.events.codes import Instruction


def by_webhook(stores: Stores, caller: Caller) -> Send:
    """The webhook as a way to send."""

    async def send(notification: Notification, subscription: Subscription) -> Outcome:
        at = stores.clock()
        secrets = [
            stores.secrets.of(subscription, number) for number in subscription.generations(at)
        ]
        body = webhook_body(notification, await _instructions(stores, notification))
        return await caller.call(subscription.url or "", secrets, notification.id, body, at)

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
