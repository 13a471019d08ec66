"""Deciding on a possible match. The decision is kept with its reason before it is carried out, so
that of two people who decide at once one is told; whoever repeats it finishes it."""

from functools import partial
from typing import NamedTuple

from services.referral.acting import Asker, held
from services.referral.disclosure.access_record import record_access, refuse
from services.referral.disclosure.rule import match_seen
from services.referral.matches.again import doubt_of, replaced, somebody_else
from services.referral.matches.decision import (
    Decision,
    Standing,
    both,
    check,
    is_real,
    is_repeat,
    speak_first,
    weigh,
)
from services.referral.matches.doubt import Made, signed
from services.referral.matches.finding import in_order, match_id, sides_of
from services.referral.matches.gaining import gains
from services.referral.matches.request import MatchDecision
from services.referral.matches.rule import Compared, own_sides
from services.referral.matches.second import tell, whom_to_ask
from services.referral.people.deciding import Decided
from services.referral.people.relinking import decide
from services.referral.records import Referral, not_erased
from services.referral.store import Stores
from services.referral.vault import Erased
from shared.clock import now
from shared.errors import NotFound, Outage, Refused
from shared.ids import new_id
from shared.operating.failpoints import failpoint
from shared.origin import Origin, account_of

MAX_RACES = 10


class Pair(NamedTuple):
    """A referral of the Hub that decides, and the other one, which may be another Hub's. `asked` is
    the Hub that must agree before the two are joined, and has the other one."""

    mine: Referral
    other: Referral
    elsewhere: bool
    asked: str | None = None


async def decide_match(
    stores: Stores, asker: Asker, referral_id: str, entry: MatchDecision
) -> tuple[str, Decision]:
    """The id of the match and the decision, carried out. Joining what is another Hub's, too, is
    proposed, or carried out where that Hub proposed it. Safe to repeat.

    Raises `NotFound` for who may not decide, `Refused` where somebody decided otherwise, where what
    would come along has no room, or where an agency would be shown more as which their account has
    called; nothing is decided then.
    """
    pair = await _pair(stores, asker, referral_id, entry)
    if entry.decision == "same_person":
        pair = await _asked(stores, asker, pair)
    speak_first(entry.ground, elsewhere=pair.elsewhere)
    await _gains_nothing(stores, asker, pair, entry)
    given = Decision(
        **entry.model_dump(include={"decision", "ground"}),
        id=new_id("dec"),
        by=asker.caller.actor,
        hub_id=asker.viewer.hub_id,
        at=now(),
        referral_id=pair.mine.id,
    )
    pair_id = match_id(stores, pair.mine.id, pair.other.id)
    begun = await _begin(stores, pair_id, pair, given, entry)
    failpoint("decision.after_begun")
    by = asker.caller.origin(referral_id)
    if is_real(begun):
        await _carry_out(stores, pair_id, pair, begun, by)
    else:
        await tell(stores, pair_id, pair.other.id, begun, by)
    failpoint("decision.after_carried_out")
    await replaced(stores, pair_id, begun.decision, by)
    await stores.matches.finish(pair_id, begun)
    return pair_id, begun


async def _gains_nothing(stores: Stores, asker: Asker, pair: Pair, entry: MatchDecision) -> None:
    sides = await stores.known.sides_of(asker.caller.account)
    if not sides or entry.decision == "undecided":
        return
    both, hub_id = (pair.mine.id, pair.other.id), asker.viewer.hub_id
    if await gains(stores, both, entry.decision, sides, hub_id):
        detail = "Somebody decides who has not called for an agency that would be shown more."
        raise Refused("gains_by_it", detail)


async def _carry_out(stores: Stores, pair_id: str, pair: Pair, begun: Decision, by: Origin) -> None:
    joins = begun.decision == "same_person"
    decision: Decided = "same_person" if joins else "different_people"
    known = await stores.matches.standing(pair_id) or Standing()
    doubt = await doubt_of(stores, Standing(decisions=tuple(both(known))))
    account = account_of(begun.by)
    made = Made(pair_id, begun.id, (pair.mine.id, pair.other.id), account, doubt)
    try:
        await decide(stores, pair.mine, pair.other, decision, by, partial(signed, made=made))
    except Refused:
        await stores.matches.take_back(pair_id, begun)
        raise


async def _asked(stores: Stores, asker: Asker, pair: Pair) -> Pair:
    """The pair on which two Hubs are asked, where two are concerned."""
    asked = await whom_to_ask(stores, pair.mine.id, pair.other.id, asker.viewer.hub_id)
    return Pair(asked.mine, asked.other, True, asked.hub_id) if asked else pair


