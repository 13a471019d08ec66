"""Asking for a young person, confirming it, and telling the two."""

from services.referral.access import Refusal, Viewer
from services.referral.acting import Asker, find
from services.referral.disclosure.access_record import refuse
from services.referral.store import Stores
from services.referral.tracings.request import Traced, TracingEntry, TracingView, Wanted
from services.referral.tracings.rule import Tracing, answer, confirm, view
from shared.clock import now
from shared.errors import NotFound, NotTheirs
from shared.events.tracing import TracingAsked
from shared.ids import new_id
from shared.origin import account_of


async def ask(stores: Stores, asker: Asker, entry: TracingEntry) -> TracingView:
    """The question, durable; whether there is anything to find is not looked up."""
    tracing = Tracing(
        id=new_id("trc"),
        wanted=_wanted(stores, entry),
        purpose=entry.purpose,
        asked_by=asker.caller.actor,
        asked_at=now(),
    )
    event = TracingAsked(
        tracing_id=tracing.id,
        purpose=tracing.purpose,
        by="referral" if entry.referral_id else "agency_reference",
        referral_id=entry.referral_id,
    )
    return view(await stores.tracings.add(tracing, event, by=asker.caller.origin(tracing.id)))


async def confirmed(stores: Stores, asker: Asker, tracing_id: str, wanted: Wanted) -> TracingView:
    """Told to the second person, once that is an event. Raises as `rule.confirm`."""
    seen, by, at = await _tracing(stores, tracing_id), asker.caller.actor, now()
    same = _wanted(stores, wanted)
    confirm(seen, same, None, by, at)  # who may not hears so before anything is looked up
    if seen.confirmed_by is None:
        await stores.known.two_people(account_of(seen.asked_by), asker.caller.account)
    traced = await _traced(stores, asker, seen)
    after = await stores.tracings.change(
        tracing_id,
        lambda tracing: confirm(tracing, same, traced, by, at),
        by=asker.caller.origin(tracing_id),
        seen=seen,
    )
    return view(after, traced)


async def read(stores: Stores, asker: Asker, tracing_id: str) -> TracingView:
    """Where it stands, for any auditor while it waits; afterwards for the two, with the answer of now,
    once that they are told is an event."""
    seen, by = await _tracing(stores, tracing_id), asker.caller.actor
    if seen.confirmed_by is None:
        return view(seen)
    answer(seen, None, by)
    traced = await _traced(stores, asker, seen)
    after = await stores.tracings.change(
        tracing_id,
        lambda tracing: answer(tracing, traced, by),
        by=asker.caller.origin(tracing_id),
        seen=seen,
    )
    return view(after, traced)


def _wanted(stores: Stores, wanted: Wanted) -> str:
    if wanted.referral_id:
        return wanted.referral_id
    named = wanted.agency_id or "", wanted.agency_reference or ""
    return stores.vault.fingerprint("reference", *named)


async def _tracing(stores: Stores, tracing_id: str) -> Tracing:
    try:
        return await stores.tracings.get(tracing_id)
    except NotFound:
        raise NotTheirs("not_there") from None


async def _traced(stores: Stores, asker: Asker, tracing: Tracing) -> Traced | None:
    """Whom the referral is about now. Nobody, where one of the two is marked as unsafe for them: that
    is recorded as a refusal, and told as what is not there. Of either as many entries are recorded:
    their number tells nothing."""
    by_id = tracing.wanted.startswith("ref_")
    referral_id = tracing.wanted if by_id else await stores.references.holder(tracing.wanted)
    found = await find(stores, referral_id) if referral_id else None
    both = {tracing.asked_by, tracing.confirmed_by or asker.caller.actor}
    accounts = sorted(account_of(one) for one in both)
    unsafe = {one for one in accounts if found and f"account:{one}" in found.subject.unsafe}
    if found is not None and not unsafe:
        return Traced(subject_id=found.subject.id, referral_ids=found.subject.referral_ids)
    for account in accounts:  # whoever asks now may be the other one, of whom nothing is said
        who = Viewer("auditor", account, account=account)
        reason: Refusal = "recipient_unsafe" if account in unsafe else "not_there"
        await refuse(stores, asker.caller, who, referral_id or tracing.wanted, "trace", reason)
    return None
