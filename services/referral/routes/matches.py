"""HTTP in: referrals that may be about the same young person. A person decides, never a score."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from services.referral.domain.incoming import Incoming
from services.referral.domain.referrals import reassign
from services.referral.domain.subjects import decide_match, join, leave
from services.referral.intake import details_of, possible_matches, subject_hashes
from services.referral.routes.common import ByViewer, OnDesk, ReferralId, held
from services.referral.store import Desk
from shared.errors import NotFound, Refused
from shared.origin import Origin
from shared.tokens import AnyCaller

router = APIRouter(tags=["matches"])


class MatchView(BaseModel):
    """Another referral that may be about the same young person, and which fields say so."""

    referral_id: str
    agrees: dict[str, str]
    explanation: tuple[str, ...]


@router.get("/v1/referrals/{referral_id}/possible-matches")
async def get_possible_matches(
    referral_id: ReferralId, caller: AnyCaller, viewer: ByViewer, desk: OnDesk
) -> list[MatchView]:
    """Near matches with the fields that agree and how, for the Hub's managers. No values."""
    referral = await held(desk, caller, viewer, referral_id, "view_matches", "hub_manager")
    return [
        MatchView(
            referral_id=found.referral.id,
            agrees=dict(found.match.agrees),
            explanation=found.match.explanation,
        )
        for found in await possible_matches(desk, referral)
    ]


class MatchDecision(Incoming):
    """What a practitioner made of a possible match."""

    other_referral_id: Annotated[str, StringConstraints(pattern=r"^ref_[0-9a-f]{32}$")]
    decision: Literal["same_person", "different_people"]


@router.post("/v1/referrals/{referral_id}/match-decisions")
async def post_match_decision(
    referral_id: ReferralId,
    entry: MatchDecision,
    caller: AnyCaller,
    viewer: ByViewer,
    desk: OnDesk,
) -> MatchDecision:
    """Confirm or reject a possible match. Confirmed: this referral now belongs to the young person
    of the other one, and everything said about sharing comes along. Safe to repeat."""
    who = (caller, viewer)
    mine = await held(desk, *who, referral_id, "decide_match", "hub_manager")
    other = await held(desk, *who, entry.other_referral_id, "decide_match", "hub_manager")
    if mine.id == other.id:
        raise Refused("same_referral", "A referral always matches itself.")
    by = caller.origin(referral_id)
    if mine.subject_id != other.subject_id:
        await desk.subjects.change(
            mine.subject_id,
            lambda s: decide_match(s, mine.id, other.subject_id, entry.decision),
            by=by,
        )
        if entry.decision == "same_person":
            await relink(desk, mine.id, mine.subject_id, other.subject_id, by)
    return entry


async def relink(desk: Desk, referral_id: str, leaving: str, joining: str, by: Origin) -> None:
    """Move a referral from one young person to another.

    Several writes, each safe to repeat: the new one gains it (with all refusals) before the
    referral points there, and the old one loses it last, so a crash in between leaves it with
    both, and the same request again finishes.
    """
    old = await desk.subjects.get(leaving)
    joined = await desk.subjects.change(joining, lambda s: join(s, referral_id, old), by=by)
    referral = await desk.referrals.change(
        referral_id, lambda r: reassign(r, joining, joined.version), by=by
    )
    details = await details_of(desk, referral)
    if details is None:
        raise NotFound("details")
    await desk.people.point(subject_hashes(desk, details), joining)
    await desk.subjects.change(leaving, lambda s: leave(s, referral_id, joining), by=by)
