"""An agency's reference is one referral's at a time. One that went outside the network gives it up."""

from dataclasses import replace
from datetime import timedelta

from services.referral.intake.reservation import Reference
from services.referral.store import Stores
from shared.errors import Mismatch, Outage, Refused

# After this long a reservation without a referral belongs to a request that came to nothing.
ABANDONED = timedelta(minutes=2)


async def reserve(stores: Stores, mine: Reference) -> Reference:
    """The reference is this request's from here on, also where a referral has given it up: as that use
    of it. Raises `Refused` when a stored referral has it, `Mismatch` when another body came with this
    key, `Outage` when another request is at it now. Safe to repeat."""
    holder = await stores.references.reserve(mine)
    if holder is None:
        return mine
    if holder.referral_id == mine.referral_id:
        if holder.request_hash != mine.request_hash or holder.id != mine.id:
            raise Mismatch
        return replace(mine, use=holder.use)  # an earlier copy of this request stopped half-way
    held = await stores.referrals.find({"_id": holder.referral_id}, limit=1)
    if held and held[0].reference_hash == holder.hash:
        raise await used(stores, holder)
    if not held and mine.at - holder.at < ABANDONED:
        raise Outage("reference_being_used")
    mine = replace(mine, use=holder.use + len(held))
    if not await stores.references.take_over(holder, mine):
        raise Outage("reference_being_used")
    return mine


async def used(stores: Stores, reference: Reference) -> Refused:
    """The refusal, which says where the referral is that has it."""
    first = await stores.referrals.find({"reference_hash": reference.hash}, limit=1)
    location = f"/v1/referrals/{first[0].id}" if first else ""
    detail = "You have sent a referral with this agency_reference before."
    return Refused("agency_reference_used", detail, referral=location)
