"""A referral that gave its reference up has it again when it is reopened, if nobody else has by then."""

from collections.abc import Callable
from dataclasses import replace

from services.referral.acting import Asker, act
from services.referral.intake.reserving import MAX_USES, next_hash
from services.referral.records import ENDED, Referral, gave_up_reference
from services.referral.store import Stores
from shared.errors import AlreadyThere, Outage, Refused
from shared.rules.relations import Relation
from shared.storage.records import Change
from shared.web.etags import Match


async def take_step(
    stores: Stores,
    asker: Asker,
    referral_id: str,
    match: Match,
    rule: Callable[[Referral, Relation], Change[Referral]],
    *,
    reopens: bool,
) -> Referral:
    """The referral after a step. Raises what `act` and `reopen` raise."""
    if reopens:
        return await reopen(stores, asker, referral_id, match, rule)
    return await act(stores, *asker, referral_id, "take_step", match, rule)


async def reopen(
    stores: Stores,
    asker: Asker,
    referral_id: str,
    match: Match,
    rule: Callable[[Referral, Relation], Change[Referral]],
) -> Referral:
    """The referral after it is reopened. Raises what `act` raises, and `Refused` where it would be open
    beside the one that has its reference now.

    Of a reopening and an intake at the same moment the first that is stored has it: the unique index
    of references decides.
    """
    taken = False
    for _ in range(MAX_USES):
        reference = await next_hash(stores, referral_id, taken=taken)

        def guarded(
            referral: Referral, stands: Relation, reference: str | None = reference
        ) -> Change[Referral]:
            return with_reference(rule(referral, stands), referral, reference)

        try:
            return await act(stores, *asker, referral_id, "take_step", match, guarded)
        except AlreadyThere:
            taken = True
    raise Outage("reference_being_used")


def with_reference(
    change: Change[Referral], before: Referral, reference: str | None
) -> Change[Referral]:
    """The change, with the reference for what is open again. Pure."""
    if change.after.status in ENDED or not gave_up_reference(before):
        return change
    if reference is None:
        detail = "Its agency_reference was given to another referral since: send a new one."
        raise Refused("agency_reference_used", detail)
    return replace(change, after=change.after.but(reference_hash=reference))
