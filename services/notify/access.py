"""Who may ask notify what: one function for each question."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from fastapi import Depends, Path, Request

from services.notify.delivery.addresses import is_web_address
from services.notify.notification import Notification
from services.notify.projections.store import Hidden
from services.notify.store import Stores
from services.notify.subscriptions.subscription import SubscriptionEntry, key_of
from shared.errors import BadRequest, Malformed, NotFound, NotTheirs, Refused
from shared.events.codes import UNKNOWN_KIND
from shared.events.notify import RecipientKind
from shared.rules.access import Person, Thing
from shared.rules.access_table import Action
from shared.web.access import person, require, require_record
from shared.web.tokens import Caller


def stores(request: Request) -> Stores:
    """The stores, as `app.py` wired them."""
    found: Stores = request.app.state.notify
    return found


def development(request: Request) -> bool:
    """Whether plain http addresses may be registered."""
    allowed: bool = request.app.state.development
    return allowed


NotifyStores = Annotated[Stores, Depends(stores)]
Development = Annotated[bool, Depends(development)]
NotificationId = Annotated[str, Path(pattern=r"^ntf_[0-9a-f]{32}$")]


def recipient_of(caller: Caller) -> tuple[RecipientKind, str]:
    """The kind and id under which the caller is told things."""
    if caller.role == "worker":
        return "worker", caller.worker_id or ""
    if caller.role == "hub_manager":
        return "hub", caller.hub_id or ""
    if caller.role == "coordinator":
        return "coordinator", caller.area_id or ""
    if caller.role == "operator":
        return "operator", "operator"
    return "agency", caller.agency_id or ""


def thing_of(kind: RecipientKind, recipient_id: str) -> Thing:
    """What is a recipient's own, as the rules of access see it."""
    return Thing(
        agency_id=recipient_id if kind == "agency" else None,
        person_id=recipient_id if kind == "worker" else None,
        hub_id=recipient_id if kind == "hub" else None,
        areas=(recipient_id,) if kind == "coordinator" else (),
        private=(kind, recipient_id) != ("operator", "operator"),
    )


async def has_left(stores: Stores, caller: Caller) -> bool:
    """Whether an agency is inactive, a worker was removed, or nobody registered the Hub that a
    manager names."""
    return await stores.projections.has_left(*recipient_of(caller))


def inbox_of(caller: Caller) -> str:
    """The caller's own inbox, as `kind:id`."""
    return key_of(*recipient_of(caller))


async def own_notification(
    stores: Stores, caller: Caller, notification_id: str, action: Action
) -> Notification:
    """A notification of the caller's own inbox. Raises `NotTheirs` for any other, for one about a
    young person for whom the caller is marked as unsafe, and for one of which nobody was told."""
    who, hidden = await _who(stores, caller)
    try:
        notification = await stores.notifications.get(notification_id)
    except NotFound:
        raise NotTheirs("not_there") from None
    marked = (
        notification.subject_id in hidden.subjects or notification.referral_id in hidden.referrals
    )
    thing = thing_of(notification.recipient_kind, notification.recipient_id)
    thing = replace(thing, unsafe=who.names if marked else ())
    require_record(action, who, thing, notification.referral_id)
    if notification.status == "withheld":
        raise NotTheirs("nothing_permitted", notification.referral_id)
    return notification


async def hidden_from(stores: Stores, caller: Caller) -> Hidden:
    """What the caller is told nothing of: they, their account, their agency or the agency that
    hosts them is marked as unsafe for the young person, or they are parents who are not told."""
    return (await _who(stores, caller))[1]


async def _who(stores: Stores, caller: Caller) -> tuple[Person, Hidden]:
    host, kind = None, ""
    if caller.agency_id is not None:
        kind = (await stores.projections.agencies.get(caller.agency_id)).kind or UNKNOWN_KIND
    if caller.worker_id is not None:
        host = (await stores.projections.workers.get(caller.worker_id)).host_agency_id
    who = person(caller, host_agency_id=host, agency_kind=kind)
    return who, await stores.projections.hidden_from(who.names)


def own_subscription(caller: Caller, recipient_id: str, action: Action = "subscribe") -> str:
    """The id of the caller's own subscription. Raises `NotFound` for anybody else's."""
    kind, own = recipient_of(caller)
    require(action, person(caller), thing_of(kind, recipient_id))
    return key_of(kind, own)


