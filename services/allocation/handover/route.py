"""HTTP in: bulk hand-over: propose, look, confirm."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel

from services.allocation.callers import Limit, OnStores
from services.allocation.handover.listing import list_plans
from services.allocation.handover.plan import Move, Plan, PlanStatus, confirm
from services.allocation.handover.process import propose_plan, their_plan
from services.allocation.handover.request import PlanEntry
from shared.events.codes import HandoverReason
from shared.web.access import may
from shared.web.etags import IfMatch, tagged
from shared.web.problems import CONDITIONAL
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["hand-over plans"])

PlanId = Annotated[str, Path(pattern=r"^plan_[0-9a-f]{32}$")]


class PlanView(BaseModel):
    """Everyone in `moves` would lose the worker they know; nobody was found for `without_receiver`."""

    id: str
    status: str
    hub_id: str
    worker_id: str | None
    host_agency_id: str | None
    reason: HandoverReason
    proposed_at: datetime
    confirmed_by: str | None
    moves: tuple[Move, ...]
    without_receiver: tuple[str, ...]


def view(plan: Plan) -> PlanView:
    fields = plan.model_dump(include=set(PlanView.model_fields))
    return PlanView(**fields, without_receiver=plan.without_receiver)


class PlanLine(BaseModel):
    """A plan, in a list: how many cases it moves, and for how many nobody was found."""

    id: str
    status: PlanStatus
    worker_id: str | None
    host_agency_id: str | None
    reason: HandoverReason
    proposed_at: datetime
    moves: int
    without_receiver: int


class PlanPage(BaseModel):
    """The newest first; pass `next` as `cursor` for the page behind it."""

    plans: list[PlanLine]
    next: str | None


def line(plan: Plan) -> PlanLine:
    fields = plan.model_dump(include=set(PlanLine.model_fields) - {"moves"})
    without = len(plan.without_receiver)
    return PlanLine(**fields, moves=len(plan.moves), without_receiver=without)


@router.post("/v1/handover-plans", status_code=201, dependencies=[may("propose_handover")])
async def post_plan(
    entry: PlanEntry, caller: AnyCaller, stores: OnStores, response: Response
) -> PlanView:
    """Propose receivers within the caps. Nothing moves until the plan is confirmed."""
    stored = await propose_plan(stores, entry, caller)
    response.headers["Location"] = f"/v1/handover-plans/{stored.id}"
    tagged(response, stored.version)
    return view(stored)


@router.get("/v1/handover-plans", dependencies=[may("list_plans")])
async def get_plans(
    caller: AnyCaller,
    stores: OnStores,
    status: Annotated[PlanStatus | None, Query()] = None,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> PlanPage:
    """The Hub's plans, those that wait for a manager among them."""
    found, following = await list_plans(stores, caller, status, cursor, limit)
    return PlanPage(plans=[line(plan) for plan in found], next=following)


@router.get("/v1/handover-plans/{plan_id}", dependencies=[may("plan_handover")])
async def get_plan(
    plan_id: PlanId, caller: AnyCaller, stores: OnStores, response: Response
) -> PlanView:
    """The plan as it stands, for managers of its Hub."""
    plan = await their_plan(stores, plan_id, caller)
    tagged(response, plan.version)
    return view(plan)


@router.post(
    "/v1/handover-plans/{plan_id}/confirmation",
    responses=CONDITIONAL,
    dependencies=[may("plan_handover")],
)
async def post_plan_confirmation(
    plan_id: PlanId, caller: AnyCaller, stores: OnStores, match: IfMatch
) -> PlanView:
    """Carry it out. Cases that have moved on since the proposal are left alone."""
    await their_plan(stores, plan_id, caller)
    return view(
        await stores.plans.change(
            plan_id, match.guard(lambda p: confirm(p, caller.actor)), by=caller.origin()
        )
    )
