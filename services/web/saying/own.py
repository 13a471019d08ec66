"""Asking the API by the account of this network for young people: no token of theirs, no cookie."""

from typing import Any

from fastapi import Request

from services.web.api import Answer, Asker, Refused
from services.web.errors import NotFromOurPage
from services.web.issuer import IssuerAway
from services.web.visit import Form, comes_from_us


async def ask(request: Request, method: str, what: str, **options: Any) -> Answer:
    """The answer of `/v1/participation/…`. Raises `Refused`, `Away`, `IssuerAway`, `NotSignedIn`."""
    if request.app.state.settings.web_self_client_id is None:
        raise IssuerAway
    issuer, path = request.app.state.issuer, f"/v1/participation/{what}"
    try:
        by = _by(request, await issuer.own_token())
        return await by.ask("referral", method, path, **options)
    except Refused as error:
        if error.status != 401:
            raise
    # The issuer's keys, or the account, have changed since: a newer token may do.
    by = _by(request, await issuer.own_token(fresh=True))
    return await by.ask("referral", method, path, **options)


async def form_of(request: Request) -> Form:
    """What was sent, from a page of ours. Raises `NotFromOurPage`."""
    if not comes_from_us(request):
        raise NotFromOurPage
    return Form(await request.form(max_fields=60))


def _by(request: Request, token: str) -> Asker:
    host = request.client.host if request.client else "unknown"
    asker: Asker = request.app.state.apis.asked_by(token, host)
    return asker
