"""`/today`, `/cases…`, `/leave-times…`, `/supervision`."""

from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from services.web.paths import Id
from services.web.visit import Visit, Visiting, to
from services.web.working.acts import ACTS
from services.web.working.looking import case_of, cases_of, day_of, goals_of, tried
from services.web.working.sent import closing, leave, still_open
from shared.errors import NotFound

router = APIRouter()
Only = Literal["waiting", "unaccepted", "overdue"]


@router.get("/today")
async def get_today(visit: Visiting) -> Response:
    """What is new, what is due, and oneself."""
    return visit.page("working/today.html", **await day_of(visit))


@router.get("/cases")
async def get_cases(
    visit: Visiting, cursor: str | None = None, only: Only | None = None
) -> Response:
    """All cases of this worker, or of this manager's Hub; or those that are so."""
    return visit.page("working/cases.html", **await cases_of(visit, cursor, only))


@router.get("/cases/{referral_id}")
async def get_case(visit: Visiting, referral_id: Id) -> Response:
    """A case: what to do, what is known and may be seen, and how likely harm is."""
    return await _case(visit, referral_id)


@router.post("/cases/{referral_id}/acts/{name}")
async def post_act(visit: Visiting, referral_id: Id, name: str) -> Response:
    """One act on it. A reason that is asked for must be given."""
    if name not in ACTS:
        raise NotFound
    act, form = ACTS[name], await visit.form()
    if act.field and not form.text(act.field):
        wrong = {f"{name}-{act.field}": "Choose one"}
        return await _case(visit, referral_id, wrong)
    path = f"/v1/allocations/{referral_id}/{name}"
    await visit.api.post("allocation", path, act.body(form.text(act.field)))
    return to("/" if act.name == "decline" else f"/cases/{referral_id}")


@router.post("/cases/{referral_id}/goals")
async def post_goal(visit: Visiting, referral_id: Id) -> Response:
    """A goal, as agreed with the young person, in their words."""
    form = await visit.form()
    entry = {"area": form.text("area"), "words": form.text("words")}
    if not all(entry.values()):
        wrong = {"words": "Choose what the goal is about, and write it in their words"}
        return await _case(visit, referral_id, wrong)
    # One more takes nothing away: whatever else was changed meanwhile, it is right.
    await visit.api.post("referral", f"/v1/referrals/{referral_id}/goals", entry, tag="*")
    return to(f"/cases/{referral_id}")


@router.get("/cases/{referral_id}/close")
async def get_close(visit: Visiting, referral_id: Id) -> Response:
    """What came of each goal, and why the case ends."""
    await visit.api.get("allocation", f"/v1/allocations/{referral_id}")  # whose case it is not: no
    return await _closing(visit, referral_id, {})


@router.post("/cases/{referral_id}/close")
async def post_close(visit: Visiting, referral_id: Id) -> Response:
    """It has ended; a debrief may be offered."""
    closure, wrong = closing(await visit.form(), await goals_of(visit, referral_id))
    if not wrong:
        wrong = await tried(visit, f"/v1/allocations/{referral_id}/closure", closure, "reason")
    return await _closing(visit, referral_id, wrong) if wrong else to("/")


@router.get("/leave-times")
async def get_leave_times(visit: Visiting) -> Response:
    """Leave that this worker asked for, and what was said to it."""
    return await _leave(visit, {})


@router.post("/leave-times")
async def post_leave_time(visit: Visiting) -> Response:
    """Ask for leave; another person decides."""
    path = f"/v1/workers/{visit.person.worker_id}/leave-requests"
    wrong = await tried(visit, path, leave(await visit.form()), "start")
    return await _leave(visit, wrong) if wrong else to("/leave-times")


@router.post("/leave-times/{request_id}/withdrawal")
async def post_withdrawal(visit: Visiting, request_id: Id) -> Response:
    """Taken back."""
    path = f"/v1/workers/{visit.person.worker_id}/leave-requests/{request_id}/withdrawal"
    await visit.api.post("allocation", path)
    return to("/leave-times")


async def _case(visit: Visit, referral_id: str, wrong: dict[str, str] | None = None) -> Response:
    shown = await case_of(visit, referral_id)
    return visit.page("working/case.html", 422 if wrong else 200, **shown, wrong=wrong or {})


async def _closing(visit: Visit, referral_id: str, wrong: dict[str, str]) -> Response:
    goals = still_open(await goals_of(visit, referral_id))
    status = 422 if wrong else 200
    return visit.page("working/close.html", status, id=referral_id, goals=goals, wrong=wrong)


async def _leave(visit: Visit, wrong: dict[str, str]) -> Response:
    path = f"/v1/workers/{visit.person.worker_id}/leave-requests"
    found = await visit.api.get("allocation", path)
    status = 422 if wrong else 200
    return visit.page("working/leave.html", status, requests=found["requests"], wrong=wrong)
