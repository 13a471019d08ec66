"""A referral that was corrected or erased says something else, or nothing, of who somebody is."""

from functools import partial

from services.referral.documents import SubjectDetails
from services.referral.participation.saying import forget_said
from services.referral.people.finding import details_of, subject_hashes
from services.referral.people.growing import forget, read_anew, retell
from services.referral.people.telling import describe
from services.referral.records import Referral
from services.referral.store import Stores
from shared.clock import now
from shared.errors import Outage
from shared.operating.failpoints import failpoint
from shared.origin import Origin

MAX_RACES = 20


async def expect(stores: Stores, referral: Referral, details: SubjectDetails, by: Origin) -> None:
    """Before a correction: who is described so is compared with this young person, by what the
    referral says when it is read. Safe to repeat, also where the correction never comes."""
    described = describe(details, stores.vault.fingerprint)
    hashes = [h for h in (described.nhs_number, described.name_and_birth) if h]
    for _ in range(MAX_RACES):
        known = await stores.people.known(hashes)
        if await stores.people.add(hashes, known, referral.subject_id):
            break
    else:
        raise Outage("contention")
    await stores.subjects.change(
        referral.subject_id, lambda s: read_anew(s, referral.id, described), by=by
    )


async def retell_subject(stores: Stores, referral: Referral, by: Origin) -> None:
    """After a correction: later referrals are compared with what it says now, and whose word
    counts follows from the age as it is known now. Safe to repeat, and its event comes here again.
    Of two corrections at once the later one is what is noted in the end."""
    while (details := await details_of(stores, referral)) is not None:
        described, at = describe(details, stores.vault.fingerprint), now()
        hashes = subject_hashes(stores, described, referral.id)
        await stores.people.add(hashes, await stores.people.known(hashes), referral.subject_id)
        failpoint("retell.after_pointing")
        rule = partial(retell, referral_id=referral.id, details=details, described=described, at=at)
        await stores.subjects.change(referral.subject_id, rule, by=by)
        newer = await stores.referrals.get(referral.id)
        if newer.erased_at is not None:
            await forget_referral(stores, newer)
            return
        if newer.version == referral.version:
            return
        referral = newer


async def forget_referral(stores: Stores, referral: Referral) -> None:
    """Destroy the key of an erased referral and what finds it. Safe to repeat.

    The young person's hashes go with the last of their referrals. One that is not stored yet is
    coming still, or will be sent again: without the hashes it would not find what it has written.
    """
    await stores.vault.destroy(referral.id)
    failpoint("forget.after_key")
    await forget_said(stores, referral.id)
    subject = await stores.subjects.get(referral.subject_id)
    others = [i for i in subject.referral_ids if i != referral.id]
    stored = await stores.referrals.find({"_id": {"$in": others}}, limit=max(1, len(others)))
    left = len(stored) < len(others) or any(each.erased_at is None for each in stored)
    await stores.references.release(referral.id)
    failpoint("forget.after_reference")
    await stores.matches.forget(referral.id)
    by = Origin.of_service("referral")
    await stores.subjects.change(subject.id, lambda s: forget(s, referral.id), by=by)
    if not left:
        await stores.people.forget(subject.id)
