"""The composition root of the notify service."""

import base64
import tomllib
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from services.notify.clocks import run_clocks
from services.notify.dispatcher import deliver
from services.notify.domain.policy import HearingPolicy
from services.notify.domain.timing import BACKOFF
from services.notify.handlers import handlers
from services.notify.mail import Mailer
from services.notify.routes import ROUTERS
from services.notify.store import Desk
from services.notify.webhook import Caller
from shared.runner import Build, Platform, Service
from shared.settings import Settings

DEFAULT_POLICY = Path(__file__).parent / "policies" / "hearing-1.toml"


class NotifySettings(Settings):
    """`NOTIFY_SECRET_KEY`: 32 bytes or more in base64; webhook secrets are derived from it.

    `DELIVERY_LEASE`: seconds after which another replica takes over a dead one's delivery.
    `SMTP_URL` (empty: no e-mail), `MAIL_FROM` and `PUBLIC_URL`, which starts the links in mails.
    """

    notify_secret_key: SecretStr
    notify_policy: Path = DEFAULT_POLICY
    delivery_lease: float = 60.0
    delivery_backoff: tuple[float, ...] = BACKOFF
    smtp_url: SecretStr = SecretStr("")
    mail_from: str = ""
    public_url: str = ""


def build(settings: NotifySettings) -> Build:
    """The service on a platform. Raises when a setting or the policy file is faulty."""
    secret_key = base64.b64decode(settings.notify_secret_key.get_secret_value())
    if len(secret_key) < 32:
        raise ValueError("NOTIFY_SECRET_KEY must have 32 bytes or more")
    policy = HearingPolicy.model_validate(tomllib.loads(settings.notify_policy.read_text("utf-8")))
    development = settings.environment == "development"
    smtp_url = settings.smtp_url.get_secret_value().strip()
    mailer = Mailer(smtp_url, settings.mail_from, development=development)

    def on(platform: Platform) -> Service:
        desk = Desk.on(
            platform,
            policy,
            secret_key,
            lease=settings.delivery_lease,
            backoff=settings.delivery_backoff,
        )
        sending = Caller(development=development)
        asking = Caller(development=development)
        return Service(
            name="notify",
            state=desk,
            routers=ROUTERS,
            prepare=desk.prepare,
            handlers=handlers(desk),
            loops=[
                partial(deliver, desk, sending, mailer, settings.public_url),
                partial(run_clocks, desk, asking, mailer),
            ],
        )

    return on
