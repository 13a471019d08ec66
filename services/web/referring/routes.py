"""`/refer…`: a referral, step by step; `/referrals…`: what became of it."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from services.web.api import Refused
from services.web.changing.register import offered
from services.web.paths import Id
from services.web.record import parts
from services.web.referring import drafts
from services.web.referring.questions import (
    BY_NAME,
    STEPS,
    Step,
    after,
    before,
    unanswered,
)
from services.web.visit import Visit, Visiting, to
from shared.errors import NotFound

router = APIRouter()


@router.get("/referrals")
async def get_mine(visit: Visiting, cursor: str | None = None) -> Response:
    """All that this agency has referred, and what was begun."""
    found = await visit.api.get("referral", "/v1/referrals", cursor=cursor)
    begun = await drafts.mine(visit.api) if cursor is None else []
    return visit.page("referring/mine.html", found=found, drafts=begun)


@router.get("/refer")
async def get_refer(visit: Visiting) -> Response:
    """What will be asked, before anything is."""
    return visit.page("referring/begin.html", steps=STEPS)


@router.post("/refer")
async def post_refer(visit: Visiting) -> Response:
    """A new draft, and its first question."""
    draft_id = await drafts.begin(visit.api)
    return to(f"/refer/{draft_id}/{STEPS[0].name}")


@router.get("/refer/{draft_id}")
async def get_check(visit: Visiting, draft_id: Id) -> Response:
    """All answers, to be looked at before they are sent."""
    draft = await drafts.read(visit.api, draft_id)
    wrong = unanswered(draft.answers)
    return visit.page("referring/check.html", draft=draft, steps=STEPS, wrong=wrong)


@router.get("/refer/{draft_id}/{name}")
async def get_step(visit: Visiting, draft_id: Id, name: str) -> Response:
    """One question."""
    draft = await drafts.read(visit.api, draft_id)
    return await _asked(visit, draft, _step(name), draft.answers, {})


@router.post("/refer/{draft_id}/{name}")
async def post_step(visit: Visiting, draft_id: Id, name: str) -> Response:
    """Its answer is kept, wrong or not: nobody types it twice. On to the next where it is right."""
    step, draft, form = _step(name), await drafts.read(visit.api, draft_id), await visit.form()
    said: dict[str, Any] = {each: form.text(each) for each in step.fields}
    said |= {each: form.each(each) for each in step.lists}
    answers = {**draft.answers, **said}
    await drafts.keep(visit.api, draft, answers)
    if wrong := step.wrong(answers):
        return await _asked(visit, draft, step, answers, wrong, 422)
    following = after(step)
    back = form.text("then") == "check" or following is None
    return to(f"/refer/{draft_id}" + ("" if back or following is None else f"/{following.name}"))


@router.post("/refer/{draft_id}")
async def post_send(visit: Visiting, draft_id: Id) -> Response:
    """The referral is sent, once however often the button is pressed: the draft's id is its key."""
    draft = await drafts.read(visit.api, draft_id)
    if wrong := unanswered(draft.answers):
        return visit.page("referring/check.html", 422, draft=draft, steps=STEPS, wrong=wrong)
    try:
        receipt = await drafts.send(visit.api, draft)
    except Refused as error:
        wrong = {"send": error.said("It was not taken.")}
        return visit.page("referring/check.html", 422, draft=draft, steps=STEPS, wrong=wrong)
    return visit.page("referring/receipt.html", receipt=receipt)


@router.post("/refer/{draft_id}/delete/now")
async def post_delete(visit: Visiting, draft_id: Id) -> Response:
    """The draft is destroyed."""
    await drafts.destroy(visit.api, await drafts.read(visit.api, draft_id))
    return to("/referrals")


@router.get("/referrals/{referral_id}")
async def get_one(visit: Visiting, referral_id: Id) -> Response:
    """A referral as its sender may see it."""
    one = await visit.api.get("referral", f"/v1/referrals/{referral_id}")
    groups = offered(one, practitioner=False) if one["viewed_as"] == "referrer" else []
    shown = parts(one["categories"], one["written"])
    return visit.page(
        "referring/one.html", one=one, parts_of=shown, groups=groups, done=visit.noted()
    )


def _step(name: str) -> Step:
    if name not in BY_NAME:
        raise NotFound
    return BY_NAME[name]


async def _asked(
    visit: Visit,
    draft: drafts.Draft,
    step: Step,
    answers: dict[str, Any],
    errors: dict[str, str],
    status: int = 200,
) -> Response:
    areas = await drafts.areas(visit.api) if step.name == "place" else []
    return visit.page(
        f"referring/ask_{step.name}.html",
        status,
        draft=draft,
        step=step,
        number=STEPS.index(step) + 1,
        count=len(STEPS),
        back=before(step),
        a=answers,
        errors=errors,
        areas=areas,
    )
