"""The composition root of the notify service."""

import base64
from functools import partial
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from services.notify.access import has_left
from services.notify.delivery.dispatcher import deliver
from services.notify.delivery.mail import Mailer
from services.notify.delivery.timing import BACKOFF
from services.notify.delivery.webhook import Caller
from services.notify.handlers import handlers
from services.notify.inbox import routes as inbox
from services.notify.oversight import routes as oversight
from services.notify.rules.policy_file import load_policy
from services.notify.store import Stores
from services.notify.subscriptions import routes as subscriptions
from services.notify.subscriptions import trying_routes as trying
from services.notify.timers import run_timers
from shared.operating.kinds import KeyOf32OrMore, Seconds, from_file
from shared.operating.runner import Build, Platform, Service
from shared.operating.settings import Settings

DEFAULT_POLICY = Path(__file__).parent / "policies" / "notification-1.toml"


class NotifySettings(Settings):
    """`NOTIFY_SECRET_KEY`: 32 bytes or more in base64; webhook secrets are derived from it.

    `DELIVERY_LEASE`: seconds after which another replica takes over a dead one's delivery.
    `SMTP_URL` (empty: no e-mail), `MAIL_FROM` and `PUBLIC_URL`, which starts the links in mails.
    """

    notify_secret_key: KeyOf32OrMore
    notify_policy: Path = DEFAULT_POLICY
    delivery_lease: Seconds = 60.0
    delivery_backoff: Annotated[tuple[Seconds, ...], Field(min_length=1)] = BACKOFF
    smtp_url: SecretStr = SecretStr("")
    mail_from: Annotated[str, Field(pattern=r"^([^\s@]+@[^\s@]+)?$")] = ""
    public_url: Annotated[str, Field(pattern=r"^(https?://[^\s/?#]+[^\s?#]*)?$")] = ""


def build(settings: NotifySettings) -> Build:
    """The service on a platform. Raises when a setting or the policy file is faulty."""
    secret_key = base64.b64decode(settings.notify_secret_key.get_secret_value())
    policy = from_file("NOTIFY_POLICY", settings.notify_policy, load_policy)
    development = settings.environment == "development"
    smtp_url = settings.smtp_url.get_secret_value().strip()
    mailer = Mailer(smtp_url, settings.mail_from, development=development)

    def on(platform: Platform) -> Service:
        stores = Stores.on(
            platform,
            policy,
            secret_key,
            settings,
            mailer=mailer,
            lease=settings.delivery_lease,
            backoff=settings.delivery_backoff,
        )
        sending = Caller(development=development)
        asking = Caller(development=development)
        return Service(
            name="notify",
            state=stores,
            routers=(inbox.router, oversight.router, subscriptions.router, trying.router),
            prepare=stores.prepare,
            has_left=partial(has_left, stores),
            handlers=handlers(stores),
            loops=[
                partial(deliver, stores, sending, mailer, settings.public_url),
                partial(run_timers, stores, asking, mailer),
            ],
        )

    return on
