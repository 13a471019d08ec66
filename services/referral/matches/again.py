"""A decision on a match is looked at again when it is known who decided: they call for an agency, or
two were one person.

Nobody asks whether the agency gains by it: what gives it a ground may come at any time after. First
the entry says that it is doubted, so that somebody else finds it; then each young person, whose
record is closed to the agency, with the event that tells the Hub. After a crash between them the event
that asked for the look comes again. Whoever decides next ends the doubt before their decision stands.
"""

from functools import partial

from services.referral.matches.decision import Doubt, Standing, is_real
from services.referral.matches.doubt import decided_again, doubted, makers
from services.referral.store import Stores
from shared.errors import Outage, Refused
from shared.operating.failpoints import failpoint
from shared.origin import Origin, account_of


async def look_again(stores: Stores, account: str, by: Origin) -> None:
    """An account has called as somebody: what it decided on matches is looked at. Safe to repeat."""
    for match_id in await stores.matches.decided_by(account):
        await look_at(stores, match_id, by)


async def look_at(stores: Stores, match_id: str, by: Origin) -> None:
    """Where who decided on this match may not have, the decision is doubted. Safe to repeat. Raises
    `Outage` while the referrals move, or somebody decides."""
    standing = await stores.matches.standing(match_id)
    held = standing.held if standing else None
    if standing is None or held is None:
        return
    pair = (await stores.matches.get(match_id)).referral_ids
    doubt = await doubt_of(stores, standing)
    if doubt is None:
        return
    if doubt != standing.doubt and not await stores.matches.doubt(
        match_id, standing.revision, doubt
    ):
        raise Outage("contention")
    failpoint("doubt.after_noted")
    for referral_id in pair:
        rule = partial(doubted, referral_id=referral_id, match_id=match_id, doubt=doubt)
        subject_id = (await stores.referrals.get(referral_id)).subject_id
        await stores.subjects.change(subject_id, rule, by=by)
        failpoint("doubt.after_one")


async def doubt_of(stores: Stores, standing: Standing) -> Doubt | None:
    """What there is to doubt of the decision that holds: the agencies that its makers call for, and
    those known before; None: nothing."""
    held, before = standing.held, standing.doubt
    if held is None:
        return None
    accounts = makers(standing)
    closed = {*before.agency_ids} if before else set[str]()
    for one in accounts:
        closed |= {*await stores.known.sides_of(one)}
    alone = len(accounts) > 1 and await stores.known.one_person(*accounts)
    if not (before or closed or alone):
        return None
    return Doubt(decision_id=held.id, agency_ids=tuple(sorted(closed)))


async def somebody_else(stores: Stores, standing: Standing, by: str) -> None:
    """Returns if this actor may decide again what is doubted. Raises `Refused` for who decided before,
    and for who has called for an agency that they called for."""
    account = account_of(by)
    await stores.known.two_people(account, *makers(standing))
    sides = await stores.known.sides_of(account)
    if standing.doubt and not set(sides).isdisjoint(standing.doubt.agency_ids):
        raise Refused(
            "gains_by_it", "Somebody decides who has not called for the agency of who decided."
        )


async def replaced(stores: Stores, match_id: str, decision: str, by: Origin) -> None:
    """A decision of that kind is carried out: the one that it replaces is doubted no more. Safe to
    repeat."""
    standing = await stores.matches.standing(match_id)
    begun = standing.deciding if standing else None
    if standing is None or begun is None or not is_real(begun) or begun.decision != decision:
        return
    held = standing.held
    if held is None or held.id == begun.id:
        return
    for referral_id in (await stores.matches.get(match_id)).referral_ids:
        rule = partial(
            decided_again, referral_id=referral_id, match_id=match_id, decision_id=held.id
        )
        subject_id = (await stores.referrals.get(referral_id)).subject_id
        await stores.subjects.change(subject_id, rule, by=by)
