"""Deciding, and storing what was decided: who is told, who is not, who must be told otherwise.

Everything here may run twice and from several replicas: ids are derived, and a notice about a
notification is stored before the notification itself says so. A crash in between repeats the
notice under the same id.
"""

import asyncio
from typing import Any

from services.notify.domain.deciding import Answer, Case, answer
from services.notify.domain.hearing import create, draft, notice
from services.notify.domain.notification import Notification
from services.notify.domain.policy import Row, open_within
from services.notify.domain.subscription import Subscription, key_of
from services.notify.domain.timing import quiet_until
from services.notify.store import Desk
from shared.errors import AlreadyThere, NotFound
from shared.events import Event
from shared.events.codes import WITHOUT_REPLY
from shared.events.notify import RecipientKind
from shared.faults import point
from shared.origin import Origin
from shared.sharing import Request

AT_ONCE = 16


async def tell_of(desk: Desk, event: Event[Any], referral_id: str | None = None) -> None:
    """Everyone whom the table names hears of the event, as one about `referral_id` where that is
    another referral than the event's own. Raises `NotFound` until notify has caught up with what
    the event was decided on: the bus brings it again."""
    rows = desk.policy.rows(event)
    if not rows:
        return
    data = event.data
    case = await desk.known.case(
        referral_id or data.referral_id, getattr(data, "referral_version", 0)
    )
    await desk.known.sharing(case.subject_id, _sharing_version(event, case))
    hub_id = getattr(data, "hub_id", None) or case.hub_id or await desk.known.hub_for(case.area)
    by = Origin.of_event("notify", event)
    for row in sorted(rows, key=lambda row: row.tell == "partners"):
        if row.tell == "partners":
            if case.moving or _ahead(event, case):
                raise NotFound("case")  # whose consent counts will be known in a moment
            await _tell_partners(desk, event, row, case, hub_id, by)
            continue
        named: dict[str, tuple[RecipientKind, str | None]] = {
            "referrer": ("agency", case.agency_id),
            "worker": ("worker", getattr(data, row.who, case.worker_id)),
            "hub": ("hub", hub_id),
        }
        kind, recipient_id = named[row.tell]
        policy = desk.policy.of_hub(hub_id)
        if recipient_id is None or (kind == "hub" and row.kind in policy.mute):
            continue
        if kind == "worker" and key_of(kind, recipient_id) == event.actor:
            continue  # they did it themselves
        if kind == "agency" and (await desk.known.agency(recipient_id)).kind in WITHOUT_REPLY:
            continue  # an account that many strangers share has no inbox
        planned = draft(
            event, row, kind, recipient_id, case=case, hub_id=hub_id, policy=policy, at=desk.clock()
        )
        decided = await desk.known.answer(planned, desk.clock()) if kind == "agency" else None
        minutes = open_within(row, case.urgency, policy)
        await tell(desk, planned, decided, await desk.subscription(kind, recipient_id), minutes, by)


def _sharing_version(event: Event[Any], case: Case) -> int:
    """The version of the young person's sharing state that this was written with."""
    same = getattr(event.data, "subject_id", None) == case.subject_id
    return max(case.subject_version, getattr(event.data, "subject_version", 0) if same else 0)


def _ahead(event: Event[Any], case: Case) -> bool:
    """Whether the referral's own event is about another young person than known, and newer."""
    newer = event.type.startswith("referral.") and event.version > case.version
    return newer and getattr(event.data, "subject_id", case.subject_id) != case.subject_id


