"""A yes that waits for the Hub: its managers and the workers on the cases are told, each once."""

from services.notify.decision.decide import Answer, gone, unsafe
from services.notify.projections.cases import Case
from services.notify.rules.audience import About, about
from services.notify.rules.drafts import Planned, claim_notice_id, draft
from services.notify.rules.notices import plan
from services.notify.rules.policy import Rule
from services.notify.store import Stores
from services.notify.subscriptions.store import Recipients
from shared.events import Event
from shared.events.notify import RecipientKind
from shared.events.sharing import ConsentRecorded
from shared.origin import Origin
from shared.rules.consents import waits_for_hub
from shared.rules.sharing import Consent

TO_HUB = Rule(
    on=ConsentRecorded.event_type,
    tell="hub",
    kind="consent_waits",
    purpose="oversight",
    action="confirm_or_reject",
)
TO_WORKER = TO_HUB.model_copy(update={"tell": "worker", "purpose": "direct_work"})
# Of these a case is new to its Hub or to its worker: what waited before is told then.
NEW_TO_SOMEBODY = ("referral.received", "allocation.made", "allocation.handed_over")


async def tell_of_claim(stores: Stores, event: Event[ConsentRecorded]) -> None:
    """Of one that was just recorded. A referral that is not known yet tells it when it comes."""
    referral_id = event.data.referral_id
    case = (await stores.projections.cases.get(referral_id)).case(referral_id)
    if case is not None and event.data.consent.gains is not None:
        known = await about(stores, event, case)
        await tell_of_claims(stores, known, Origin.of_event("notify", event))


async def tell_of_claims(stores: Stores, known: About, by: Origin) -> None:
    """Ids only: of the referral, and of the consent as `detail`. Safe to repeat."""
    said = known.subject.sharing.consents
    claims = {c.id: c.gains for c in said if c.status == "given" and c.gains and not c.void}
    if not claims:
        return
    agencies = await stores.projections.agencies_of(claims.values())
    waiting = [
        c for c in said if c.id in claims and waits_for_hub(c, said, agencies[c.gains or ""].kind)
    ]
    planned: list[Planned] = []
    for case in await _cases(stores, known) if waiting else ():
        for claim in waiting:
            planned += await _planned(stores, known, case, claim)
    await stores.notifications.add_many(planned, by=by)


async def _cases(stores: Stores, known: About) -> list[Case]:
    others = await stores.projections.held_by_workers(known.case.subject_id)
    return list({case.id: case for case in (*others, known.case)}.values())


async def _planned(stores: Stores, known: About, case: Case, claim: Consent) -> list[Planned]:
    hub_id = known.hub_id if case.id == known.case.id else case.hub_id
    policy = stores.policy.of_hub(hub_id)
    worker_id = getattr(known.event.data, "worker_id", None) if case.id == known.case.id else None
    to: list[tuple[Rule, RecipientKind, str | None]] = [
        (TO_HUB, "hub", None if TO_HUB.kind in policy.mute else hub_id),
        (TO_WORKER, "worker", worker_id or case.worker_id),
    ]
    planned: list[Planned] = []
    for rule, kind, one in to:
        if one is None:
            continue
        told = draft(
            *(known.event, rule, kind, one),
            case=case,
            hub_id=hub_id,
            policy=policy,
            at=stores.clock(),
        ).but(id=claim_notice_id(claim.id, case.id, kind, one), detail=claim.id)
        decided = await _decided(stores, known, kind, one)
        planned += await plan(stores, told, decided, Recipients(stores.subscriptions), None)
    return planned


async def _decided(stores: Stores, known: About, kind: RecipientKind, one: str) -> Answer | None:
    if kind != "worker":
        return None
    if await stores.projections.has_left(kind, one):
        return gone(("existence",))
    if await stores.projections.is_unsafe(kind, one, known.subject):
        return unsafe(("existence",))
    return None
