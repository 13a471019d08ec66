"""`/matches…`: referrals that may be about one young person."""

from fastapi import APIRouter
from starlette.responses import Response

from services.web.managing.comparing import compared, decide
from services.web.paths import Id
from services.web.visit import Visit, Visiting, to

router = APIRouter()


@router.get("/matches")
async def get_matches(visit: Visiting, cursor: str | None = None) -> Response:
    """What waits for a person's word, the oldest first."""
    found = await visit.api.get("referral", "/v1/possible-matches", cursor=cursor)
    return visit.page("managing/matches.html", found=found)


@router.get("/matches/{referral_id}/{match_id}")
async def get_match(visit: Visiting, referral_id: Id, match_id: Id) -> Response:
    """Both, side by side, and what a decision would change."""
    return await _match(visit, referral_id, match_id, {}, {})


@router.post("/matches/{referral_id}/{match_id}")
async def post_match(visit: Visiting, referral_id: Id, match_id: Id) -> Response:
    """One young person, or two, or not to be said yet."""
    form = await visit.form()
    if wrong := await decide(visit, referral_id, match_id, form):
        said = {name: form.text(name) for name in ("decision", "ground", "reason")}
        return await _match(visit, referral_id, match_id, said, wrong)
    return to("/matches")


async def _match(
    visit: Visit, referral_id: str, match_id: str, said: dict[str, str], wrong: dict[str, str]
) -> Response:
    shown = await compared(visit, referral_id, match_id)
    status = 422 if wrong else 200
    return visit.page("managing/match.html", status, **shown, said=said, wrong=wrong)
