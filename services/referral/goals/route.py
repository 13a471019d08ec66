"""HTTP in: the goals of a young person."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from services.referral.acting import Asker
from services.referral.callers import ByViewer, Key, OnStores, ReferralId
from services.referral.documents import Purpose
from services.referral.goals.command import agree_goal, close_goal, read_goals, review_goal
from services.referral.goals.request import GoalClosure, GoalEntry, GoalReviewEntry, Goals, GoalView
from shared.web.access import may
from shared.web.etags import IfMatch, tagged
from shared.web.problems import CONDITIONAL
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["goals"])


GoalId = Annotated[str, Path(pattern=r"^goal_[0-9a-f]{32}$")]


@router.get("/v1/referrals/{referral_id}/goals", dependencies=[may("view_goals")])
async def get_goals(
    referral_id: ReferralId,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    response: Response,
    purpose: Annotated[Purpose, Query(description="What you need it for.")] = "direct_work",
) -> Goals:
    """The goals, in the young person's words: for the worker on the case and the managers of its
    Hub, nobody else. That you looked is recorded."""
    referral, goals = await read_goals(stores, Asker(caller, viewer), referral_id, purpose)
    tagged(response, referral.version)
    response.headers["Cache-Control"] = "no-store"
    return Goals(goals=goals)


@router.post(
    "/v1/referrals/{referral_id}/goals",
    status_code=201,
    dependencies=[may("write_goals")],
    responses=CONDITIONAL,
)
async def post_goal(
    referral_id: ReferralId,
    entry: GoalEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    key: Key,
    match: IfMatch,
    response: Response,
) -> GoalView:
    """What the young person wants to come of the work, agreed with them at its start. At most 30.
    Goals are no case notes: those belong in the Hub's own case-management system."""
    asker = Asker(caller, viewer)
    referral, goal = await agree_goal(stores, asker, referral_id, entry, key, match)
    tagged(response, referral.version)
    return GoalView.model_validate(goal)


@router.post(
    "/v1/referrals/{referral_id}/goals/{goal_id}/reviews",
    status_code=201,
    dependencies=[may("write_goals")],
    responses=CONDITIONAL,
)
async def post_goal_review(
    referral_id: ReferralId,
    goal_id: GoalId,
    entry: GoalReviewEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    key: Key,
    match: IfMatch,
    response: Response,
) -> GoalView:
    """How far it is, as the young person sees it. A goal that has changed is closed, and agreed anew."""
    asker = Asker(caller, viewer)
    referral, goal = await review_goal(stores, asker, referral_id, goal_id, entry, key, match)
    tagged(response, referral.version)
    return GoalView.model_validate(goal)


@router.post(
    "/v1/referrals/{referral_id}/goals/{goal_id}/closure",
    dependencies=[may("write_goals")],
    responses=CONDITIONAL,
)
async def post_goal_closure(
    referral_id: ReferralId,
    goal_id: GoalId,
    entry: GoalClosure,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> GoalView:
    """How it ended, before the case does. What is open then gets its outcome as the case is closed."""
    asker = Asker(caller, viewer)
    referral, goal = await close_goal(stores, asker, referral_id, goal_id, entry, match)
    tagged(response, referral.version)
    return GoalView.model_validate(goal)
