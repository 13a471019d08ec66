"""Notify on a real store, in this process: the tests publish events by calling its handlers, and
move its clock. `Told` keeps the versions of aggregates, as their owners would."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from services.notify.app import DEFAULT_POLICY
from services.notify.decision.re_evaluate import re_evaluate
from services.notify.delivery.attempt import attempt
from services.notify.delivery.dispatcher import Dispatcher
from services.notify.delivery.senders import by_webhook
from services.notify.delivery.webhook import Caller
from services.notify.handlers import handlers
from services.notify.notification import TIMER, Notification
from services.notify.rules.policy_file import load_policy
from services.notify.store import Stores
from services.notify.subscriptions.proofs import challenge
from services.notify.subscriptions.subscription import Subscription, SubscriptionEntry, subscribe
from shared.events import EVENT_TYPES, Event
from shared.events.notify import Channel, RecipientKind
from shared.events.referral import Concern
from shared.ids import new_id
from shared.messaging.relay import Relay
from shared.operating.limits import LimitSettings
from shared.operating.runner import Platform
from shared.origin import Origin
from shared.rules.sharing import Consent, Invalidation, SharingState, Terms
from shared.storage.store import Database
from tests.service.conftest import SilentBus

POLICY = load_policy(DEFAULT_POLICY)
HUB, SCHOOL, POLICE, WORKER = "hub_one", "ag_school", "ag_police", "wk_one"
AREA, SUBJECT = "northtown", "sub_1"
START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
# `make endurance` runs the tests of scale in full; `make test` a tenth of it.
SCALE = float(os.environ.get("SCALE", "0.1"))
OPERATOR = Origin("operator:test", "operator")


def consent(status: str = "given", **changes: Any) -> Consent:
    """The young person's own word on existence, concerns and worker; for ever, for everyone."""
    values: dict[str, Any] = {
        "id": new_id("con"),
        "status": status,
        "categories": ("existence", "concerns", "worker"),
        "given_by": "young_person",
        "gillick_competent": True,
        "recorded_at": START - timedelta(days=1),
        "valid_from": START - timedelta(days=1),
    }
    return Consent(**{**values, **changes})


def terms(*parties: str, **changes: Any) -> Terms:
    """A signed agreement of the Hub with these agencies."""
    values: dict[str, Any] = {
        "id": "isa_1",
        "version": 1,
        "parties": (HUB, *parties),
        "signed_by": (HUB, *parties),
        "purposes": ("safeguarding",),
        "categories": ("existence", "concerns", "worker", "outcome"),
        "grounds": ("consent", "public_task"),
        "effective_from": START - timedelta(days=30),
        "effective_to": START + timedelta(days=36500),
    }
    return Terms(**{**values, **changes})


def event_of(event_type: str, subject: str, version: int, **data: Any) -> Event[Any]:
    """A well-formed event, as its owner would publish it."""
    model = EVENT_TYPES[event_type]
    return Event[Any](
        id=new_id("evt"),
        source="/services/test",
        type=event_type,
        subject=subject,
        time=START,
        dataschema=f"urn:hub-and-spoke:{event_type}:1",
        correlationid=str(data.get("referral_id", subject)),
        version=version,
        actor="service:test",
        actorrole="service",
        data=model.model_validate(data),
    )


def referral(referral_id: str = "ref_1", **changes: Any) -> dict[str, Any]:
    """The data of `referral.received`."""
    return {
        "referral_id": referral_id,
        "subject_id": SUBJECT,
        "subject_version": 0,
        "agency_id": SCHOOL,
        "urgency": "five_working_days",
        "received_at": START,
        "due_at": START + timedelta(days=7),
        "age_band": "16_to_17",
        "area": AREA,
        "concerns": (
            Concern(
                code="missing_episodes", recency="current", agency_id=SCHOOL, reported_at=START
            ),
        ),
        "settings_avoided": (),
        **changes,
    }


