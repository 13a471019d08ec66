"""A page for each way to say no."""

import re
from functools import partial

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.web.api import Away, Refused
from services.web.errors import (
    AWAY,
    BROKEN,
    BY_STATUS,
    FORM,
    FromElsewhere,
    NotFromOurPage,
    SayWhyFirst,
    SignInFirst,
    Words,
)
from services.web.issuer import IssuerAway, NotSignedIn
from services.web.visit import MOST_FIELDS, Visit, comes_from_us, show, to_sign_in
from shared.errors import NotFound
from shared.operating.telemetry import log

# What a form has that nobody has written; what begins with `was-` is how a field was before.
HIDDEN = re.compile(r"csrf|key|tag|was-.*")
EXPLAINED = (409, 422)  # of which an API says why, in words for people


def install(app: FastAPI) -> None:
    """Show every exception as a page."""
    app.add_exception_handler(SignInFirst, _to_sign_in)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(NotFromOurPage, partial(_always, 403, FORM))
    app.add_exception_handler(NotSignedIn, _not_signed_in)
    app.add_exception_handler(FromElsewhere, _from_elsewhere)
    app.add_exception_handler(SayWhyFirst, _ask_why)
    for away in (Away, IssuerAway):
        app.add_exception_handler(away, partial(_always, 503, AWAY))
    for nowhere in (NotFound, RequestValidationError):
        app.add_exception_handler(nowhere, partial(_always, 404, BY_STATUS[404]))
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _broken)


def _said(request: Request, status: int, words: Words) -> Response:
    session = getattr(request.state, "session", None)
    visit = Visit(request, session) if session else None
    return show(request, "no.html", status, words=words, visit=visit)


async def _always(status: int, words: Words, request: Request, _: Exception) -> Response:
    return _said(request, status, words)


async def _to_sign_in(request: Request, _: Exception) -> Response:
    """Whoever was away for too long has written something meanwhile: it is not lost."""
    if request.method == "POST" and comes_from_us(request):
        fields = (await request.form(max_fields=MOST_FIELDS)).multi_items()
        kept = [
            text
            for name, text in fields
            if not HIDDEN.fullmatch(name) and isinstance(text, str) and text
        ]
        return show(request, "away_too_long.html", 401, kept=kept)
    return to_sign_in(request)


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, Refused) else 500
    if status == 401:
        request.state.session = None
        return to_sign_in(request)
    words = BY_STATUS.get(status, BY_STATUS[422])
    if status in EXPLAINED and isinstance(error, Refused):
        words = Words(words.heading, f"{error.said('')} {words.advice}".strip())
    return _said(request, status, words)


async def _from_elsewhere(request: Request, _: Exception) -> Response:
    return show(request, "from_elsewhere.html")


async def _not_signed_in(request: Request, _: Exception) -> Response:
    return show(request, "not_signed_in.html", 403)


async def _ask_why(request: Request, _: Exception) -> Response:
    return show(request, "auditing/why.html", visit=Visit(request, request.state.session))


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _said(request, status, BY_STATUS.get(status, BY_STATUS[404]))


async def _broken(request: Request, error: Exception) -> Response:
    log.error("page.failed", error=type(error).__name__)
    return _said(request, 500, BROKEN)
