"""Saying that a consent was recorded by mistake."""

from services.referral.acting import Asker
from services.referral.invalidation.rule import invalidate_consent
from services.referral.records import Referral
from services.referral.sharing.command import host_of, with_kind
from services.referral.sharing.subject import Subject
from services.referral.store import Stores
from shared.clock import now
from shared.events.codes import InvalidationReason


async def invalidate(
    stores: Stores, referral: Referral, consent_id: str, reason: InvalidationReason, asker: Asker
) -> Subject:
    """The young person, without what was recorded by mistake."""
    caller, viewer = asker
    at, by = now(), caller.actor
    own = (viewer.id, viewer.agency_kind) if viewer.role == "agency" else None
    party = own or await host_of(stores, viewer)
    sides = [await with_kind(stores, side) for side in await stores.known.sides_of(caller.account)]
    return await stores.subjects.change(
        referral.subject_id,
        lambda s: invalidate_consent(
            s, referral.id, consent_id, reason, at, by=by, party=party, sides=sides
        ),
        by=caller.origin(referral.id),
    )
