"""A yes that waits for the Hub, and a no that somebody recorded who is marked as unsafe: it is told,
and so are the workers on the cases of the first, each once."""

from collections.abc import Sequence
from dataclasses import replace

from services.notify.decision.decide import Answer, gone, unsafe
from services.notify.projections.cases import Case
from services.notify.projections.directory import Subject
from services.notify.rules.audience import About, about
from services.notify.rules.considered import Because, Recipient
from services.notify.rules.drafts import Planned, claim_notice_id, draft
from services.notify.rules.notices import plan
from services.notify.rules.passed_over import keep_passed_over
from services.notify.rules.policy import Rule
from services.notify.store import Stores
from services.notify.subscriptions.store import Recipients
from shared.events import Event
from shared.events.notify import RecipientKind
from shared.events.sharing import ConsentRecorded, SafetyMarked
from shared.origin import Origin
from shared.rules.consents import NO, waits_anew, waits_for_hub
from shared.rules.safety import names_of
from shared.rules.sharing import Consent

TO_HUB = Rule(
    on=ConsentRecorded.event_type,
    tell="hub",
    kind="consent_waits",
    purpose="oversight",
    action="confirm_or_reject",
)
# It counts like every no; a manager asks the young person, and invalidates it if they never said it.
OF_UNSAFE = TO_HUB.model_copy(update={"kind": "refusal_doubtful", "action": "look_at_refusal"})
TO_WORKER = TO_HUB.model_copy(update={"tell": "worker", "purpose": "direct_work"})
# Of these a case is new to its Hub or to its worker: what waited before is told then.
NEW_TO_SOMEBODY = (
    *("referral.received", "referral.transferred", "allocation.made", "allocation.handed_over"),
)


async def tell_of_claim(
    stores: Stores, event: Event[ConsentRecorded] | Event[SafetyMarked]
) -> None:
    """Of one that was just recorded, or whose recorder was just marked. A referral that is not known
    yet tells it when it comes."""
    referral_id = event.data.referral_id
    case = (await stores.projections.cases.get(referral_id)).case(referral_id)
    if case is not None:
        known = await about(stores, event, case)
        await tell_of_claims(stores, known, Origin.of_event("notify", event))


async def tell_of_claims(stores: Stores, known: About, by: Origin) -> None:
    """Ids only: of the referral, and of the consent as `detail`. Safe to repeat."""
    await _tell_of_doubts(stores, known, by)
    said = known.subject.sharing.consents
    claims = {c.id: c.gains for c in said if c.status == "given" and c.gains and not c.void}
    agencies = await stores.projections.agencies_of(claims.values()) if claims else {}
    gained = {
        c.id
        for c in said
        if c.id in claims and waits_for_hub(c, said, agencies[c.gains or ""].kind)
    }
    anew = any(waits_anew(c, known.case.taken_over_at) for c in said)
    for case in await _cases(stores, known) if gained or anew else ():
        own = case.id == known.case.id
        worker_id = getattr(known.event.data, "worker_id", None) if own else None
        hub_id = known.hub_id if own else case.hub_id
        there = replace(known, case=case, hub_id=hub_id, policy=stores.policy.of_hub(hub_id))
        waiting = [c for c in said if c.id in gained or waits_anew(c, case.taken_over_at)]
        if waiting:
            to = [*_hub(TO_HUB, there), _worker(worker_id or case.worker_id)]
            await _tell(stores, there, to, waiting, by)


async def _tell_of_doubts(stores: Stores, known: About, by: Origin) -> None:
    said = known.subject.sharing.consents if known.subject.unsafe else ()
    noes = [c for c in said if c.status in NO and not c.void]
    doubtful = [c for c in noes if await _by_unsafe(stores, c, known.subject)]
    for case in await _cases(stores, known) if doubtful else ():
        hub_id = known.hub_id if case.id == known.case.id else case.hub_id
        there = replace(known, case=case, hub_id=hub_id, policy=stores.policy.of_hub(hub_id))
        await _tell(stores, there, _hub(OF_UNSAFE, there), doubtful, by)


async def _by_unsafe(stores: Stores, no: Consent, subject: Subject) -> bool:
    """Whether it was recorded by, or for, somebody who is marked for this young person."""
    role, _, one = (no.recorded_by or "").partition(":")
    if role == "worker" and await stores.projections.is_unsafe("worker", one, subject):
        return True
    agency_id = one if role == "agency" else no.recorder_host
    account = one if role == "hub_manager" else None
    names = names_of(agency_id=agency_id, account=account)
    return not names.isdisjoint(subject.unsafe)


async def _cases(stores: Stores, known: About) -> list[Case]:
    others = await stores.projections.held_by_workers(known.case.subject_id)
    return list({case.id: case for case in (*others, known.case)}.values())


async def _tell(
    stores: Stores, about: About, to: Sequence[Recipient], claims: Sequence[Consent], by: Origin
) -> None:
    """In one case. Whoever is not told, and whoever was told of all of them before, is kept."""
    planned: list[Planned] = []
    for each in to:
        for claim in claims if each.because is None else ():
            planned += await _planned(stores, about, claim, each)
    known = await stores.notifications.add_many(planned, by=by)
    before = [
        each._replace(because="told_before")
        for each in to
        if each.because is None and all(_notice_id(c, about, each) in known for c in claims)
    ]
    passed = [each for each in to if each.because is not None]
    part = "claims" if to[0].rule is TO_HUB else "doubts"
    await keep_passed_over(stores, about, [*passed, *before], part)


def _hub(rule: Rule, about: About) -> list[Recipient]:
    hub_id = about.hub_id
    return [Recipient(rule, "hub", hub_id or "", None if hub_id else "nobody_there")]


def _worker(worker_id: str | None) -> Recipient:
    because: Because | None = None if worker_id else "nobody_there"
    return Recipient(TO_WORKER, "worker", worker_id or "", because)


def _notice_id(claim: Consent, about: About, to: Recipient) -> str:
    return claim_notice_id(claim.id, about.case.id, to.kind, to.id)


async def _planned(stores: Stores, about: About, claim: Consent, to: Recipient) -> list[Planned]:
    told = draft(
        *(about.event, to.rule, to.kind, to.id),
        case=about.case,
        hub_id=about.hub_id,
        policy=about.policy,
        at=stores.clock(),
    ).but(id=_notice_id(claim, about, to), detail=claim.id)
    decided = await _decided(stores, about, to.kind, to.id)
    return await plan(stores, told, decided, Recipients(stores.subscriptions), None)


async def _decided(stores: Stores, known: About, kind: RecipientKind, one: str) -> Answer | None:
    if kind != "worker":
        return None
    if await stores.projections.has_left(kind, one):
        return gone(("existence",))
    if await stores.projections.is_unsafe(kind, one, known.subject):
        return unsafe(("existence",))
    return None
