"""From a draft and its decision to what is stored: the notices about it first, then itself."""

from services.notify.decision.decide import Answer
from services.notify.delivery.timing import quiet_until
from services.notify.notification import Notification
from services.notify.rules.drafts import Planned, create, notice
from services.notify.store import Stores
from services.notify.subscriptions.store import Recipients
from services.notify.subscriptions.subscription import Subscription
from shared.events.notify import RecipientKind
from shared.origin import Origin


async def plan(
    stores: Stores,
    draft: Notification,
    decided: Answer | None,
    recipients: Recipients,
    minutes: int | None,
) -> list[Planned]:
    """The notification, told or withheld, after the notices that must follow from it.

    `decided` is None where no decision is needed; `minutes` until somebody must have opened it.
    """
    policy = stores.policy.of_hub(draft.hub_id)
    subscription = await recipients.of(draft.recipient_kind, draft.recipient_id)
    new = create(draft, answer=decided, subscription=subscription, policy=policy, minutes=minutes)
    notices: list[Planned] = []
    if decided is not None and decided.decision.safety_hold:
        notices += await _safety_hold(stores, new.record, recipients)
    if new.record.status != "withheld" and minutes is not None and subscription is not None:
        notices += await _out_of_hours(stores, new.record, subscription, recipients)
    return [*notices, new]


async def notify_internally(stores: Stores, draft: Notification, by: Origin) -> None:
    """Store a notice that needs no decision: to workers, Hubs, operators; or a retraction."""
    await stores.notifications.add_many(
        await _internal(stores, draft, Recipients(stores.subscriptions)), by=by
    )


async def hold(stores: Stores, held: Notification, by: Origin) -> None:
    """An agency is unsafe for this young person and would have been told: the Hub must know that has
    the referral now."""
    hub_id = await stores.projections.hub_now(held.referral_id, held.hub_id)
    held = held.but(hub_id=hub_id)
    notices = await _safety_hold(stores, held, Recipients(stores.subscriptions))
    await stores.notifications.add_many(notices, by=by)


async def _internal(stores: Stores, draft: Notification, recipients: Recipients) -> list[Planned]:
    minutes = stores.policy.of_hub(draft.hub_id).escalate_within if draft.urgent else None
    return await plan(stores, draft, None, recipients, minutes)


async def _safety_hold(stores: Stores, held: Notification, recipients: Recipients) -> list[Planned]:
    if held.hub_id is None:
        return []
    task = notice(
        *(held, "safety_hold", "hub", held.hub_id),
        action="review",
        ground="hub_oversight",
        at=stores.clock(),
        urgent=True,
    )
    return await _internal(stores, task, recipients)


async def _out_of_hours(
    stores: Stores, notification: Notification, subscription: Subscription, recipients: Recipients
) -> list[Planned]:
    """Urgent, and nobody is there: a duty desk hears of it too."""
    policy = stores.policy.of_hub(notification.hub_id)
    if quiet_until(subscription.quiet_hours, stores.clock(), policy.nation) is None:
        return []
    on_duty = await duty_desk(stores, notification, subscription, recipients)
    if on_duty is None:
        return []
    task = notice(
        *(notification, "urgent_out_of_hours", *on_duty),
        action="reach_recipient",
        ground="hub_oversight",
        at=stores.clock(),
        urgent=True,
    )
    # Its own duty desk is not asked again: two desks that name each other would never end.
    return [create(task, answer=None, subscription=None, policy=policy, minutes=None)]


async def duty_desk(
    stores: Stores,
    notification: Notification,
    subscription: Subscription | None,
    recipients: Recipients,
) -> tuple[RecipientKind, str] | None:
    """Who is there when the recipient is not: never anybody outside the Hub's own say.

    Workers and Hubs name their own, a worker of that Hub or (Hubs) another Hub. For an agency,
    and for whoever named nobody that counts, it is the Hub's desk, or else the Hub. A worker who is
    unsafe for the young person is nobody.
    """
    hub_id = notification.hub_id
    if hub_id is None:
        return None
    if notification.recipient_kind == "hub":
        named = [subscription]
    else:
        own = subscription if notification.recipient_kind == "worker" else None
        named = [own, await recipients.of("hub", hub_id)]
    for each in named:
        kind, _, desk_id = (each.duty_desk if each and each.duty_desk else "").partition(":")
        if kind == "worker" and await _may_stand_in(stores, notification, desk_id, hub_id):
            return "worker", desk_id
        if kind == "hub" and each is not None and each.recipient_kind == "hub":
            return "hub", desk_id
    return None if notification.recipient_kind == "hub" else ("hub", hub_id)


async def _may_stand_in(
    stores: Stores, notification: Notification, worker_id: str, hub_id: str
) -> bool:
    if await stores.projections.hub_of(worker_id) != hub_id:
        return False
    subject = await stores.projections.subject(notification.subject_id or "")
    return not await stores.projections.is_unsafe("worker", worker_id, subject)
