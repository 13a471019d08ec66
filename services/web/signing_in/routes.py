"""`/sign-in`, `/signed-in`, `/sign-out`, `/leave`."""

import re
from typing import Any

from authlib.common.security import generate_token
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from services.web.issuer import NotSignedIn
from services.web.session import Session
from services.web.visit import SEE_OTHER, Visiting, comes_from_us, show, to

router = APIRouter()
SIGNING_IN = "signing-in"
OUR_PATH = re.compile(r"/[A-Za-z0-9_/-]{0,200}")


def back_to(wanted: str) -> str:
    """Where somebody goes who has signed in: a path of ours, or the first page."""
    return wanted if OUR_PATH.fullmatch(wanted) and not wanted.startswith("//") else "/"


@router.get("/sign-in")
async def get_sign_in(request: Request) -> Response:
    """To the issuer. What comes back is compared with what this browser keeps meanwhile. Whoever has a
    session by now, because another replica has renewed it, goes back to what they looked for."""
    wanted, verifier = request.query_params.get("to", "/"), generate_token(64)
    if request.state.session is not None:
        return _on(request, back_to(wanted))
    address, state = await request.app.state.issuer.sign_in_at(verifier)
    kept = {"state": state, "verifier": verifier, "to": back_to(wanted)}
    request.state.set_cookies = [request.app.state.cookies.seal_for(SIGNING_IN, kept)]
    return RedirectResponse(address, SEE_OTHER)


@router.get("/signed-in")
async def get_signed_in(request: Request) -> Response:
    """Back from the issuer. Raises `NotSignedIn` where this is not who went there."""
    cookies = request.app.state.cookies
    kept = cookies.kept_for(SIGNING_IN, request.cookies)
    request.state.set_cookies = [cookies.forgotten(SIGNING_IN)]
    if kept is None or request.query_params.get("state") != kept["state"]:
        raise NotSignedIn
    request.state.session = await _begun(request, kept)
    return _on(request, kept["to"])


def _on(request: Request, path: str) -> Response:
    """On to what was looked for: where another site has begun the way, from a page of ours, for a
    redirect would still be a step of that site's."""
    if comes_from_us(request):
        return to(path)
    answer = show(request, "signed_in.html", then=path)
    answer.headers["Refresh"] = f"0;url={path}"
    return answer


async def _begun(request: Request, kept: dict[str, Any]) -> Session:
    issuer = request.app.state.issuer
    came_to = f"{issuer.comes_back_to}?{request.url.query}"
    token = await issuer.tokens_for(came_to, kept["state"], kept["verifier"])
    try:
        return Session.begin(token, request.app.state.settings.claims)
    except (LookupError, ValueError) as error:
        raise NotSignedIn from error


@router.post("/sign-out")
async def post_sign_out(request: Request, visit: Visiting) -> Response:
    """The session has ended here; where the issuer has an end for its own, that page is named."""
    request.state.session = None
    return show(request, "signed_out.html", ends_at=request.app.state.issuer.sign_out_at())


@router.get("/leave")
async def get_leave(request: Request) -> Response:
    """Away from here at once, to a page that anybody might look at; nobody is signed in any more."""
    if request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin"):
        request.state.session = None
    answer = RedirectResponse(request.app.state.settings.web_leave_to, SEE_OTHER)
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer
