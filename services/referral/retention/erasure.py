"""Erasure of one referral on demand. Safe to repeat; its event's handler finishes what a crash left."""

from services.referral.acting import Asker, act, held
from services.referral.people.retelling import forget_referral
from services.referral.records import Referral
from services.referral.retention.rule import ErasureReason, erase
from services.referral.store import Stores
from shared.clock import now
from shared.operating.failpoints import failpoint
from shared.rules.relations import Relation
from shared.storage.records import Change
from shared.web.etags import Match


async def erase_referral(
    stores: Stores, asker: Asker, referral_id: str, reason: ErasureReason, match: Match
) -> Referral:
    """The referral as it is left. Raises `Refused` while it is open."""
    await held(stores, *asker, referral_id, "erase")
    at = now()

    def rule(referral: Referral, _: Relation) -> Change[Referral]:
        return erase(referral, reason, at)

    # The record first: its tag decides. After a crash here the event's handler destroys the key.
    referral = await act(stores, *asker, referral_id, "erase", match, rule)
    failpoint("erase.after_record")
    await forget_referral(stores, referral)
    return referral
