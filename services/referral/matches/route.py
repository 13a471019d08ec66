"""HTTP in: referrals that may be about the same young person. A person decides, never a score."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from services.referral.acting import Asker, held
from services.referral.callers import ByViewer, OnStores, ReferralId
from services.referral.documents import Purpose
from services.referral.matches.command import Told, decide_match, decisions_on
from services.referral.matches.decision import Said
from services.referral.matches.effect import Effect
from services.referral.matches.preview import preview_decision
from services.referral.matches.queue import list_matches, matches_of
from services.referral.matches.request import MatchDecision
from services.referral.matches.rule import MatchView
from services.referral.people.deciding import Decided
from shared.events.codes import MatchGround
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["matches"])


class MatchPage(BaseModel):
    """Oldest first; pass `next` as `cursor` for the page behind it."""

    matches: list[MatchView]
    next: str | None


class DecisionReceipt(BaseModel):
    """The decision that now holds, with the id to name it by. `proposed`: it has no effect until
    somebody else, of the other Hub, decides the same of this match."""

    id: str
    match_id: str
    decision: Said
    proposed: bool
    ground: MatchGround
    at: datetime


class DecisionView(BaseModel):
    """A decision on a possible match: what, who, when, on which ground, and in which words.

    `other_referral_id` is null for one of another Hub, `reason` where it was given there, where none
    was given, or where one of the two was erased. `by` is an account. `proposed`: it had no effect
    by itself.
    """

    id: str
    match_id: str
    other_referral_id: str | None
    decision: Said
    proposed: bool
    ground: MatchGround
    by: str
    hub_id: str | None
    at: datetime
    reason: str | None


def shown(told: Told) -> DecisionView:
    return DecisionView(
        **told.decision.model_dump(exclude={"referral_id"}),
        match_id=told.match_id,
        other_referral_id=told.other_referral_id,
        reason=told.reason,
    )


@router.get("/v1/possible-matches", dependencies=[may("list_matches")])
async def get_queue(
    viewer: ByViewer,
    stores: OnStores,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> MatchPage:
    """The possible matches that wait for a decision of your Hub, whoever waits longest first. Codes
    only, no values."""
    found, following = await list_matches(stores, viewer, cursor, limit)
    return MatchPage(matches=found, next=following)


@router.get("/v1/referrals/{referral_id}/possible-matches", dependencies=[may("view_matches")])
async def get_possible_matches(
    referral_id: ReferralId, caller: AnyCaller, viewer: ByViewer, stores: OnStores
) -> list[MatchView]:
    """The possible matches of one referral that wait for a decision, for the Hub's managers. They
    are found within seconds after a referral came or was corrected. Codes only, no values."""
    referral = await held(stores, caller, viewer, referral_id, "view_matches")
    return await matches_of(stores, referral, viewer)


@router.post("/v1/referrals/{referral_id}/match-decisions", dependencies=[may("decide_match")])
async def post_match_decision(
    referral_id: ReferralId,
    entry: MatchDecision,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
) -> DecisionReceipt:
    """One young person, or two. `same_person`: all referrals of this one's young person are now
    about that of the other one, with everything recorded through them. `different_people`: two who
    were one are parted, each with what was recorded through their own referrals; and they are never
    linked again but by a person. Safe to repeat.

    Of a match with another Hub's referral either Hub's manager decides, after they have spoken. That
    it is one young person they both decide: the first one's decision is a proposal until somebody
    else, of the other Hub, decides the same. So it is where another Hub has an open referral about
    either young person; `match_id` names the match on which that Hub is asked."""
    match_id, decided = await decide_match(stores, Asker(caller, viewer), referral_id, entry)
    return DecisionReceipt(match_id=match_id, **decided.model_dump())


@router.get(
    "/v1/referrals/{referral_id}/match-decisions/preview", dependencies=[may("preview_match")]
)
async def get_preview(
    referral_id: ReferralId,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    other_referral_id: Annotated[str, Query(pattern=r"^ref_[0-9a-f]{32}$")],
    decision: Annotated[Decided, Query()],
    purpose: Annotated[Purpose, Query()] = "safeguarding",
) -> Effect:
    """What a decision would change, before you confirm it: which agencies would be shown more or
    less for that purpose, which consents and marks come along or go, the age, the workers. Of two
    referrals of your Hub; that you looked at both is recorded."""
    pair = (referral_id, other_referral_id)
    return await preview_decision(stores, Asker(caller, viewer), pair, decision, purpose)


@router.get(
    "/v1/referrals/{referral_id}/match-decisions", dependencies=[may("view_match_decisions")]
)
async def get_match_decisions(
    referral_id: ReferralId,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    response: Response,
) -> list[DecisionView]:
    """Who decided what on the possible matches of a referral, when and why. That you looked is
    recorded."""
    told = await decisions_on(stores, Asker(caller, viewer), referral_id)
    response.headers["Cache-Control"] = "no-store"
    return [shown(each) for each in told]
