"""How a recipient wants to be told: webhook, e-mail, quiet hours, and which kinds and areas. Pure."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.notify.delivery.timing import QuietHours
from shared.events.notify import (
    Channel,
    NotificationKind,
    RecipientKind,
    SubscriptionFailing,
    SubscriptionRegistered,
    SubscriptionSecretRotated,
    SubscriptionTested,
    SubscriptionVerified,
    WebhookFormat,
)
from shared.storage.records import Change, Record, changed, unchanged

VERIFY_DUE = "verify_due"
CONFIRM_DUE = "confirm_due"
OVERLAP = timedelta(hours=24)
ALERT_EVERY = timedelta(hours=24)
ALERT_AFTER = 3

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]
# One mailbox as people have them: no list, group, comment, quoted name or route.
_ATOM, _LABEL = r"[A-Za-z0-9_+&'#=~-]{1,64}", r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
Mailbox = Annotated[
    str,
    StringConstraints(
        max_length=254,
        pattern=rf"^{_ATOM}(\.{_ATOM}){{0,9}}@({_LABEL}\.){{1,9}}[A-Za-z0-9-]{{2,63}}$",
    ),
]


class Incoming(BaseModel):
    """A document from outside: unknown members are faults, and faults never quote values."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class SubscriptionEntry(Incoming):
    """How you want to be told, beside the inbox, which everybody has.

    `url`: your webhook (agencies). Outside development https, and a public address; used only
    once it has answered a challenge. `format` `bars`: what becomes of your own referrals comes there
    as a message of the Booking and Referral Standard (docs/bars.md). `email`: used once the code
    sent there came back.
    `kinds` and `areas`: what an agency asks to hear of as a partner; both are needed.
    `quiet_hours` hold back e-mail that is not urgent; what is urgent then also goes to
    `duty_desk`: a worker of the Hub (`worker:…`), or, if a Hub says so, another Hub (`hub:…`).
    Agencies name none: for them it is the Hub's.
    """

    url: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,500}$")] | None = None
    format: WebhookFormat = "notification"
    active: bool = True
    email: Mailbox | None = None
    kinds: Annotated[tuple[NotificationKind, ...], Field(max_length=40)] = ()
    areas: Annotated[tuple[Code, ...], Field(max_length=200)] = ()
    quiet_hours: QuietHours | None = None
    duty_desk: (
        Annotated[str, StringConstraints(pattern=r"^(worker|hub):[A-Za-z0-9_.-]{1,40}$")] | None
    ) = None


class Subscription(Record):
    """One per recipient; its id is `kind:id`. `generation` numbers the signing secrets, `mailboxes` the
    addresses of mail that were given: each is proved by a code of its own, the same one given again too."""

    recipient_kind: RecipientKind
    recipient_id: str
    url: str | None = None
    format: WebhookFormat = "notification"
    active: bool = True
    email: str | None = None
    mailboxes: int = 0
    kinds: tuple[NotificationKind, ...] = ()
    areas: tuple[str, ...] = ()
    quiet_hours: QuietHours | None = None
    duty_desk: str | None = None
    url_verified: bool = False
    email_confirmed: bool = False
    generation: int = 1
    overlap_until: datetime | None = None
    secret_shown: bool = False
    alerted_at: datetime | None = None
    tested_at: datetime | None = None
    # The account that named the addresses: who may read what goes there.
    put_by: str | None = None

    @property
    def webhook(self) -> str | None:
        """The webhook's address, if it is to be used at all."""
        return self.url if self.active else None

    @property
    def mailbox(self) -> str | None:
        """The address for e-mail, if it may be used."""
        return self.email if self.active and self.email_confirmed else None

    def generations(self, at: datetime) -> tuple[int, ...]:
        """The secrets that sign now: the newest, and for a while the one before."""
        overlap = self.overlap_until is not None and at < self.overlap_until
        return (self.generation, self.generation - 1) if overlap else (self.generation,)


def key_of(kind: RecipientKind, recipient_id: str) -> str:
    """`kind:id`, the id of a recipient's subscription."""
    return f"{kind}:{recipient_id}"


def subscribe(
    kind: RecipientKind,
    recipient_id: str,
    entry: SubscriptionEntry,
    at: datetime,
    account: str | None = None,
) -> tuple[Subscription, SubscriptionRegistered, dict[str, datetime]]:
    """A new subscription, its event, and the clocks of its challenges."""
    subscription = Subscription(
        id=key_of(kind, recipient_id),
        recipient_kind=kind,
        recipient_id=recipient_id,
        secret_shown=_needs_secret(kind, entry),
        put_by=account,
        **dict(entry),
    )
    due = {clock: at for clock, needed in _challenges(subscription).items() if needed}
    return subscription, _registered(subscription), due


