"""Sending what a young person wrote, by the account of this network for those who ask for themselves."""

import re
from typing import Any

from fastapi import Request
from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from shared.operating.telemetry import limited
from shared.web.limits import address_of

KEY = re.compile(r"you_[0-9a-f]{32}")


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
    token = await request.app.state.issuer.own_token()
    host = request.client.host if request.client else "unknown"
    api = request.app.state.apis.asked_by(token, host)
    return await api.post("referral", "/v1/referrals", sent, key=key)
