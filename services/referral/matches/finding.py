"""Looking for possible matches of a referral, and noting them for the Hubs. Safe to repeat.

Several writes: first each pair is noted, then each of its referrals says that it has a match. The
event that asked for the look comes again until all of it is done.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import partial

from services.referral.documents import SubjectDetails
from services.referral.hubs.rule import serving
from services.referral.matches.rank import FEW, Candidate, Ranking, best_of_each
from services.referral.matches.rule import (
    Compared,
    Side,
    holder,
    is_undecided,
    note_match,
    suspect_match,
)
from services.referral.people.finding import OF_A_NAME, details_of, identity, ways_of
from services.referral.people.matching import compared, possible_match
from services.referral.people.telling import contradictions, describe
from services.referral.records import Referral
from services.referral.store import Stores
from shared.clock import now
from shared.events.subject import SubjectMatchDecided
from shared.operating.failpoints import failpoint
from shared.origin import Origin

BATCH = 50


@dataclass(frozen=True)
class Found:
    """A referral that may be about the same young person, and why it seems so."""

    side: Side
    compared: Compared

    @property
    def referral(self) -> Referral:
        return self.side.referral


async def find_matches(stores: Stores, referral_id: str, by: Origin) -> None:
    """Every possible match of this referral is noted, and its Hub was told. Two that came at once
    find each other: each is stored before it is looked for."""
    referral = await stores.referrals.get(referral_id)
    near = [batch async for batch in _near(stores, referral)]
    mine = await ways_of(stores, referral) if near else []
    if not mine:
        return
    if found := await _alike(stores, referral, mine, near):
        await _note(stores, referral, found, by)


async def find_again(stores: Stores, referral_id: str, by: Origin) -> None:
    """A referral says something else now, or is about somebody else: its matches are found anew.
    Those known before keep waiting, with what agrees now: nobody hides a match by a correction."""
    await find_matches(stores, referral_id, by)
    referral = await stores.referrals.get(referral_id)
    mine = await details_of(stores, referral) if referral.suspected else None
    if mine is None:
        return
    for entry in await stores.matches.of([referral_id]):
        (other_id,) = set(entry.referral_ids) - {referral_id}
        other = await stores.referrals.get(other_id)
        if (theirs := await details_of(stores, other)) is not None:
            told = _compared(mine, theirs)
            await stores.matches.note(entry.id, in_order(referral, other), told, entry.since)
    await settle(stores, [referral_id])


async def after_decision(stores: Stores, decided: SubjectMatchDecided) -> None:
    """A decision that a crash left was carried out by now, and nothing waits for it."""
    pair = (decided.referral_id, decided.other_referral_id or decided.referral_id)
    await stores.matches.finish_begun(match_id(stores, *pair), decided.decision)
    now_about = [i for s in (await sides_of(stores, pair)).values() for i in s.subject.referral_ids]
    await settle(stores, {*decided.referral_ids, *now_about})


async def settle(stores: Stores, referral_ids: Iterable[str]) -> None:
    """Of the matches of these referrals, those that wait are worth a look, and no others. Safe to
    repeat, and never wrong for long: each look asks the referrals themselves."""
    entries = await stores.matches.of(referral_ids)
    sides = await sides_of(stores, [i for entry in entries for i in entry.referral_ids])
    waiting: list[str] = []
    settled: list[str] = []
    for entry in entries:
        one, other = (sides.get(i) for i in entry.referral_ids)
        if one and other:
            (waiting if is_undecided(one, other, entry.doubt) else settled).append(entry.id)
    await stores.matches.opened(waiting, are_open=True)
    await stores.matches.opened(settled, are_open=False)


async def sides_of(stores: Stores, referral_ids: Iterable[str]) -> dict[str, Side]:
    """These referrals with whom they are about. Without one that moves just now: nobody can say
    who is unsafe for its child."""
    ids = sorted(set(referral_ids))
    if not ids:
        return {}
    referrals = await stores.referrals.find({"_id": {"$in": ids}}, limit=len(ids))
    about = sorted({r.subject_id for r in referrals})
    found = await stores.subjects.find({"_id": {"$in": about}}, limit=len(about))
    subjects = {s.id: s for s in found}
    there = ((r, subjects.get(r.subject_id)) for r in referrals)
    return {r.id: Side(r, s) for r, s in there if s is not None and r.id in s.referral_ids}


def in_order(one: Referral, other: Referral) -> tuple[Referral, Referral]:
    """The two as they stand in an entry."""
    return (one, other) if one.id < other.id else (other, one)


def match_id(stores: Stores, one_id: str, other_id: str) -> str:
    """The id of a pair. Keyed: it tells nobody who knows one of the two of the other."""
    return f"pm_{stores.vault.fingerprint('pair', *sorted((one_id, other_id)))[:32]}"


async def _near(stores: Stores, referral: Referral) -> AsyncIterator[list[Referral]]:
    """Referrals about others that share a blocking key, in batches: all of them or, where many do,
    of each agency the most alike."""
    mine = {block for block in referral.blocks if not block.startswith(OF_A_NAME)}
    if not mine:
        return
    where = {
        "blocks": {"$in": sorted(mine)},
        "_id": {"$ne": referral.id},
        "subject_id": {"$ne": referral.subject_id},
    }
    found = await stores.referrals.find(where, sort=[("received_at", -1)], limit=FEW + 1)
    if len(found) <= FEW:
        if found:
            yield found
        return
    ranking = Ranking()
    async for each in stores.referrals.collection.find(where, {"agency_id": 1, "blocks": 1}):
        shared = len(mine & set(each["blocks"]))
        ranking.add(Candidate(each["_id"], each["agency_id"], shared))
    ids = ranking.first()
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        yield await stores.referrals.find({"_id": {"$in": batch}}, limit=BATCH)


async def _alike(
    stores: Stores,
    referral: Referral,
    mine: list[SubjectDetails],
    near: Iterable[list[Referral]],
) -> list[Found]:
    """Of those, whoever is enough like it and is not known to be another or the same. What one said
    before it was corrected counts, too: somebody may say it again."""
    alike: dict[str, Compared] = {}
    for other in (each for batch in near for each in batch):
        theirs = await ways_of(stores, other)
        ways = ((m, t) for m in mine for t in theirs if possible_match(identity(m), identity(t)))
        if pair := next(ways, None):
            alike[other.id] = _compared(*pair)
    sides = await sides_of(stores, [referral.id, *alike]) if alike else {}
    own = sides.pop(referral.id, None)
    if own is None:
        return []
    found = [Found(s, alike[i]) for i, s in sides.items() if is_undecided(own, s)]
    return best_of_each((f.referral.agency_id, f.compared.score, f) for f in found)


def _compared(mine: SubjectDetails, theirs: SubjectDetails) -> Compared:
    against = contradictions(describe(mine, _as_it_is), describe(theirs, _as_it_is))
    return Compared.of(compared(identity(mine), identity(theirs)), against)


def _as_it_is(_: str, *parts: str) -> str:
    return " ".join(parts)


async def _note(stores: Stores, referral: Referral, found: list[Found], by: Origin) -> None:
    served = serving(await stores.hubs.all())
    at, mine = now(), holder(referral, served)
    for each in found:
        pair = in_order(referral, each.referral)
        entry_id = match_id(stores, *(r.id for r in pair))
        await stores.matches.note(entry_id, pair, each.compared, at)
    failpoint("match.after_note")
    elsewhere = {f.referral.id for f in found if holder(f.referral, served) != mine}
    for other in (f.referral for f in found):
        note = partial(note_match, other_id=referral.id, elsewhere=other.id in elsewhere)
        marked = await stores.referrals.change(other.id, note, by=by)
        # The pair is noted by now: whatever Hub it comes to later, its entry follows.
        await stores.matches.placed(marked)
    failpoint("match.after_others")
    ids = {f.referral.id for f in found}
    told = await stores.referrals.change(
        referral.id, lambda known: suspect_match(known, ids, elsewhere=elsewhere), by=by
    )
    await stores.matches.placed(told)
