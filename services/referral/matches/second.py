"""Joining what is another Hub's, too, needs somebody of that Hub: whom to ask, and telling them.

The proposal is begun in its entry, then the other Hub is told by an event of its referral, then the
proposal stands. After a crash before the event nothing was proposed; after it, its handler ends it.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import NamedTuple

from services.referral.hubs.rule import serving
from services.referral.matches.decision import Decision
from services.referral.matches.finding import sides_of
from services.referral.matches.rule import Side, holder
from services.referral.records import ENDED, Referral
from services.referral.store import Stores
from shared.errors import Outage, Refused
from shared.events.joining import JoinProposalEnded, JoinProposed
from shared.origin import Origin
from shared.storage.records import Change, changed, unchanged

MOST_TOLD = 100


class Crossing(NamedTuple):
    """On which two the Hubs are asked: one referral of each, and which Hub has the other."""

    mine: Referral
    other: Referral
    hub_id: str


def crossing(
    mine: Side,
    other: Side,
    around: Iterable[Side],
    hub_id: str | None,
    served: Mapping[str, str],
    known: Collection[str],
) -> Crossing | None:
    """The first open referral of another Hub about either young person, beside the one of the asking
    Hub about the other young person; None where no other Hub has any. The two of the match count
    whether they are open or not. Pure.

    Raises `Refused` where another Hub is concerned that has nothing in common with this match: it
    could not be asked.
    """

    def elsewhere(referral: Referral) -> str | None:
        has = holder(referral, served)
        return has if has in known and has != hub_id else None

    if has := elsewhere(other.referral):
        return Crossing(mine.referral, other.referral, has)
    open_ones = (s for s in around if not s.referral.erased_at and s.referral.status not in ENDED)
    for side in sorted(open_ones, key=lambda s: s.referral.id):
        if (has := elsewhere(side.referral)) is None:
            continue
        own = mine if side.subject.id == other.subject.id else other
        if holder(own.referral, served) != hub_id:
            detail = "Another Hub has a referral, too, and no Hub has the other one of this match."
            raise Refused("other_hub_first", detail)
        return Crossing(own.referral, side.referral, has)
    return None


async def whom_to_ask(
    stores: Stores, mine_id: str, other_id: str, hub_id: str | None
) -> Crossing | None:
    """Whether a manager of another Hub has to agree before the two are joined, and on which two they
    are asked; None: the Hub joins them alone, or they are one already. Raises `Outage` while
    referrals of either move: nobody can say then whose they are."""
    sides = await sides_of(stores, (mine_id, other_id))
    if len(sides) < len({mine_id, other_id}):
        raise Outage("referral_moved")
    mine, other = sides[mine_id], sides[other_id]
    joins = {mine.subject.moving.get(mine_id), other.subject.moving.get(other_id)}
    if joins & {mine.subject.id, other.subject.id} - {None}:
        return None  # it was decided, and is being carried out
    if mine.subject.moving or other.subject.moving:
        raise Outage("referral_moved")
    if mine.subject.id == other.subject.id:
        return None
    around = await sides_of(stores, {*mine.subject.facts, *other.subject.facts})
    hubs = await stores.hubs.all()
    known = {hub.id for hub in hubs}
    return crossing(mine, other, around.values(), hub_id, serving(hubs), known)


async def tell(stores: Stores, match_id: str, other_id: str, said: Decision, by: Origin) -> None:
    """The Hub of the other referral hears of a proposal, or of its end. Safe to repeat."""
    await stores.referrals.change(other_id, partial(heard, match_id=match_id, said=said), by=by)


def heard(referral: Referral, match_id: str, said: Decision) -> Change[Referral]:
    """Told once. Pure."""
    if said.id in referral.proposals:
        return unchanged(referral)
    kind = JoinProposed if said.proposed else JoinProposalEnded
    event = kind(
        referral_id=referral.id,
        subject_id=referral.subject_id,
        match_id=match_id,
        decision_id=said.id,
    )
    told = (*referral.proposals, said.id)[-MOST_TOLD:]
    return changed(referral, event, proposals=told)
