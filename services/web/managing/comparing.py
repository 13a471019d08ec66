"""What the pages of possible matches ask, and send."""

import asyncio
from typing import Any

from services.web.api import Refused
from services.web.managing import matching
from services.web.managing.trying import tried
from services.web.visit import Form, Visit
from shared.errors import NotFound

DECIDED = ("same_person", "different_people")


async def match_of(visit: Visit, referral_id: str, match_id: str) -> dict[str, Any]:
    """A possible match of that referral which still waits. Raises `NotFound`."""
    found = await visit.api.get("referral", f"/v1/referrals/{referral_id}/possible-matches")
    for each in found:
        if each["id"] == match_id:
            return dict(each)
    raise NotFound


async def compared(visit: Visit, referral_id: str, match_id: str) -> dict[str, Any]:
    """The two side by side, as far as both are of this Hub; what each decision would change, and
    what was decided before."""
    match = await match_of(visit, referral_id, match_id)
    ids = sorted(match["referral_ids"], key=lambda each: each != referral_id)
    records, effects, decisions = await asyncio.gather(
        asyncio.gather(*(visit.api.get("referral", f"/v1/referrals/{each}") for each in ids)),
        _effects(visit, ids),
        visit.api.get("referral", f"/v1/referrals/{referral_id}/match-decisions"),
    )
    said = [record["categories"] for record in records]
    earlier = matching.before(match_id, decisions)
    return {
        "id": referral_id,
        "match": match,
        "ids": ids,
        "lines": matching.beside(said[0], said[1] if len(said) > 1 else {}),
        "agrees": matching.agreeing(match),
        "differs": matching.differing(match),
        "contradicts": matching.contradicting(match),
        "effects": effects,
        "earlier": earlier,
        "held": matching.held(earlier),
    }


async def decide(visit: Visit, referral_id: str, match_id: str, form: Form) -> dict[str, str]:
    """Decide. What is wrong with it, by its field; nothing where it was taken."""
    match = await match_of(visit, referral_id, match_id)
    entry, wrong = matching.decision(form, match, referral_id)
    path = f"/v1/referrals/{referral_id}/match-decisions"
    return wrong or await tried(visit.api.post("referral", path, entry), "decision")


async def _effects(visit: Visit, ids: list[str]) -> dict[str, list[str]]:
    """What would change by each decision; nothing is told of a match with another Hub."""
    if len(ids) < len(DECIDED):
        return {}
    told = await asyncio.gather(*(_effect(visit, ids, decided) for decided in DECIDED))
    return dict(zip(DECIDED, told, strict=True))


async def _effect(visit: Visit, ids: list[str], decided: str) -> list[str]:
    path = f"/v1/referrals/{ids[0]}/match-decisions/preview"
    try:
        found = await visit.api.get("referral", path, other_referral_id=ids[1], decision=decided)
    except Refused as error:
        return [error.said("It can’t be said what it would change.")]
    return list(found["sentences"])
