"""Whom an event is about to reach: what it is decided on, read once, and each recipient of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.notify.projections.cases import Case
from services.notify.projections.directory import Agency, Subject
from services.notify.rules.considered import Recipient, why_no_partner
from services.notify.rules.policy import HubPolicy, Rule
from services.notify.store import Stores
from services.notify.subscriptions.store import Recipients
from services.notify.subscriptions.subscription import key_of
from shared.errors import NotFound
from shared.events import Event
from shared.events.codes import UNKNOWN_AREA, WITHOUT_REPLY
from shared.events.notify import RecipientKind
from shared.events.subject import AboutSharing
from shared.rules.sharing import Terms


@dataclass(frozen=True)
class About:
    """An event, the case it is about, and what is known of that case."""

    event: Event[Any]
    case: Case
    hub_id: str | None
    policy: HubPolicy
    subject: Subject

    @property
    def subject_pending(self) -> bool:
        """Whether an event that names another young person for this referral is still on its way."""
        event, case = self.event, self.case
        newer = event.type.startswith("referral.") and event.version > case.version
        ahead = newer and getattr(event.data, "subject_id", case.subject_id) != case.subject_id
        return case.subject_pending or ahead


@dataclass(frozen=True)
class Directory:
    """What is known of the recipients: agencies, agreements by party, subscriptions."""

    agencies: dict[str, Agency]
    agreements: dict[str, list[Terms]]
    recipients: Recipients


async def about(stores: Stores, event: Event[Any], case: Case | None) -> About:
    """What the event is decided on. Raises `NotFound` while that has not all arrived."""
    data = event.data
    if case is None or case.seen < getattr(data, "referral_version", 0):
        raise NotFound("case")
    subject = await stores.projections.subject(case.subject_id, _sharing_version(event, case))
    return await _about(stores, event, case, subject)


async def passed_by(stores: Stores, event: Event[Any], case: Case) -> About:
    """The event and a case that hears nothing of it: enough to say who would have been told."""
    return await _about(stores, event, case, Subject())


async def _about(stores: Stores, event: Event[Any], case: Case, subject: Subject) -> About:
    hub_id = getattr(event.data, "hub_id", None) or case.hub_id
    hub_id = hub_id or await stores.projections.hub_for(case.area)
    return About(event, case, hub_id, stores.policy.of_hub(hub_id), subject)


def _sharing_version(event: Event[Any], case: Case) -> int:
    """The version of the young person's sharing state that this was written with. An event of that
    state is news of itself: it waits for no other."""
    if isinstance(event.data, AboutSharing):
        return 0
    same = getattr(event.data, "subject_id", None) == case.subject_id
    return max(case.subject_version, getattr(event.data, "subject_version", 0) if same else 0)


def named(about: About, rules: Sequence[Rule]) -> list[Recipient]:
    """The referrer, the worker and the Hub, where the rules name them, told or not."""
    return [_named(about, rule) for rule in rules if rule.tell != "partners"]


def desk_of(cover: str | None) -> tuple[RecipientKind, str | None]:
    """Who covers, as a rota names them: `operators`, `hub:…` or `worker:…`."""
    kind, _, one = (cover or "").partition(":")
    named: RecipientKind = "hub" if kind == "hub" else "worker"
    return ("operator", "operator") if kind == "operators" else (named, one or None)


def _named(about: About, rule: Rule) -> Recipient:
    case = about.case
    desk: tuple[RecipientKind, str | None] = ("operator", "operator")
    # Until a Hub has it, what a Hub would have to act on is for the operators' desk.
    hub_id = about.hub_id if rule.hub == "hub_id" else getattr(about.event.data, rule.hub)
    theirs: tuple[RecipientKind, str | None] = ("hub", hub_id)
    hub = theirs if hub_id or rule.urgent == "never" else desk
    recipients: dict[str, tuple[RecipientKind, str | None]] = {
        "referrer": ("agency", case.agency_id),
        "worker": ("worker", getattr(about.event.data, rule.who, case.worker_id or case.holder_id)),
        "hub": hub,
        "operators": desk,
        "cover": desk_of(getattr(about.event.data, "cover", None)),
    }
    kind, recipient_id = recipients[rule.tell]
    if recipient_id is None:
        return Recipient(rule, kind, "", "nobody_there")
    if kind == "hub" and rule.hub == "hub_id" and rule.kind in about.policy.mute:
        return Recipient(rule, kind, recipient_id, "muted")
    did_it = kind == "worker" and key_of(kind, recipient_id) == about.event.actor
    return Recipient(rule, kind, recipient_id, "own_act" if did_it else None)


async def partners(
    stores: Stores,
    about: About,
    rules: Sequence[Rule],
    recipients: Recipients,
    agreements: Sequence[Terms],
) -> list[Recipient]:
    """The agencies that asked to hear of it, and those that have an agreement with the Hub."""
    parties = {party for terms in agreements for party in terms.parties} - {about.hub_id}
    found: list[Recipient] = []
    for rule in (rule for rule in rules if rule.tell == "partners"):
        asked = []
        if about.case.area != UNKNOWN_AREA:
            asked = await stores.subscriptions.partners(rule.kind, about.case.area)
        recipients.found |= {each.id: each for each in asked}
        ids = dict.fromkeys([*(s.recipient_id for s in asked), *sorted(parties)])
        found += [Recipient(rule, "agency", agency_id) for agency_id in ids]
    return found


async def directory(
    stores: Stores,
    audience: Sequence[Recipient],
    recipients: Recipients,
    agreements: Sequence[Terms],
) -> Directory:
    """What is known of these recipients, in one reading of each projection."""
    await recipients.read(key_of(each.kind, each.id) for each in audience if each.id)
    agency_ids = [each.id for each in audience if each.kind == "agency"]
    agencies = await stores.projections.agencies_of(agency_ids) if agency_ids else {}
    by_party: dict[str, list[Terms]] = {}
    for terms in agreements:
        for party in terms.parties:
            by_party.setdefault(party, []).append(terms)
    return Directory(dict(agencies), by_party, recipients)


def considered(
    about: About, audience: Sequence[Recipient], known: Directory
) -> tuple[list[Recipient], list[Recipient]]:
    """Who is decided about, and who is passed over, each for a reason.

    A party to an agreement that is no agency (another Hub) is neither.
    """
    asked: list[Recipient] = []
    passed: list[Recipient] = []
    for each in audience:
        agency = known.agencies.get(each.id) if each.kind == "agency" else None
        subscription = known.recipients.found.get(key_of(each.kind, each.id))
        because = each.because
        if each.rule.tell == "partners":
            if agency is None and subscription is None:
                continue
            because = why_no_partner(each, about.case, agency, subscription)
        elif agency is not None and agency.kind in WITHOUT_REPLY:
            because = "no_reply_channel"
        (asked if because is None else passed).append(each._replace(because=because))
    return asked, passed
