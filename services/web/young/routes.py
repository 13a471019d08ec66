"""`/for-you…`: what this is, and asking for help."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.web.api import Away, Refused
from services.web.errors import NotFromOurPage
from services.web.issuer import IssuerAway, NotSignedIn
from services.web.visit import Form, comes_from_us, show
from services.web.young.asking import referral, said, wrong
from services.web.young.sending import KEY, TooOften, passes, send, taken
from shared.ids import new_id

router = APIRouter()
NOTHING: dict[str, list[str]] = {"channels": []}


@router.get("/for-you")
async def get_for_you(request: Request) -> Response:
    """What this is, who reads it, and where help is now."""
    return show(request, "young/about.html", open=taken(request))


@router.get("/for-you/ask")
async def get_ask(request: Request) -> Response:
    """The questions, all on one page."""
    key = new_id("you")
    return show(request, "young/ask.html", key=key, a=NOTHING, errors={}, open=taken(request))


@router.post("/for-you/ask")
async def post_ask(request: Request) -> Response:
    """Sent, once however often it is pressed. Where it can't be, the page says so, keeps what was
    written on it, and whom to call."""
    if not comes_from_us(request):
        raise NotFromOurPage
    form = Form(await request.form(max_fields=50))
    key, answers = form.text("key"), said(form)
    errors = (
        wrong(answers) if KEY.fullmatch(key) else {"words": "Please press the button once more"}
    )
    return await _sent(request, answers, key if KEY.fullmatch(key) else new_id("you"), errors)


async def _sent(
    request: Request, answers: dict[str, object], key: str, errors: dict[str, str]
) -> Response:
    again = {"key": key, "a": answers, "open": taken(request)}
    if errors:
        return show(request, "young/ask.html", 422, errors=errors, **again)
    try:
        receipt = await send(request, referral(answers, key), key)
    except (TooOften, Away, IssuerAway, NotSignedIn, Refused) as error:
        said = NOT_SENT if passes(error) else NOT_TAKEN
        return show(request, "young/ask.html", 503, errors={"send": said}, **again)
    return show(request, "young/sent.html", receipt=receipt)


NOT_TAKEN = (
    "We can’t take this here, and pressing the button again will not help. It is our fault, not yours. "
    "Please call Childline on 0800 1111, at any time, for free. If you are in danger, call 999. What you "
    "wrote is still here: you can read it out to them."
)
NOT_SENT = (
    "We could not send it just now. What you wrote is still here: wait a minute and press the button "
    "again. Or call Childline on 0800 1111, at any time, for free."
)
