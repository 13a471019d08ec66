"""`/cases/…/voice`: cards for a young person, and what they let one read. `/voices`: what many say, and
what was done."""

from fastapi import APIRouter
from starlette.responses import Response

from services.web.api import NOT_SO, Refused
from services.web.paths import Id
from services.web.visit import Form, Visit, Visiting, to
from services.web.words import options
from shared.errors import NotFound
from shared.ids import new_id

router = APIRouter()
THEMES = "participation_theme"


@router.get("/cases/{referral_id}/voice")
async def get_voice(visit: Visiting, referral_id: Id) -> Response:
    """The cards of this case, and what the young person let one read."""
    return await _voice(visit, referral_id, {})


@router.post("/cases/{referral_id}/voice")
async def post_card(visit: Visiting, referral_id: Id) -> Response:
    """The card, with its code: it is shown here and kept nowhere. To press twice is to make one."""
    return await _made(visit, referral_id, await visit.form())


@router.get("/voices")
async def get_voices(visit: Visiting) -> Response:
    """What many young people said to this manager's Hub, and what it told them it did."""
    return await _voices(visit, {}, {})


@router.post("/voices/{theme}")
async def post_reply(visit: Visiting, theme: Id) -> Response:
    """What was done, for everybody to read; with nothing it is taken down."""
    if theme not in dict(options(THEMES)):
        raise NotFound
    done = (await visit.form()).text("done")
    wrong = await _replied(visit, theme, done)
    return await _voices(visit, wrong, {theme: done}) if wrong else to("/voices")


async def _made(visit: Visit, referral_id: str, form: Form) -> Response:
    entry = {"moment": form.text("moment"), "way": form.text("way")}
    if not all(entry.values()):
        return await _voice(visit, referral_id, {"moment": "Choose when and how they are asked"})
    path, key = f"/v1/referrals/{referral_id}/invitations", form.text("key")
    try:
        card = await visit.api.post("referral", path, entry, key=key)
    except Refused as error:
        if error.status not in (409, NOT_SO):
            raise
        return await _voice(visit, referral_id, {"way": error.said("It was not taken as it is")})
    address = visit.page_address("/say")
    return visit.page("voices/card.html", id=referral_id, card=card, address=address)


async def _replied(visit: Visit, theme: str, done: str) -> dict[str, str]:
    """What is wrong with it; nothing where it was taken."""
    path = f"/v1/participation/replies/{theme}"
    try:
        if done:
            await visit.api.ask("referral", "PUT", path, json={"done": done})
        else:
            await visit.api.ask("referral", "DELETE", path)
    except Refused as error:
        if error.status != NOT_SO:
            raise
        return {theme: error.said("Write 10 to 600 signs")}
    return {}


async def _voice(visit: Visit, referral_id: str, wrong: dict[str, str]) -> Response:
    found = await visit.api.get("referral", f"/v1/referrals/{referral_id}/participation")
    given = {"id": referral_id, "found": found, "key": new_id("web"), "wrong": wrong}
    return visit.page("voices/case.html", 422 if wrong else 200, **given)


async def _voices(visit: Visit, wrong: dict[str, str], typed: dict[str, str]) -> Response:
    summary = await visit.api.get("referral", "/v1/participation/summary")
    mine: dict[str, str] = {}
    cursor: str | None = ""
    while cursor is not None:
        path = "/v1/participation/replies"
        page = await visit.api.get("referral", path, cursor=cursor, limit=50)
        of_hub = [one for one in page["replies"] if one["hub_id"] == summary["hub_id"]]
        mine |= {one["theme"]: one["done"] for one in of_hub}
        cursor = page["next"]
    given = {"summary": summary, "done": mine | typed, "wrong": wrong, "themes": options(THEMES)}
    return visit.page("voices/all.html", 422 if wrong else 200, **given)