def amend(
    subscription: Subscription,
    entry: SubscriptionEntry,
    at: datetime,
    account: str | None = None,
) -> Change[Subscription]:
    """The subscription as it should be; a new address must answer a challenge first."""
    fields = dict(entry)
    if all(getattr(subscription, name) == value for name, value in fields.items()):
        return unchanged(subscription)
    addresses = (subscription.url, subscription.email)
    after = subscription.but(
        **fields,
        put_by=subscription.put_by if addresses == (entry.url, entry.email) else account,
        mailboxes=subscription.mailboxes + (entry.email != subscription.email),
        secret_shown=subscription.secret_shown or _needs_secret(subscription.recipient_kind, entry),
        url_verified=subscription.url_verified and entry.url == subscription.url,
        email_confirmed=subscription.email_confirmed and entry.email == subscription.email,
    )
    due = {clock: at if needed else None for clock, needed in _challenges(after).items()}
    return Change(after, (_registered(after),), due)


def _needs_secret(kind: RecipientKind, entry: SubscriptionEntry) -> bool:
    """Whether the answer to this entry tells the secret, unless it was told before."""
    return kind == "agency" and entry.url is not None


def _challenges(subscription: Subscription) -> dict[str, bool]:
    active = subscription.active
    return {
        VERIFY_DUE: active and subscription.url is not None and not subscription.url_verified,
        CONFIRM_DUE: active and subscription.email is not None and not subscription.email_confirmed,
    }


def verified(subscription: Subscription, channel: Channel, address: str) -> Change[Subscription]:
    """The address has answered its challenge, if it is still the one that was asked."""
    if channel == "webhook":
        if subscription.url != address or subscription.url_verified:
            return unchanged(subscription)
        event = SubscriptionVerified(**named(subscription), channel=channel)
        return changed(subscription, event, due={VERIFY_DUE: None}, url_verified=True)
    if subscription.email != address or subscription.email_confirmed:
        return unchanged(subscription)
    event = SubscriptionVerified(**named(subscription), channel=channel)
    return changed(subscription, event, due={CONFIRM_DUE: None}, email_confirmed=True)


def rotate(subscription: Subscription, at: datetime) -> Change[Subscription]:
    """A new secret; for a day both sign, so that nobody has to switch at one moment.

    Once per overlap: a second rotation would void a secret that is still in use.
    """
    if subscription.overlap_until is not None and at < subscription.overlap_until:
        return unchanged(subscription)
    until = at + OVERLAP
    generation = subscription.generation + 1
    event = SubscriptionSecretRotated(
        **named(subscription), generation=generation, overlap_until=until
    )
    return changed(
        subscription, event, generation=generation, overlap_until=until, secret_shown=True
    )


def tested(
    subscription: Subscription, webhook_code: str | None, email_code: str | None, at: datetime
) -> Change[Subscription]:
    """A test was sent, and what each way came to."""
    event = SubscriptionTested(
        **named(subscription), webhook_code=webhook_code, email_code=email_code
    )
    return changed(subscription, event, tested_at=at)


def alarm_due(subscription: Subscription, failures: int, at: datetime, *, gone: bool) -> bool:
    """Whether an operator must hear that this endpoint fails: at most once in 24 hours."""
    last = subscription.alerted_at
    return (gone or failures >= ALERT_AFTER) and (last is None or at - last >= ALERT_EVERY)


def alarmed(
    subscription: Subscription, failures: int, code: str, at: datetime
) -> Change[Subscription]:
    """An operator has been told."""
    if not alarm_due(subscription, failures, at, gone=True):
        return unchanged(subscription)
    event = SubscriptionFailing(**named(subscription), failures=failures, code=code)
    return changed(subscription, event, alerted_at=at)


def named(subscription: Subscription) -> dict[str, Any]:
    """What every event of a subscription says."""
    kind: RecipientKind = subscription.recipient_kind
    return {
        "subscription_id": subscription.id,
        "agency_id": subscription.recipient_id if kind == "agency" else None,
        "recipient_kind": kind,
        "recipient_id": subscription.recipient_id,
    }


def _registered(subscription: Subscription) -> SubscriptionRegistered:
    return SubscriptionRegistered(
        **named(subscription),
        active=subscription.active,
        kinds=subscription.kinds,
        area_count=len(subscription.areas),
        format=subscription.format,
        webhook=subscription.url is not None,
        email=subscription.email is not None,
    )