async def movable_subscription(
    stores: Stores, caller: Caller, recipient_id: str, action: Action = "subscribe"
) -> str:
    """The id of the caller's own subscription, if they may say where it sends. Raises as the two."""
    key = own_subscription(caller, recipient_id, action)
    await _may_move_mailbox(stores, caller)
    return key


async def _may_move_mailbox(stores: Stores, caller: Caller) -> None:
    """Returns if the caller may say where the mail and the webhooks go that several people read.

    Raises `Refused` for a manager who is marked as unsafe for a young person of the Hub, or of
    another one of whom it is told, to take them over or to cover, and for somebody of an agency or of
    the operators who is marked for anyone: what they may not read would come to where they say.
    """
    if caller.role == "worker":
        return  # their own, and told nothing of whom they are marked for
    if caller.role != "hub_manager":
        marked = await stores.projections.hidden_from([f"account:{caller.account}"])
        if marked.subjects:
            raise Refused("somebody_else", "Somebody else of you has to do this.")
        return
    hidden = await hidden_from(stores, caller)
    if not hidden.referrals:
        return
    theirs = await stores.projections.has_one_of(caller.hub_id, hidden.referrals)
    if theirs or await stores.notifications.told_of(inbox_of(caller), hidden.referrals):
        raise Refused("somebody_else", "Somebody else of the Hub has to do this.")


async def desk_is_there(stores: Stores, entry: SubscriptionEntry) -> None:
    """Raises `Refused` for a duty desk of a Hub that nobody registered: nobody would be told."""
    kind, _, desk_id = (entry.duty_desk or "").partition(":")
    if kind == "hub" and await stores.projections.has_left("hub", desk_id):
        raise Refused("desk_unknown", "No Hub of this id is registered.")


def may_subscribe(caller: Caller, entry: SubscriptionEntry, *, development: bool) -> None:
    """Raises `BadRequest` for what this kind of recipient can't have, `Malformed` for a webhook that
    nobody could call: stored, it would be found out only when it is needed."""
    theirs = entry.url or entry.kinds or entry.areas or entry.format != "notification"
    if caller.role != "agency" and theirs:
        raise BadRequest("agencies_only", "Webhooks, kinds and areas are for agencies.")
    if caller.role == "agency" and entry.duty_desk:
        raise BadRequest("no_desk_for_agencies", "Out of hours, the Hub's duty desk is told.")
    if entry.url and not development and not entry.url.startswith("https://"):
        raise BadRequest("https_needed", "A webhook must have an https address.")
    if entry.url and not is_web_address(entry.url):
        detail = (
            "No web address: a host name or an IP address, maybe a port, and a path; without user,"
            " password and fragment."
        )
        raise Malformed("/url", "url_malformed", detail)


@dataclass(frozen=True)
class LedgerScope:
    """Which notifications a ledger shows, and whether persons are named in it."""

    names: bool
    where: Mapping[str, object] = field(default_factory=dict)


async def ledger_scope(stores: Stores, caller: Caller, referral_id: str) -> LedgerScope:
    """Hub managers see what their Hub shared of a referral that is not another Hub's by now, with
    names; auditors see all of it, without."""
    verdict = require("view_recipients", person(caller), Thing(hub_id=caller.hub_id))
    if verdict.relation != "manager_of_hub":
        return LedgerScope(names=False)
    theirs = (await stores.projections.cases.get(referral_id)).hub_id in (None, caller.hub_id)
    return LedgerScope(
        names=True, where={"hub_id": caller.hub_id} if theirs else {"_id": {"$in": []}}
    )


def replay_scope(
    caller: Caller, recipient_kind: RecipientKind, recipient_id: str
) -> dict[str, object]:
    """What the caller may have sent again. Raises `NotFound`.

    Agencies: what they were sent themselves. Hub managers: what their Hub shared. Operators: all.
    """
    thing = Thing(
        agency_id=recipient_id if recipient_kind == "agency" else None, hub_id=caller.hub_id
    )
    verdict = require("replay_notifications", person(caller), thing)
    return {"hub_id": caller.hub_id} if verdict.relation == "manager_of_hub" else {}
