"""Sending what a young person wrote, by the account of this network for those who ask for themselves."""

import re
from typing import Any

from fastapi import Request
from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from services.web.api import Asker, Refused
from services.web.issuer import NotSignedIn
from services.web.sending import post_once
from shared.operating.telemetry import limited, log
from shared.web.limits import address_of

KEY = re.compile(r"you_[0-9a-f]{32}")


# Answers of the API after which the same may be taken a little later.
LATER = frozenset({408, 429})


class TooOften(Exception):
    """More than one address may send."""


class Often:
    """How often one address sends. In the memory of this process."""

    def __init__(self, rate: str) -> None:
        self._rate, self._counted = parse(rate), FixedWindowRateLimiter(MemoryStorage())

    async def count(self, address: str) -> None:
        """One more. Raises `TooOften`."""
        if not await self._counted.hit(self._rate, address):
            limited("self_referrals")
            raise TooOften


def taken(request: Request) -> bool:
    """Whether there is such an account here: without one the page says whom to call."""
    return request.app.state.settings.web_self_client_id is not None


async def send(request: Request, sent: dict[str, Any], key: str) -> Any:
    """The receipt. Raises `TooOften`, `Away`, `Refused`, `IssuerAway`, `NotSignedIn`."""
    await request.app.state.often.count(address_of(request.scope))
    issuer = request.app.state.issuer
    try:
        return await post_once(_by(request, await issuer.own_token()), sent, key)
    except Refused as error:
        if error.status != 401:
            raise
    # The issuer's keys, or the account, have changed since: a newer token may do.
    return await post_once(_by(request, await issuer.own_token(fresh=True)), sent, key)


def passes(error: Exception) -> bool:
    """Whether it may be taken a little later. The other answers stay until somebody of ours does
    something: it is in our log, and whoever wrote is told whom to call."""
    refused = isinstance(error, Refused) and error.status not in LATER
    if not refused and not isinstance(error, NotSignedIn):
        return True
    status = error.status if isinstance(error, Refused) else 401
    log.error("self_referral.refused", status=status, code=getattr(error, "code", ""))
    return False


def _by(request: Request, token: str) -> Asker:
    host = request.client.host if request.client else "unknown"
    asker: Asker = request.app.state.apis.asked_by(token, host)
    return asker
