"""Newer tokens for a session that goes on: each refresh token is brought to the issuer once.

An issuer that gives a new refresh token with each answer takes the old one for stolen when it comes a
second time (RFC 9700, 4.14.2). A browser asks for several pages at once, and an answer can get lost.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from services.web.issuer import IssuerAway

# Seconds for which what an issuer answered is still told to who comes with the cookies from before.
KEPT = 60.0
MOST = 5_000

Ask = Callable[[str], Awaitable[dict[str, Any]]]
Asked = tuple[float, asyncio.Future[dict[str, Any]]]


class Renewals:
    """What was asked for in this process, by the hash of the refresh token. Other replicas know nothing
    of it: decision 1609 says what that means."""

    def __init__(self, ask: Ask) -> None:
        self._ask, self._asked = ask, dict[str, Asked]()

    async def of(self, refresh: str) -> dict[str, Any]:
        """The issuer's answer, with what is left of its `expires_in`. Raises `NotSignedIn`, `IssuerAway`;
        of the last nothing is kept, so the next one asks again."""
        key, moment = hashlib.sha256(refresh.encode()).hexdigest(), time.monotonic()
        self._forget(moment)
        # Whoever goes away ends no renewal: the token is used up, and others wait for the answer.
        if key not in self._asked:
            self._asked[key] = (moment, asyncio.ensure_future(self._ask(refresh)))
        begun, answer = self._asked[key]
        try:
            token = await asyncio.shield(answer)
        except IssuerAway:
            self._asked.pop(key, None)
            raise
        return _left(token, time.monotonic() - begun)

    def _forget(self, moment: float) -> None:
        old = [key for key, (begun, _) in self._asked.items() if moment - begun > KEPT]
        for key in [*old, *list(self._asked)[: len(self._asked) - len(old) - MOST]]:
            self._asked.pop(key, None)


def _left(token: Mapping[str, Any], since: float) -> dict[str, Any]:
    lasts = int(token.get("expires_in") or 300)
    return {**token, "expires_in": max(1, lasts - int(since))}
