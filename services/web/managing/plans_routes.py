"""`/hand-over…`: all cases of one worker to others: propose, look, confirm."""

from fastapi import APIRouter
from starlette.responses import Response

from services.web.managing.plans import confirmed, plan_of, plans_of, proposed
from services.web.paths import Id
from services.web.visit import Visiting, to

router = APIRouter()


@router.get("/hand-over")
async def get_plans(visit: Visiting) -> Response:
    """The plans, and a new one."""
    return visit.page("managing/plans.html", **await plans_of(visit), wrong={})


@router.post("/hand-over")
async def post_plan(visit: Visiting) -> Response:
    """Proposed: nothing moves yet."""
    plan_id, wrong = await proposed(visit, await visit.form())
    if wrong:
        return visit.page("managing/plans.html", 422, **await plans_of(visit), wrong=wrong)
    return to(f"/hand-over/{plan_id}")


@router.get("/hand-over/{plan_id}")
async def get_plan(visit: Visiting, plan_id: Id) -> Response:
    """Who would get which case."""
    return visit.page("managing/plan.html", **await plan_of(visit, plan_id), wrong={})


@router.post("/hand-over/{plan_id}")
async def post_confirmation(visit: Visiting, plan_id: Id) -> Response:
    """Confirmed: the cases move now."""
    if wrong := await confirmed(visit, plan_id, await visit.form()):
        return visit.page("managing/plan.html", 422, **await plan_of(visit, plan_id), wrong=wrong)
    return to(f"/hand-over/{plan_id}")
