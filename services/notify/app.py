"""The composition root of the notify service."""

import base64
from functools import partial

from pydantic import SecretStr

from services.notify.deliver import deliver_due
from services.notify.handlers import handlers
from services.notify.routes import router
from services.notify.store import Desk
from services.notify.webhook import Caller
from shared.runner import Build, Platform, Service
from shared.settings import Settings


class NotifySettings(Settings):
    """`NOTIFY_SECRET_KEY`: 32 bytes or more in base64; webhook secrets are derived from it.

    `DELIVERY_LEASE`: seconds after which another replica takes over a dead one's delivery.
    """

    notify_secret_key: SecretStr
    delivery_lease: float = 60.0


def build(settings: NotifySettings) -> Build:
    """The service on a platform."""
    secret_key = base64.b64decode(settings.notify_secret_key.get_secret_value())
    if len(secret_key) < 32:
        raise ValueError("NOTIFY_SECRET_KEY must have 32 bytes or more")

    def on(platform: Platform) -> Service:
        desk = Desk.on(platform, secret_key)
        caller = Caller(development=settings.environment == "development")
        return Service(
            name="notify",
            state=desk,
            routers=[router],
            prepare=desk.prepare,
            handlers=handlers(desk),
            loops=[partial(deliver_due, desk, caller, settings.delivery_lease)],
        )

    return on
