"""What a decision on two referrals of one Hub would change, before it is confirmed."""

from services.referral.acting import Asker, held
from services.referral.disclosure.access_record import record_access
from services.referral.disclosure.rule import match_seen
from services.referral.matches.effect import Effect, effect
from services.referral.matches.finding import sides_of
from services.referral.matches.second import whom_to_ask
from services.referral.people.deciding import Decided
from services.referral.store import Stores
from shared.clock import now
from shared.errors import Outage, Refused
from shared.rules.access_table import Action

ACTION: Action = "preview_match"
MOST_AGENCIES = 1000


async def preview_decision(
    stores: Stores, asker: Asker, pair: tuple[str, str], decision: Decided, purpose: str
) -> Effect:
    """The effect, for who may decide: it is recorded as a look at both. Raises `NotFound` for
    anyone else, and where one of the two is another Hub's: nothing of that one is told."""
    for referral_id in pair:
        await held(stores, *asker, referral_id, ACTION)
    if pair[0] == pair[1]:
        raise Refused("same_referral", "A referral always matches itself.")
    sides = await sides_of(stores, pair)
    if len(sides) < len(pair):
        raise Outage("referral_moved")
    for side in sides.values():
        look = match_seen(side.referral, asker.viewer)
        await record_access(stores, *asker, side.referral.id, look)
    about = {i for side in sides.values() for i in side.subject.facts}
    hub_id = asker.viewer.hub_id
    others = await sides_of(stores, about)
    own = [
        s.referral for s in others.values() if s.referral.hub_id == hub_id or s.referral.id in pair
    ]
    joins = decision == "same_person"
    asked = await whom_to_ask(stores, *pair, hub_id) if joins else None
    agencies = await stores.agencies.find({"active": True}, sort=[("_id", 1)], limit=MOST_AGENCIES)
    terms = await stores.agreements.find({"terms.parties": hub_id}, limit=MOST_AGENCIES)
    return effect(
        (sides[pair[0]], sides[pair[1]]),
        decision,
        own,
        {agency.id: agency.kind for agency in agencies},
        [agreement.terms for agreement in terms],
        purpose,
        now(),
        second_person=asked is not None,
        aliases={agency.id: agency.alias for agency in agencies},
    )
