"""Who is notified of an event, who is not, and who must hear instead: decided and stored.

All of this may run twice and on several replicas: ids are derived, so a repeat stores what is
missing and nothing twice.
"""

from collections.abc import Collection, Sequence
from typing import Any

from services.notify.decision.decide import Answer, answer, gone, unsafe
from services.notify.projections.cases import Case
from services.notify.projections.directory import Agency
from services.notify.rules.audience import (
    About,
    Directory,
    about,
    considered,
    directory,
    named,
    partners,
    passed_by,
)
from services.notify.rules.claims import NEW_TO_SOMEBODY, tell_of_claims
from services.notify.rules.considered import Because, Recipient
from services.notify.rules.drafts import Planned, draft, notification_id
from services.notify.rules.notices import plan
from services.notify.rules.passed_over import keep_passed_over
from services.notify.rules.policy import open_within
from services.notify.store import Stores
from services.notify.subscriptions.store import Recipients
from shared.errors import NotFound
from shared.events import Event
from shared.operating.failpoints import failpoint
from shared.origin import Origin
from shared.rules.sharing import Request, Terms

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
    by = Origin.of_event("notify", event)
    if event.type in NEW_TO_SOMEBODY:
        await tell_of_claims(stores, context, by)
    recipients, agreements = Recipients(stores.subscriptions), list[Terms]()
    audience, to_partners = named(context, rules), any(r.tell == "partners" for r in rules)
    early = to_partners and context.subject_pending
    if to_partners and not early:
        if context.hub_id is not None:
            agreements = await stores.projections.agreements_of(context.hub_id)
        audience += await partners(stores, context, rules, recipients, agreements)
    known = await directory(stores, audience, recipients, agreements)
    asked, passed = considered(context, audience, known)
    for start in range(0, len(asked), AT_ONCE):
        some, planned = asked[start : start + AT_ONCE], list[Planned]()
        for recipient in some:
            planned += await _plan(stores, context, recipient, known)
        there = await stores.notifications.add_many(planned, by=by)
        passed += _told_before(event, some, there)
    # After a crash before this the event comes again: nobody is told twice, and this is kept then.
    await keep_passed_over(stores, context, passed)
    if early:
        raise NotFound("case")  # whose consent counts will be known in a moment


async def pass_by(stores: Stores, event: Event[Any], case: Case, because: Because) -> None:
    """Tell nobody of this case, and keep whom the rules name, and why."""
    context = await passed_by(stores, event, case)
    audience = named(context, stores.policy.applying_to(event))
    passed = [each._replace(because=each.because or because) for each in audience]
    await keep_passed_over(stores, context, passed)


def _told_before(
    event: Event[Any], asked: Sequence[Recipient], there: Collection[str]
) -> list[Recipient]:
    """Who hears of something once in a referral's life, and has: maybe by this event, if it came
    before."""
    return [
        each._replace(because="told_before")
        for each in asked
        if each.rule.once and notification_id(event, each.rule, each.kind, each.id) in there
    ]


async def _plan(
    stores: Stores, about: About, recipient: Recipient, known: Directory
) -> list[Planned]:
    """What is stored for one recipient: told or withheld."""
    rule, kind, recipient_id, _ = recipient
    agency = known.agencies.get(recipient_id) if kind == "agency" else None
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


def _decide(
    about: About, recipient: Recipient, agency: Agency | None, known: Directory, at: Any
) -> Answer:
    sharing = recipient.rule.tell == "partners"
    request = Request(
        sharer=about.hub_id,
        taken_over_at=about.case.taken_over_at,
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
