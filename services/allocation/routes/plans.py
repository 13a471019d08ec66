"""Bulk hand-over: propose, look, confirm."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, model_validator

from services.allocation.domain.handover import Move, Plan, confirm, propose
from services.allocation.domain.hubs import Code, Incoming
from services.allocation.moving import propose_moves
from services.allocation.routes.common import FromManager, OnDesk, own_hub
from shared.clock import now
from shared.errors import NotFound
from shared.etags import IfMatch, tagged
from shared.events.codes import HandoverReason
from shared.ids import new_id
from shared.problems import CONDITIONAL

router = APIRouter(tags=["hand-over plans"])

PlanId = Annotated[str, Path(pattern=r"^plan_[0-9a-f]{32}$")]


class PlanEntry(Incoming):
    """All open cases of one worker, or of all workers at one host."""

    worker_id: Code | None = None
    host_agency_id: Code | None = None
    reason: HandoverReason

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.worker_id is None) == (self.host_agency_id is None):
            raise ValueError("name a worker or a host agency")
        return self


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


@router.post("/v1/handover-plans", status_code=201)
async def post_plan(
    entry: PlanEntry, caller: FromManager, desk: OnDesk, response: Response
) -> PlanView:
    """Propose receivers within the caps. Nothing moves until the plan is confirmed."""
    hub = await desk.hubs.get(caller.hub_id or "")
    where = (
        {"_id": entry.worker_id} if entry.worker_id else {"host_agency_id": entry.host_agency_id}
    )
    givers = await desk.workers.find({**where, "hub_id": hub.id}, limit=500)
    if not givers:
        raise NotFound
    at, by = now(), caller.origin()
    plan = Plan(
        id=new_id("plan"),
        hub_id=hub.id,
        worker_id=entry.worker_id,
        host_agency_id=entry.host_agency_id,
        reason=entry.reason,
        proposed_by=caller.actor,
        proposed_at=at,
        moves=await propose_moves(desk, hub, [giver.id for giver in givers], by, at),
    )
    stored = await desk.plans.add(plan, propose(plan), by=by)
    response.headers["Location"] = f"/v1/handover-plans/{stored.id}"
    tagged(response, stored.version)
    return view(stored)


@router.get("/v1/handover-plans/{plan_id}")
async def get_plan(
    plan_id: PlanId, caller: FromManager, desk: OnDesk, response: Response
) -> PlanView:
    """The plan as it stands, for managers of its Hub."""
    plan = await desk.plans.get(plan_id)
    own_hub(caller, plan.hub_id)
    tagged(response, plan.version)
    return view(plan)


@router.post("/v1/handover-plans/{plan_id}/confirmation", responses=CONDITIONAL)
async def post_plan_confirmation(
    plan_id: PlanId, caller: FromManager, desk: OnDesk, match: IfMatch
) -> PlanView:
    """Carry it out. Cases that have moved on since the proposal are left alone."""
    own_hub(caller, (await desk.plans.get(plan_id)).hub_id)
    return view(
        await desk.plans.change(
            plan_id, match.guard(lambda p: confirm(p, caller.actor)), by=caller.origin()
        )
    )
