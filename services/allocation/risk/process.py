"""A young person's concerns are reported, and their open cases follow the level they add up to."""

import contextlib
from collections.abc import Sequence

from services.allocation.assignment.choice import judge as judge_worker
from services.allocation.assignment.facts import hub_facts, worker_facts
from services.allocation.assignment.referral_sync import follow_facts
from services.allocation.assignment.rule import case_facts
from services.allocation.casework.transitions import relevel
from services.allocation.records import Allocation
from services.allocation.risk.history import Reported
from services.allocation.risk.looking import judge, reassess
from services.allocation.risk.subject import (
    Arrives,
    FromReferral,
    Subject,
    absorb,
    first_seen,
    forget,
    respond,
)
from services.allocation.safety.process import safe_of
from services.allocation.store import Stores
from shared.clock import now
from shared.errors import AlreadyThere, NotFound
from shared.events.codes import JudgementReason, RiskLevel, Setting
from shared.origin import Origin
from shared.storage.records import Change, unchanged


async def report(
    stores: Stores, event: FromReferral, by: Origin, arrives: Arrives | None = None
) -> tuple[Subject, bool]:
    """The young person with what this referral reports, and whether nobody has reported them before.

    They are whom the event names, or the one at whom it `arrives`.
    """
    at = now()
    subject, assessed = first_seen(event, stores.policy, at, arrives)
    try:
        return await stores.subjects.add(subject, assessed, by=by), True
    except AlreadyThere:
        known = await stores.subjects.change(
            subject.id, lambda known: absorb(known, event, stores.policy, at, arrives), by=by
        )
        return known, False


async def told_of(stores: Stores, subject_id: str, referral_id: str) -> Reported | None:
    """What the referral has told of the young person, if it is about them."""
    try:
        told = (await stores.subjects.get(subject_id)).reported.get(referral_id)
    except NotFound:
        return None
    return told if told is not None and told.here else None


async def take_back(
    stores: Stores, subject_id: str, referral_id: str, version: int, by: Origin
) -> None:
    """What the referral told is not of this young person. Safe to repeat."""
    at = now()
    with contextlib.suppress(NotFound):
        await stores.subjects.change(
            subject_id, lambda s: forget(s, referral_id, version, stores.policy, at), by=by
        )


async def relevel_case(stores: Stores, allocation_id: str, subject: Subject, by: Origin) -> None:
    """The case gets the level that its young person is answered with."""
    allocation = await stores.allocations.get(allocation_id)
    hub = await stores.hub(allocation.hub_id)
    level = respond(subject, allocation.urgency, stores.policy)
    may = await fits(stores, allocation, level=level)

    def rule(known: Allocation) -> Change[Allocation]:
        if known.subject_id != subject.id:
            return unchanged(known)  # it has turned out to be about somebody else meanwhile
        return relevel(known, level, hub, may)

    await stores.allocations.change(allocation_id, rule, by=by, seen=allocation)


async def recompute_case(stores: Stores, allocation_id: str, subject: Subject, by: Origin) -> None:
    """A case of a young person of whom less is known than was thought: nothing in it is of somebody
    else. What was decided stays as it was decided."""
    allocation = await stores.allocations.get(allocation_id)
    others = await stores.others(subject.id, allocation_id)
    unsafe = await stores.marks.unsafe_for(subject.id)
    theirs = await safe_of(stores, others.with_workers(allocation.hub_id), unsafe)
    alone = {allocation.worker_id} >= set(theirs)

    def rule(known: Allocation) -> Change[Allocation]:
        if known.subject_id != subject.id:
            return unchanged(known)
        return follow_facts(known, subject.assessment, one_worker=alone)

    await stores.allocations.change(allocation_id, rule, by=by, seen=allocation)
    await relevel_case(stores, allocation_id, subject, by)


async def fits(
    stores: Stores,
    allocation: Allocation,
    *,
    level: RiskLevel | None = None,
    avoided: Sequence[Setting] | None = None,
) -> bool:
    """Whether the worker on the case still passes the gates that a new level, or another setting
    avoided, may close."""
    hub = await stores.hub(allocation.hub_id)
    if hub is None or allocation.worker_id is None:
        return True
    case = case_facts(allocation).model_copy(
        update={
            "level": level or allocation.level,
            "settings_avoided": allocation.settings_avoided if avoided is None else tuple(avoided),
        }
    )
    worker = await stores.workers.get(allocation.worker_id)
    (facts,) = worker_facts([worker], case, now())
    gates = {g.gate: g.passed for g in judge_worker(case, hub_facts(hub), facts).gates}
    asked = () if avoided is None else ("setting_not_avoided",)
    return all(gates[gate] for gate in ("role_may_take_level", "qualified", *asked))


async def judge_case(
    stores: Stores, allocation: Allocation, level: RiskLevel, reason: JudgementReason, by: Origin
) -> Subject:
    """A practitioner sets the level of the case's young person."""
    at = now()

    def rule(subject: Subject) -> Change[Subject]:
        return judge(
            subject,
            level,
            reason,
            referral_id=allocation.id,
            by=by.actor,
            policy=stores.policy,
            at=at,
        )

    return await stores.subjects.change(allocation.subject_id, rule, by=by)


async def reassess_case(stores: Stores, allocation: Allocation, by: Origin) -> Subject:
    """A practitioner has looked again at the case's young person."""
    at = now()

    def rule(subject: Subject) -> Change[Subject]:
        return reassess(
            subject, referral_id=allocation.id, by=by.actor, policy=stores.policy, at=at
        )

    return await stores.subjects.change(allocation.subject_id, rule, by=by)