def allocated(referral_id: str = "ref_1", **changes: Any) -> dict[str, Any]:
    """The data of `allocation.made`."""
    return {
        "referral_id": referral_id,
        "subject_id": SUBJECT,
        "agency_id": SCHOOL,
        "hub_id": HUB,
        "worker_id": WORKER,
        "level": "mild",
        "urgency": "five_working_days",
        "due_at": START + timedelta(days=7),
        "decided_at": START,
        "policy_version": "test",
        "referral_version": 1,
        **changes,
    }


@dataclass
class Told:
    """Notify, and the others' events with versions that count."""

    stores: Stores
    clock: "Hands"
    versions: Counter[str] = field(default_factory=Counter)
    state: SharingState = field(default_factory=SharingState)

    async def hear(self, event: Event[Any]) -> None:
        """The event arrives."""
        table = {h.type: h.handle for each in handlers(self.stores).values() for h in each}
        await table[event.type](event)

    async def happens(self, event_type: str, subject: str, **data: Any) -> Event[Any]:
        """The aggregate's next event happens and arrives."""
        self.versions[subject] += 1
        event = event_of(event_type, subject, self.versions[subject], **data)
        await self.hear(event)
        return event

    async def network(self, *agencies: str) -> None:
        """A Hub, and agencies that are registered and have signed an agreement with it."""
        await self.happens(
            "hub.registered", HUB, hub_id=HUB, areas=(AREA,), spoke_ceiling="moderate"
        )
        for agency_id in (SCHOOL, *agencies):
            await self.happens(
                "agency.registered", agency_id, agency_id=agency_id, kind="6", areas=(AREA,)
            )
        for start in range(0, len(agencies), 20):
            parties = agencies[start : start + 20]
            await self.agreed(terms(*parties, id=f"isa_{start // 20 + 1}"))

    async def agreed(self, agreement: Terms, event_type: str = "agreement.signed") -> None:
        """The agreement is as these terms say."""
        data: dict[str, Any] = {
            "agreement_id": agreement.id,
            "terms": agreement,
            "review_at": agreement.effective_to,
        }
        if event_type == "agreement.signed":
            data["party"] = HUB
        await self.happens(event_type, agreement.id, **data)

    async def says(self, *consents: Consent) -> None:
        """The young person has said these things about sharing, beside what was said before."""
        for each in consents:
            before = self.state.consents
            self.state = self.state.model_copy(update={"consents": (*before, each)})
            await self._sharing("consent.recorded", consent=each)

    async def mistaken(self, consent: Consent) -> None:
        """A consent was recorded by mistake."""
        why = Invalidation(reason="wrong_person", by="worker:wk_one", at=self.clock())
        void = consent.model_copy(update={"invalidation": why})
        kept = tuple(void if c.id == consent.id else c for c in self.state.consents)
        self.state = self.state.model_copy(update={"consents": kept})
        await self._sharing("consent.invalidated", consent=void, reason=why.reason)

    async def unsafe(self, agency_id: str) -> None:
        """A practitioner marks an agency as unsafe."""
        self.state = self.state.model_copy(update={"unsafe_agencies": (agency_id,)})
        await self._sharing(
            "sharing.safety_marked",
            marked_kind="agency",
            marked_id=agency_id,
            relation="close_associate",
            unsafe=True,
        )

    async def marks(self, *names: str) -> None:
        """These, and nobody else, are unsafe: by name."""
        agencies = tuple(n.removeprefix("agency:") for n in names if n.startswith("agency:"))
        self.state = self.state.model_copy(update={"unsafe_agencies": agencies})
        await self._sharing(
            "sharing.safety_marked",
            unsafe_names=tuple(sorted(names)),
            marked_kind="worker",
            marked_id="wk_any",
            relation="close_associate",
            unsafe=bool(names),
        )

    async def _sharing(self, event_type: str, **data: Any) -> None:
        about = {"subject_id": SUBJECT, "referral_id": "ref_1", "referral_ids": ("ref_1",)}
        await self.happens(
            event_type,
            SUBJECT,
            **about,
            sharing=self.state.model_copy(update={"age_band": "16_to_17"}),
            **data,
        )

    async def subscribed(
        self,
        recipient_id: str,
        kind: RecipientKind = "agency",
        *,
        verify: bool = True,
        **entry: Any,
    ) -> Subscription:
        """A recipient says how it wants to be told; its addresses count as proved."""
        if kind == "agency":
            entry = {
                "kinds": ("concern_in_your_area", "support_arranged"),
                "areas": (AREA,),
                **entry,
            }
        wish = SubscriptionEntry(**entry)
        made, event, due = subscribe(kind, recipient_id, wish, self.clock())
        if verify:
            proved = {"url_verified": bool(made.url), "email_confirmed": bool(made.email)}
            return await self.stores.subscriptions.add(made.but(**proved), event, by=OPERATOR)
        return await self.stores.subscriptions.add(made, event, by=OPERATOR, due=due)

    async def all(self, **where: Any) -> list[Notification]:
        """The notifications that match, in the order of their making."""
        return await self.stores.notifications.find(where, sort=[("created_at", 1)], limit=100_000)

    async def one(self, **where: Any) -> Notification:
        (found,) = await self.all(**where)
        return found

    async def looked_again(self) -> None:
        """Every second look that is due now has been taken."""
        while found := await self.stores.notifications.claim("recheck_due", self.stores.lease):
            await re_evaluate(self.stores, found, "ground_changed")

    async def events(self, record_id: str) -> list[dict[str, Any]]:
        """The events of one notification, oldest first."""
        found = await self.stores.notifications.collection.find_one({"_id": record_id})
        return [json.loads(entry["body"]) for entry in (found or {})["outbox"]]

    async def rows(self, **where: Any) -> list[dict[str, Any]]:
        """Attempt rows, oldest first."""
        return [
            row
            async for row in self.stores.attempts.collection.find(where).sort(
                [("at", 1), ("step", 1)]
            )
        ]

    async def send_due(self, caller: Caller, channel: Channel = "webhook") -> int:
        """One attempt at each that is due, one after the other. Returns how many there were."""
        count = 0
        while found := await self.stores.notifications.claim(TIMER[channel], self.stores.lease):
            await attempt(self.stores, channel, by_webhook(self.stores, caller), found)
            count += 1
        return count

    async def ask(self, caller: Caller, recipient_id: str) -> None:
        """The endpoint is sent its challenge."""
        subscription = await self.stores.subscriptions.of("agency", recipient_id)
        assert subscription is not None
        await challenge(self.stores, caller, subscription)


