"""An agency's reference is one referral's at a time. One that went outside the network, and one that
was erased, gives it up."""

from dataclasses import replace
from datetime import timedelta

from services.referral.intake.reservation import Reference
from services.referral.records import Referral, gave_up_reference
from services.referral.store import Stores
from shared.errors import AlreadyThere, Mismatch, NotFound, Outage, Refused
from shared.events import EventData
from shared.origin import Origin

# After this long a reservation without a referral belongs to a request that came to nothing.
ABANDONED = timedelta(minutes=2)
MAX_USES = 100


async def reserve(stores: Stores, mine: Reference, agency_id: str) -> Reference:
    """The reference is this request's from here on, also where a referral has given it up: as that use
    of it. Raises `Refused` when a stored referral has it, `Mismatch` when another body came with this
    key, `Outage` when another request is at it now; nothing of this request is left then. Safe to
    repeat."""
    holder = await stores.references.reserve(mine)
    if holder is not None and holder.referral_id == mine.referral_id:
        if holder.request_hash != mine.request_hash or holder.id != mine.id:
            raise Mismatch
        return replace(mine, use=holder.use)  # an earlier copy of this request stopped half-way
    if holder is not None:
        mine = await _taken_over(stores, holder, mine)
    # Who had given it up may have it again, without a reservation of its own.
    if (first := await _who_has(stores, agency_id, mine.id)) is not None:
        await stores.references.release(mine.referral_id)
        raise _used(first)
    return mine


async def not_used(stores: Stores, reference_hash: str, agency_id: str) -> None:
    """Raises `Refused` when a referral of the agency has this reference. Writes nothing."""
    if (first := await _who_has(stores, agency_id, reference_hash)) is not None:
        raise _used(first)


async def _taken_over(stores: Stores, holder: Reference, mine: Reference) -> Reference:
    held = await stores.referrals.find({"_id": holder.referral_id}, limit=1)
    if held and not gave_up_reference(held[0]):
        raise _used(held[0])
    if not held and mine.at - holder.at < ABANDONED:
        raise Outage("reference_being_used")
    mine = replace(mine, use=holder.use + len(held))
    if not await stores.references.take_over(holder, mine):
        raise Outage("reference_being_used")
    return mine


async def add(
    stores: Stores, referral: Referral, event: EventData, mine: Reference, by: Origin
) -> Referral:
    """The referral is stored under the reference that is reserved for it, or was by a copy of this
    request. Raises `Refused` when another one got it at this very moment.

    A unique index may keep what an erased referral, or one that gave the reference up, left there:
    where nobody has it, the next use of it is taken.
    """
    for _ in range(MAX_USES):
        try:
            return await stores.referrals.add(referral.but(reference_hash=mine.hash), event, by=by)
        except AlreadyThere:
            twin = await stored(stores, mine.referral_id, mine.request_hash)
        if twin is not None:
            return twin  # this very request ran twice at once
        if (first := await _who_has(stores, referral.agency_id, mine.id)) is not None:
            await stores.references.release(mine.referral_id)
            raise _used(first)
        mine = await _next_use(stores, mine)
    raise Outage("reference_being_used")


async def stored(stores: Stores, referral_id: str, request_hash: str) -> Referral | None:
    """The referral of this request, if it is there. Raises `Mismatch` for another body."""
    try:
        referral = await stores.referrals.get(referral_id)
    except NotFound:
        return None
    if referral.request_hash != request_hash:
        raise Mismatch
    return referral


async def key_of_line(stores: Stores, agency_id: str, agency_reference: str) -> str:
    """The key of a line of a batch: that of the reference's use now. A line is the same as before
    while the referral that it made has its reference, and a new one once that gave it up."""
    use = 0
    while True:
        named = (agency_reference, str(use)) if use else (agency_reference,)
        # Keyed as well: it must not be what somebody sends as an Idempotency-Key.
        key = f"batch/{stores.vault.fingerprint('batch', *named)}"
        made = {"_id": stores.vault.id_of("ref", agency_id, key)}
        found = await stores.referrals.find(made, limit=1)
        if not found or not gave_up_reference(found[0]):
            return key
        use += 1


async def next_hash(stores: Stores, referral_id: str, *, taken: bool = False) -> str | None:
    """Under which hash a referral that gave its reference up may have it again; None where the next
    one has it by now. `taken`: the one before is in somebody's way."""
    mine = await stores.references.of(referral_id)
    if mine is not None and taken:
        mine = await _next_use(stores, mine)
    return replace(mine, use=mine.use + 1).hash if mine else None


async def _next_use(stores: Stores, mine: Reference) -> Reference:
    after = replace(mine, use=mine.use + 1)
    if not await stores.references.take_over(mine, after):
        raise Outage("reference_being_used")
    return after


def uses_of(reference_hash: str) -> dict[str, str]:
    """A reference in whichever use, as the hashes in the referrals are compared."""
    return {"$gte": reference_hash, "$lt": f"{reference_hash}\x7f"}


async def holder_of(stores: Stores, agency_id: str, agency_reference: str) -> Referral | None:
    """The agency's referral that has this reference now."""
    return await _who_has(
        stores, agency_id, stores.vault.fingerprint("reference", agency_id, agency_reference)
    )


async def _who_has(stores: Stores, agency_id: str, reference_hash: str) -> Referral | None:
    """The referral that has it, in whichever use: those that gave it up are called otherwise."""
    where = {"agency_id": agency_id, "reference_hash": uses_of(reference_hash)}
    found = await stores.referrals.find(where, limit=1)
    return found[0] if found else None


def _used(first: Referral) -> Refused:
    """The refusal, which says where the referral is that has it."""
    detail = "You have sent a referral with this agency_reference before."
    return Refused("agency_reference_used", detail, referral=f"/v1/referrals/{first.id}")
