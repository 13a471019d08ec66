"""Recording what a young person said about telling their parents."""

from services.referral.acting import Asker
from services.referral.parents.request import ParentsEntry
from services.referral.parents.rule import record_parents_word
from services.referral.records import Referral
from services.referral.sharing.subject import Subject
from services.referral.store import Stores
from shared.clock import now
from shared.ids import new_id
from shared.rules.parents import counts_as_family


async def record(stores: Stores, referral: Referral, entry: ParentsEntry, asker: Asker) -> Subject:
    """The young person, with what they said."""
    caller, viewer = asker
    word_id, at, by = new_id("par"), now(), caller.actor
    family = viewer.role == "agency" and counts_as_family(viewer.agency_kind)
    return await stores.subjects.change(
        referral.subject_id,
        lambda s: record_parents_word(s, referral.id, word_id, entry, at, by=by, by_family=family),
        by=caller.origin(referral.id),
    )