class Hands:
    """A clock that a test sets. It runs by a millisecond whenever it is read, so that times differ."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


def stores_on(database: Database, clock: Any, **options: Any) -> Stores:
    """Notify's stores on this database; its events stay in their outboxes."""
    platform = Platform(database, Relay("notify", SilentBus()))
    return Stores.on(platform, POLICY, b"k" * 32, LimitSettings(), clock=clock, **options)


@asynccontextmanager
async def dispatching(stores: Stores, caller: Caller, grace: float = 0) -> AsyncIterator[None]:
    """The webhook dispatcher runs within the block. At its end it dies, or has `grace` seconds."""
    dispatcher = Dispatcher(stores, "webhook", by_webhook(stores, caller), grace=grace)
    task = asyncio.create_task(dispatcher.run())
    try:
        yield
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=10)


async def settled(told: Told, *, deadline: float = 60, **where: Any) -> list[Notification]:
    """The notifications once none of them waits for its webhook any more."""
    waiting = {**where, "webhook_due": {"$exists": True}}

    async def none_left() -> bool:
        return await told.stores.notifications.collection.count_documents(waiting) == 0

    while not await none_left():  # asked seldom: counting is work for the store too
        deadline -= 0.25
        assert deadline > 0, "waited in vain for every delivery being over"
        await asyncio.sleep(0.25)
    return await told.all(**where)