async def _pair(stores: Stores, asker: Asker, referral_id: str, entry: MatchDecision) -> Pair:
    mine = await held(stores, *asker, referral_id, "decide_match")
    if entry.match_id is None:
        other = await held(stores, *asker, entry.other_referral_id or "", "decide_match")
        if mine.id == other.id:
            raise Refused("same_referral", "A referral always matches itself.")
        return Pair(mine, other, elsewhere=False)
    ids = (await stores.matches.get(entry.match_id)).referral_ids
    if mine.id not in ids:
        raise NotFound("match")
    sides = await sides_of(stores, ids)
    if len(sides) < len(ids):
        raise Outage("referral_moved")
    own = own_sides((sides[ids[0]], sides[ids[1]]), asker.viewer, "decide_match")
    if not own:
        raise await refuse(stores, *asker, mine.id, "decide_match", "recipient_unsafe")
    (other,) = (side.referral for i, side in sides.items() if i != mine.id)
    return Pair(mine, other, elsewhere=other.id not in {side.referral.id for side in own})


async def _begin(
    stores: Stores, pair_id: str, pair: Pair, given: Decision, entry: MatchDecision
) -> Decision:
    """The decision that is to be carried out: this one, or the same that was begun before."""
    for _ in range(MAX_RACES):
        standing = await stores.matches.standing(pair_id)
        known = standing or Standing()
        agreeing = await _agreeing(stores, pair, known)
        given = weigh(known, given, agreeing)
        if agreeing is not None and not given.proposed and known.proposal is not None:
            accounts = (account_of(by) for by in (known.proposal.by, given.by))
            await stores.known.two_people(*accounts)
        if known.doubt is not None and is_real(given):
            await somebody_else(stores, known, given.by)
        if not check(known, given, entry.instead_of):
            going_on = known.deciding
            return going_on if going_on and is_repeat(going_on, given) else known.decisions[-1]
        reason = await _sealed(stores, pair.mine, given, entry.reason)
        if standing is None:
            await stores.matches.note(pair_id, in_order(*pair[:2]), Compared(), given.at)
        if await stores.matches.begin(pair_id, known.revision, given, reason):
            return given
    raise Outage("contention")


async def _agreeing(stores: Stores, pair: Pair, known: Standing) -> str | None:
    """The Hub whose proposal counts. Of somebody who is marked as unsafe by now none does."""
    if pair.asked is None or known.proposal is None:
        return pair.asked
    sides = await sides_of(stores, [pair.mine.id, pair.other.id])
    account = f"account:{account_of(known.proposal.by)}"
    marked = any(account in side.subject.unsafe for side in sides.values())
    return "" if marked or known.proposal.referral_id != pair.other.id else pair.asked


async def _sealed(stores: Stores, mine: Referral, given: Decision, reason: str) -> bytes | None:
    """In the key of the referral that was looked at: who reads it may read that one."""
    if not reason:
        return None
    not_erased(mine)
    return (await stores.vault.seal(mine.id, {given.id: reason}))[given.id]


class Told(NamedTuple):
    """A decision as its readers see it: without the id of a referral that they may not read, and
    without the words of a Hub that is not theirs."""

    match_id: str
    other_referral_id: str | None
    decision: Decision
    reason: str | None


async def decisions_on(stores: Stores, asker: Asker, referral_id: str) -> list[Told]:
    """All decisions on the matches of a referral, the oldest first; that they were read is recorded.

    Whoever is unsafe for the child of either is told of none. Raises `NotFound`.
    """
    mine = await held(stores, *asker, referral_id, "view_match_decisions")
    await record_access(stores, *asker, mine.id, match_seen(mine, asker.viewer))
    found = []
    for entry, standing, reasons in await stores.matches.decided(referral_id):
        sides = await sides_of(stores, entry.referral_ids)
        one, other = (sides.get(i) for i in entry.referral_ids)
        own = own_sides((one, other), asker.viewer, "decide_match") if one and other else ()
        theirs = {side.referral.id for side in own} - {mine.id}
        for decision in both(standing) if own else ():
            readable = decision.referral_id in {mine.id, *theirs}
            words = reasons.get(decision.id) if readable else None
            text = await _opened(stores, decision, words)
            found.append(Told(entry.id, next(iter(theirs), None), decision, text))
    return sorted(found, key=lambda told: told.decision.at)


async def _opened(stores: Stores, decision: Decision, words: bytes | None) -> str | None:
    if words is None:
        return None
    try:
        return (await stores.vault.open(decision.referral_id, {"reason": words}))["reason"]
    except Erased:
        return None
