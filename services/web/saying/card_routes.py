"""`/say…`: a young person says something by a card, takes it back, and reads what was done."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.web.api import Away, Refused
from services.web.issuer import IssuerAway, NotSignedIn
from services.web.saying.asking import entry, said, why_not, wrong
from services.web.saying.own import ask, form_of
from services.web.visit import show

router = APIRouter()
NO = (Refused, Away, IssuerAway, NotSignedIn)
NOTHING: dict[str, Any] = {"themes": [], "never": []}


@router.get("/say")
async def get_say(request: Request) -> Response:
    """What this is, and the field for the code."""
    return show(request, "young/say.html", code="", errors={})


@router.post("/say")
async def post_say(request: Request) -> Response:
    """The questions, for a card that was not used; else how to take back what was said by it."""
    code = (await form_of(request)).text("card_code")[:60]
    try:
        card = (await ask(request, "POST", "cards", json={"card_code": code or "?"})).body
    except NO as error:
        return _again(request, code, error)
    if card["state"] != "open":
        return show(request, "young/say_said.html", code=code, card=card, errors={})
    return _questions(request, code, card["moment"], NOTHING, {})


@router.post("/say/send")
async def post_send(request: Request) -> Response:
    """Kept, once however often it is pressed; where it can't be, what was written is still there."""
    form = await form_of(request)
    code, moment, answers = form.text("card_code")[:60], form.text("moment"), said(form)
    errors = wrong(answers)
    if not errors:
        try:
            sent = await ask(request, "POST", "answers", json=entry(answers, code))
            return show(request, "young/say_sent.html", card=sent.body, never=answers["never"])
        except NO as error:
            errors = {"send": why_not(error)}
    return _questions(request, code, moment, answers, errors)


@router.post("/say/back")
async def post_back(request: Request) -> Response:
    """What was said by the card is gone."""
    code = (await form_of(request)).text("card_code")[:60]
    try:
        card = (await ask(request, "POST", "withdrawals", json={"card_code": code})).body
    except NO as error:
        return _again(request, code, error)
    return show(request, "young/say_said.html", code=code, card=card, errors={})


@router.get("/say/we-did")
async def get_we_did(request: Request, cursor: str | None = None) -> Response:
    """You said, we did."""
    try:
        found = (await ask(request, "GET", "replies", params={"cursor": cursor})).body
    except NO:
        found = {"replies": [], "next": None}
    return show(request, "young/say_we_did.html", found=found)


def _again(request: Request, code: str, error: Exception) -> Response:
    errors = {"card_code": why_not(error)}
    return show(request, "young/say.html", 422, code=code, errors=errors)


def _questions(
    request: Request, code: str, moment: str, a: dict[str, Any], errors: dict[str, str]
) -> Response:
    status = 422 if errors else 200
    given = {"code": code, "moment": moment, "a": a, "errors": errors}
    return show(request, "young/say_ask.html", status, **given)
