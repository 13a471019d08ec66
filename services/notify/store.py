"""What the notify service keeps, on its own database."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from services.notify.delivery.attempts import Attempts
from services.notify.delivery.endpoints import Endpoints
from services.notify.delivery.mail import Mailer
from services.notify.delivery.timing import BACKOFF
from services.notify.notification import Notification
from services.notify.notifications import Notifications
from services.notify.omissions import Omissions
from services.notify.projections.store import Projections
from services.notify.rules.policy import NotificationPolicy
from services.notify.subscriptions.quotas import Quotas, quotas_of
from services.notify.subscriptions.secrets import Secrets
from services.notify.subscriptions.store import Subscriptions
from services.notify.subscriptions.subscription import Subscription
from shared.clock import Clock, now
from shared.operating.limits import LimitSettings
from shared.operating.runner import Platform

NO_MAIL = Mailer("", "")


@dataclass(frozen=True)
class Stores:
    """The stores of this service, its policy, its mail server, and what its deliveries are timed by.

    `lease`: seconds after which another replica goes on with what a dead one had begun.
    `patience`: how long a decision waits for an attempt that is under way.
    """

    subscriptions: Subscriptions
    notifications: Notifications
    omissions: Omissions
    attempts: Attempts
    endpoints: Endpoints
    projections: Projections
    secrets: Secrets
    quotas: Quotas
    policy: NotificationPolicy
    mailer: Mailer = NO_MAIL
    lease: float = 60.0
    backoff: tuple[float, ...] = BACKOFF
    patience: timedelta = timedelta(seconds=2)
    clock: Clock = field(default=now)

    @classmethod
    def on(
        cls,
        platform: Platform,
        policy: NotificationPolicy,
        secret_key: bytes,
        limits: LimitSettings,
        *,
        lease: float = 60.0,
        backoff: tuple[float, ...] = BACKOFF,
        clock: Clock = now,
        **options: Any,
    ) -> "Stores":
        """On this service's own database."""
        database, relay = platform.database, platform.relay
        secrets = Secrets(secret_key)
        return cls(
            subscriptions=Subscriptions(
                database["subscriptions"], Subscription, relay, clock=clock
            ),
            notifications=Notifications(
                database["notifications"], Notification, relay, clock=clock
            ),
            omissions=Omissions(database["omissions"]),
            attempts=Attempts(database["attempts"], lease),
            endpoints=Endpoints(database["endpoints"], backoff),
            projections=Projections(database),
            secrets=secrets,
            quotas=Quotas(database["quotas"], secrets, quotas_of(limits)),
            policy=policy,
            lease=lease,
            backoff=backoff,
            clock=clock,
            **options,
        )

    async def prepare(self) -> None:
        """Create all indexes; safe to repeat."""
        await self.projections.prepare()
        await self.subscriptions.prepare_all()
        await self.notifications.prepare_all()
        await self.omissions.prepare()
        await self.attempts.prepare()
        await self.quotas.prepare()

    async def endpoint_answered(self, recipient: str, at: datetime) -> None:
        """The endpoint is well. What waited for it is due now."""
        if await self.endpoints.answered(recipient):
            await self.notifications.release_backlog(recipient, at, self.lease)
