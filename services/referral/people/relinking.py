"""Joining two young people, and parting one into two.

It takes several writes. The decision is one write with its event; the rest is repeatable, and the
handler of that event finishes what a crash has left.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import timedelta

from services.referral.people.deciding import (
    Decided,
    decide_different,
    decide_parting,
    decide_same,
)
from services.referral.people.finding import details_of, subject_hashes
from services.referral.people.links import fits_in, gives_way, join, leave, reassign
from services.referral.people.telling import describe
from services.referral.records import Referral
from services.referral.sharing.facts import Facts
from services.referral.sharing.subject import Subject
from services.referral.store import Stores
from shared.clock import now
from shared.errors import AlreadyThere, NotFound
from shared.ids import new_id
from shared.operating.failpoints import failpoint
from shared.origin import Origin
from shared.storage.records import Change, unchanged

# An intake that has linked its referral stores it at once, or a crash left it.
ABANDONED = timedelta(minutes=2)
TRIES = 5


def unsigned(change: Change[Subject]) -> Change[Subject]:
    """A decision of which nobody keeps whose it is."""
    return change


async def decide(
    stores: Stores,
    referral: Referral,
    other: Referral,
    decision: Decided,
    by: Origin,
    signed: Callable[[Change[Subject]], Change[Subject]] = unsigned,
) -> None:
    """What a practitioner made of two referrals, carried out; `signed` says in the same change whose
    decision it is. Safe to repeat.

    Raises `Refused` when one record can't hold both; nothing is decided then.
    """
    await _finished(stores, referral.subject_id, referral.id, by)
    await _finished(stores, other.subject_id, other.id, by)
    referral, other = [await stores.referrals.get(i) for i in (referral.id, other.id)]
    mine, theirs = referral.subject_id, other.subject_id
    if decision == "same_person":
        if mine == theirs:
            return
        fits_in(await stores.subjects.get(theirs), await stores.subjects.get(mine))
        await stores.subjects.change(
            mine, lambda s: signed(decide_same(s, referral.id, other.id, theirs)), by=by
        )
    elif mine == theirs:
        new = new_id("sub")
        await stores.subjects.change(
            mine, lambda s: signed(decide_parting(s, referral.id, other.id, new)), by=by
        )
    else:
        await tell_apart(stores, (mine, referral.id), (theirs, other.id), by)
        return
    failpoint("match.after_decision")
    with suppress(NotFound):  # a referral is just being stored: the handler waits for it
        await relink(stores, mine, by)


async def tell_apart(
    stores: Stores, mine: tuple[str, str], theirs: tuple[str, str], by: Origin
) -> None:
    """Both young people know that they are two. Safe to repeat."""
    for (subject_id, referral_id), (other_subject, other) in ((mine, theirs), (theirs, mine)):
        await stores.subjects.change(
            subject_id,
            lambda s: decide_different(s, referral_id, other, other_subject),  # noqa: B023
            by=by,
        )
        failpoint("match.after_decision")


async def _finished(stores: Stores, subject_id: str, referral_id: str, by: Origin) -> None:
    """What was decided earlier about this referral is done before anything new is."""
    subject = await stores.subjects.get(subject_id)
    before = subject.arrived.get(referral_id)
    for leaving in (before, subject_id if subject.moving else None):
        if leaving is not None:
            await relink(stores, leaving, by)


async def relink(stores: Stores, leaving: str, by: Origin) -> None:
    """Carry out what was decided of the referrals of `leaving`. Safe to repeat.

    The new one gains them, with all refusals, before a referral points there. The old one loses
    them last, and with them the note that they are moving: a decision once carried out stays so,
    even when its event comes again after a later decision. What is said about sharing on the way
    is carried over, too.
    """
    while (old := await stores.subjects.get(leaving)).moving:
        joining = next(iter(old.moving.values()))
        seen = await _version(stores, joining)
        # Read after the other one: whatever changes either from here on is seen before the join.
        old = await stores.subjects.get(leaving)
        if group := [i for i, to in old.moving.items() if to == joining]:
            await _move(stores, old, joining, group, seen, by)


async def _version(stores: Stores, subject_id: str) -> int | None:
    try:
        return (await stores.subjects.get(subject_id)).version
    except NotFound:
        return None


async def _move(
    stores: Stores,
    old: Subject,
    joining: str,
    group: Collection[str],
    seen: int | None,
    by: Origin,
) -> None:
    """All steps, each repeatable. The first one waits where `joining` is no longer as `seen`, the
    last one where `old` has changed meanwhile."""
    try:
        joined = await _joined(stores, old, joining, group, seen, by)
    except _Changed:
        return
    if gives_way(old, joined):
        await relink(stores, joining, by)  # who comes here ends what was decided of `old`
        return
    failpoint("relink.after_join")
    for referral_id in group:
        try:
            await stores.referrals.change(
                referral_id, lambda r: reassign(r, joining, joined.version), by=by
            )
        except NotFound:
            if not _is_abandoned(old.facts.get(referral_id)):
                raise
    failpoint("relink.after_reassignment")
    if set(old.facts) <= set(group):
        await stores.people.forget(old.id)  # the place may be somebody else's
    await _pointed(stores, {i: joined.facts[i] for i in group if i in joined.facts}, joining)
    failpoint("relink.after_pointing")
    await stores.subjects.change(old.id, lambda s: leave(s, joining, group, old.version), by=by)


class _Changed(Exception):
    """Who was to be joined has changed: read both again."""


async def _joined(
    stores: Stores,
    old: Subject,
    joining: str,
    group: Collection[str],
    seen: int | None,
    by: Origin,
) -> Subject:
    if seen is None:
        new = join(Subject(id=joining), old, group)
        try:
            return await stores.subjects.add(new.after, *new.events, by=by)
        except AlreadyThere:
            raise _Changed from None

    def joined(subject: Subject) -> Change[Subject]:
        if subject.version != seen:
            raise _Changed
        return unchanged(subject) if gives_way(old, subject) else join(subject, old, group)

    return await stores.subjects.change(joining, joined, by=by)


def _is_abandoned(facts: Facts | None) -> bool:
    """Whether the intake that linked this referral will not store it any more."""
    return facts is None or facts.age is None or now() - facts.age.said_at > ABANDONED


async def _pointed(stores: Stores, facts: dict[str, Facts], subject_id: str) -> None:
    """Whoever looks for these descriptions finds this young person."""
    hashes: list[str] = []
    for referral_id, told in facts.items():
        described = told.described
        if described is None:
            found = await stores.referrals.find({"_id": referral_id}, limit=1)
            details = await details_of(stores, found[0]) if found else None
            described = describe(details, stores.vault.fingerprint) if details else None
        if described is not None:
            hashes += subject_hashes(stores, described, referral_id)
    wanted = list(dict.fromkeys(hashes))
    for _ in range(TRIES):
        if await stores.people.add(wanted, await stores.people.known(wanted), subject_id):
            return
