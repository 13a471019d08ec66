"""Who is notified of an event, who is not, and who must hear instead: decided and stored.

All of this may run twice and on several replicas: ids are derived, so a repeat stores what is
missing and nothing twice.
"""

from typing import Any

from services.notify.decision.decide import Answer, answer, gone, unsafe
from services.notify.projections.cases import Case
from services.notify.projections.directory import Agency
from services.notify.rules.audience import (
    About,
    Directory,
    Recipient,
    about,
    directory,
    named,
    partners,
)
from services.notify.rules.claims import NEW_TO_SOMEBODY, tell_of_claims
from services.notify.rules.drafts import Planned, draft
from services.notify.rules.notices import plan
from services.notify.rules.policy import open_within
from services.notify.store import Stores
from services.notify.subscriptions.store import Recipients
from shared.errors import NotFound
from shared.events import Event
from shared.events.codes import WITHOUT_REPLY
from shared.operating.failpoints import failpoint
from shared.origin import Origin
from shared.rules.sharing import Request

AT_ONCE = 100


async def notify(stores: Stores, event: Event[Any], case: Case | None) -> None:
    """Notify everyone whom the rules name of the event, as one about this case.

    Raises `NotFound` until notify has caught up with what the event was decided on: the bus brings
    the event again.
    """
    rules = stores.policy.applying_to(event)
    if not rules:
        return
    failpoint("notify.after_projection")
    context = await about(stores, event, case)
    if event.type in NEW_TO_SOMEBODY:
        await tell_of_claims(stores, context, Origin.of_event("notify", event))
    recipients = Recipients(stores.subscriptions)
    audience, to_partners = named(context, rules), any(r.tell == "partners" for r in rules)
    early = to_partners and context.subject_pending
    if not early:
        audience += await partners(stores, context, rules, recipients)
    known = await directory(stores, context, audience, recipients)
    by = Origin.of_event("notify", event)
    for start in range(0, len(audience), AT_ONCE):
        planned: list[Planned] = []
        for recipient in audience[start : start + AT_ONCE]:
            planned += await _plan(stores, context, recipient, known)
        await stores.notifications.add_many(planned, by=by)
    if early:
        raise NotFound("case")  # whose consent counts will be known in a moment


async def _plan(
    stores: Stores, about: About, recipient: Recipient, known: Directory
) -> list[Planned]:
    """What is stored for one recipient: told or withheld; nothing where it is not theirs to hear."""
    rule, kind, recipient_id = recipient
    agency = known.agencies.get(recipient_id) if kind == "agency" else None
    if kind == "agency" and not _may_ask(about, recipient, agency):
        return []
    planned = draft(
        *(about.event, rule, kind, recipient_id),
        case=about.case,
        hub_id=about.hub_id,
        policy=about.policy,
        at=stores.clock(),
    )
    at = planned.created_at
    decided = _decide(about, recipient, agency, known, at) if kind == "agency" else None
    left = kind == "worker" and await stores.projections.has_left(kind, recipient_id)
    if left or (agency is not None and agency.gone):
        decided = gone(rule.categories or ("existence",))
    elif kind == "worker" and await stores.projections.is_unsafe(kind, recipient_id, about.subject):
        decided = unsafe(rule.categories or ("existence",))
    minutes = open_within(rule, about.case.urgency, about.policy)
    return await plan(stores, planned, decided, known.recipients, minutes)


def _may_ask(about: About, recipient: Recipient, agency: Agency | None) -> bool:
    """Whether the agency is one that hears of it at all, if it is permitted.

    An account that many strangers share has no inbox. A partner hears of areas of its own; from one
    that nobody registered it is withheld, visibly.
    """
    if agency is None:
        return True
    if recipient.rule.tell == "partners":
        return agency.active and about.case.area in agency.areas
    return agency.kind not in WITHOUT_REPLY


def _decide(
    about: About, recipient: Recipient, agency: Agency | None, known: Directory, at: Any
) -> Answer:
    sharing = recipient.rule.tell == "partners"
    request = Request(
        sharer=about.hub_id,
        referrer_id=about.case.agency_id,
        agency_id=recipient.id,
        agency_kind=agency.kind if agency else "",
        agency_alias=agency.alias if agency else None,
        purpose=recipient.rule.purpose,
        categories=recipient.rule.categories or ("existence",),
    )
    return answer(
        sharing=sharing,
        request=request,
        state=about.subject.sharing,
        agreements=known.agreements.get(recipient.id, ()) if sharing else (),
        retracted=sharing and (about.case.retraction_reason is not None or agency is None),
        at=at,
    )