async def _tell_partners(
    desk: Desk, event: Event[Any], row: Row, case: Case, hub_id: str | None, by: Origin
) -> None:
    """Each agency that asked to hear of it is decided on; those withheld are stored as well."""
    subscriptions = [
        s for s in await desk.partners(row.kind, case.area) if s.recipient_id != case.agency_id
    ]
    agencies = await desk.known.agencies_of(s.recipient_id for s in subscriptions)
    agreements = await desk.known.agreements_of(hub_id)
    by_party = {
        s.recipient_id: [t for t in agreements if s.recipient_id in t.parties]
        for s in subscriptions
    }
    state = await desk.known.sharing(case.subject_id)
    policy = desk.policy.of_hub(hub_id)
    minutes = open_within(row, case.urgency, policy)

    async def one(subscription: Subscription) -> None:
        agency_id, at = subscription.recipient_id, desk.clock()
        known = agency_id in agencies  # from one that nobody registered it is withheld, visibly
        agency = agencies[agency_id]
        if known and (not agency.active or case.area not in agency.areas):
            return  # it asked for an area that is not its own
        planned = draft(
            event, row, "agency", agency_id, case=case, hub_id=hub_id, policy=policy, at=at
        )
        request = Request(
            sharer=hub_id,
            agency_id=agency_id,
            agency_kind=agency.kind,
            purpose=row.purpose,
            categories=row.categories,
        )
        decided = answer(
            sharing=True,
            request=request,
            state=state,
            agreements=by_party[agency_id],
            void=case.void is not None or not known,
            at=at,
        )
        await tell(desk, planned, decided, subscription, minutes, by)

    for start in range(0, len(subscriptions), AT_ONCE):
        await asyncio.gather(*(one(s) for s in subscriptions[start : start + AT_ONCE]))


async def tell(
    desk: Desk,
    planned: Notification,
    decided: Answer | None,
    subscription: Subscription | None,
    minutes: int | None,
    by: Origin,
) -> None:
    """Store it, told or withheld. What must follow from it is stored before it."""
    policy = desk.policy.of_hub(planned.hub_id)
    notification, event, due = create(
        planned, answer=decided, subscription=subscription, policy=policy, minutes=minutes
    )
    if decided is not None and decided.decision.safety_hold:
        await hold(desk, notification, by)
    if notification.status != "withheld" and minutes is not None and subscription is not None:
        await _out_of_hours(desk, notification, subscription, by)
    point("tell.after_notices")
    try:
        await desk.notifications.add(notification, event, by=by, due=due)
    except AlreadyThere:
        return  # the event came before; the notification is there


async def tell_internally(desk: Desk, planned: Notification, by: Origin) -> None:
    """A notice that needs no decision: to workers, Hubs, operators; or a retraction."""
    subscription = await desk.subscription(planned.recipient_kind, planned.recipient_id)
    minutes = desk.policy.of_hub(planned.hub_id).escalate_within if planned.urgent else None
    await tell(desk, planned, None, subscription, minutes, by)


async def hold(desk: Desk, held: Notification, by: Origin) -> None:
    """An agency is unsafe for this young person and would have been told: the Hub must know."""
    if held.hub_id is None:
        return
    told = notice(
        held,
        "safety_hold",
        "hub",
        held.hub_id,
        action="review",
        ground="hub_oversight",
        at=desk.clock(),
        urgent=True,
    )
    await tell_internally(desk, told, by)


async def _out_of_hours(
    desk: Desk, notification: Notification, subscription: Subscription, by: Origin
) -> None:
    """Urgent, and nobody is there: a duty desk hears of it too."""
    nation = desk.policy.of_hub(notification.hub_id).nation
    if quiet_until(subscription.quiet_hours, desk.clock(), nation) is None:
        return
    on_duty = await duty_desk(desk, notification, subscription)
    if on_duty is None:
        return
    told = notice(
        notification,
        "urgent_out_of_hours",
        *on_duty,
        action="reach_recipient",
        ground="hub_oversight",
        at=desk.clock(),
        urgent=True,
    )
    # Its own duty desk is not asked again: two desks that name each other would never end.
    await tell(desk, told, None, None, None, by)


async def duty_desk(
    desk: Desk, notification: Notification, subscription: Subscription | None
) -> tuple[RecipientKind, str] | None:
    """Who is there when the recipient is not: never anybody outside the Hub's own say.

    Workers and Hubs name their own, a worker of that Hub or (Hubs) another Hub. For an agency,
    and for whoever named nobody that counts, it is the Hub's desk, or else the Hub.
    """
    hub_id = notification.hub_id
    if hub_id is None:
        return None
    if notification.recipient_kind == "hub":
        named = [subscription]
    else:
        own = subscription if notification.recipient_kind == "worker" else None
        named = [own, await desk.subscription("hub", hub_id)]
    for each in named:
        kind, _, desk_id = (each.duty_desk if each and each.duty_desk else "").partition(":")
        if kind == "worker" and await desk.known.hub_of(desk_id) == hub_id:
            return "worker", desk_id
        if kind == "hub" and each is not None and each.recipient_kind == "hub":
            return "hub", desk_id
    return None if notification.recipient_kind == "hub" else ("hub", hub_id)
