"""Correcting a referral: what is written is sealed first, then stored if the referral still takes it.

What follows from a young person's details is worked out on the details as they are; where somebody
else corrects them at the same moment, it is worked out again."""

from collections.abc import Callable

from services.referral.acting import Asker, act, held, tag_for
from services.referral.areas.command import hash_of
from services.referral.authorship import merged, read, sealed_parts
from services.referral.corrections.request import AmendReferral
from services.referral.corrections.rule import Corrected, Placed, amend, patches, record_discussion
from services.referral.documents import SUBJECT_SECTIONS, DiscussionEntry, SubjectDetails
from services.referral.intake.suspects import mark_suspects
from services.referral.people.finding import block_hashes
from services.referral.people.retelling import expect, forget_referral, retell_subject
from services.referral.records import Referral, not_erased
from services.referral.store import Stores
from shared.clock import now
from shared.errors import Outage, Refused
from shared.operating.failpoints import failpoint
from shared.rules.access_table import Action
from shared.rules.relations import Relation
from shared.storage.records import Change
from shared.web.etags import Match

Sealed = dict[str, bytes]
Rule = Callable[[Referral, Relation], Change[Referral]]
MAX_RACES = 20


class _CorrectedMeanwhile(Exception):
    """Somebody else has corrected the same details since they were read."""


async def amend_referral(
    stores: Stores,
    asker: Asker,
    referral_id: str,
    amendment: AmendReferral,
    match: Match,
    around: Callable[[Rule], Rule] = lambda rule: rule,
) -> Referral:
    """The referral with the amendment: two at once keep each other's fields. `around` may keep the
    rule from being carried out twice. Raises `Refused` once it was erased, or has no more room."""
    at, by = now(), asker.caller.actor
    before = await _taking(stores, asker, referral_id, "amend")
    placed = await _placed(stores, amendment)
    sealed = await stores.vault.seal(referral_id, patches(amendment, placed))
    for _ in range(MAX_RACES):
        corrected = await _corrected(stores, asker, before, amendment, match)
        seen = _details(before)

        def rule(referral: Referral, _: Relation) -> Change[Referral]:
            not_erased(referral)
            if amendment.subject and _details(referral) != seen:  # noqa: B023 - in this round only
                raise _CorrectedMeanwhile
            return amend(referral, amendment, sealed, by, at, corrected, placed)  # noqa: B023

        try:
            amended = await act(stores, *asker, referral_id, "amend", match, around(rule))
        except _CorrectedMeanwhile:
            before = await _taking(stores, asker, referral_id, "amend")
            continue
        except Refused:
            await _forget_if_erased(stores, referral_id)
            raise
        failpoint("amend.after_record")
        origin = asker.caller.origin(referral_id)
        await mark_suspects(stores, amendment.people, amended.subject_id, referral_id, origin)
        if corrected is not None:
            await retell_subject(stores, amended, asker.caller.origin(referral_id))
        return amended
    raise Outage("contention")


async def _placed(stores: Stores, amendment: AmendReferral) -> Placed | None:
    """Where the area belongs that the amendment names. Should it be registered at this moment, the
    amendment's own event asks again."""
    if amendment.area is None:
        return None
    here = await stores.register.place(amendment.area)
    served = {code: hub for code, hub in (await stores.register.of_hubs()).items() if hub}
    return Placed(here, hash_of(stores, amendment.area), served)


async def _corrected(
    stores: Stores, asker: Asker, before: Referral, amendment: AmendReferral, match: Match
) -> Corrected | None:
    """The details with the amendment. From now on they find this young person, too, and what the
    referral says of them is read anew for each comparison, until the amendment is stored and noted:
    wherever it stops, it is compared with what is stored."""
    if amendment.subject is None:
        return None
    match.check(tag_for(asker.viewer)(before))
    opened = read(await stores.vault.open(before.id, _details(before)))
    patch = amendment.subject.model_dump(mode="json", exclude_unset=True)
    details = SubjectDetails.model_validate(merged([*opened.values(), patch]))
    await expect(stores, before, details, asker.caller.origin(before.id))
    failpoint("amend.before_record")
    return Corrected(details, tuple(block_hashes(stores, details)))


def _details(referral: Referral) -> Sealed:
    return sealed_parts(referral, SUBJECT_SECTIONS)


async def _forget_if_erased(stores: Stores, referral_id: str) -> None:
    """What was to find this young person goes, where the referral was erased meanwhile."""
    referral = await stores.referrals.get(referral_id)
    if referral.erased_at is not None:
        await forget_referral(stores, referral)


async def discuss(
    stores: Stores, asker: Asker, referral_id: str, entry: DiscussionEntry, match: Match
) -> Referral:
    """The referral with what was discussed. Raises `Refused` once it was erased."""
    at, by = now(), asker.caller.actor
    await _taking(stores, asker, referral_id, "record_discussion")
    sealed = await stores.vault.seal(referral_id, {"discussion": entry.model_dump_json()})

    def rule(referral: Referral, _: Relation) -> Change[Referral]:
        not_erased(referral)
        return record_discussion(referral, entry, sealed, by, at)

    return await act(stores, *asker, referral_id, "record_discussion", match, rule)


async def _taking(stores: Stores, asker: Asker, referral_id: str, action: Action) -> Referral:
    """The referral, for who may do this, while it takes anything."""
    referral = await held(stores, *asker, referral_id, action)
    not_erased(referral)
    return referral
