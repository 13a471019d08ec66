"""A network that answers by itself, for an agency's own tests: `make mock`.

What becomes of a referral follows from how its `agency_reference` ends, and is the same each time.
Everything else is the network as it is: the same checks, events, notifications and trail.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import aiohttp

from allinone import sample
from shared.operating.telemetry import log

Act = tuple[str, str, dict[str, Any] | None]

EVERY = 0.3
LONGEST_PAGE = 100
MANAGER = {"sub": "mg_north", "role": "hub_manager", "hub_id": sample.HUB}
_ACCEPT: Act = ("worker", "/v1/allocations/{id}/acceptance", None)
_START: Act = ("worker", "/v1/allocations/{id}/start", None)
_STEP = "/v1/referrals/{id}/steps/"
# Who does what, one after the other, for a reference with this ending.
ENDINGS: dict[str, tuple[Act, ...]] = {
    "-accepted": (_ACCEPT,),
    "-started": (_ACCEPT, _START),
    "-closed": (
        _ACCEPT,
        _START,
        ("worker", "/v1/allocations/{id}/closure", {"reason": "moved_away"}),
    ),
    "-rejected": (("manager", _STEP + "rejection", {"reason": "below_threshold"}),),
    "-signposted": (("manager", _STEP + "signposting", {"reason": "needs_met_elsewhere"}),),
}
# What of an act that was refused may be otherwise in a moment.
NOT_YET = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE)


class Hub:
    """Its manager and workers, who do what the ending of each reference asks for."""

    def __init__(self, session: aiohttp.ClientSession, token: Callable[..., str]) -> None:
        self._session, self._token = session, token
        self._done: dict[str, int] = {}

    async def play(self) -> None:
        """Look again and again what was referred, until cancelled."""
        while True:
            for agency_id in (sample.SCHOOL, sample.POLICE, sample.HEALTH):
                try:
                    await self._look(agency_id)
                except (
                    aiohttp.ClientError,
                    TimeoutError,
                ) as error:  # going down, or a fault of ours
                    log.warning("mock.failed", error=type(error).__name__)
            await asyncio.sleep(EVERY)

    async def _look(self, agency_id: str) -> None:
        claims = {"sub": agency_id, "role": "agency", "agency_id": agency_id}
        page = await self._ask(claims, "GET", f"/v1/referrals?limit={LONGEST_PAGE}")
        for referral in (page or {}).get("referrals", []):
            ending = next(
                (each for each in ENDINGS if referral["agency_reference"].endswith(each)), None
            )
            if ending is not None:
                await self._go_on(referral["id"], ENDINGS[ending])

    async def _go_on(self, referral_id: str, acts: tuple[Act, ...]) -> None:
        for act in acts[self._done.get(referral_id, 0) :]:
            if not await self._acted(referral_id, act):
                return
            self._done[referral_id] = self._done.get(referral_id, 0) + 1

    async def _acted(self, referral_id: str, act: Act) -> bool:
        who, path, body = act
        found = await self._ask(MANAGER, "GET", f"/v1/allocations/{referral_id}")
        worker_id = (found or {}).get("worker_id")
        if not worker_id:
            return False  # nobody has it yet
        worker = {"sub": worker_id, "role": "worker", "worker_id": worker_id}
        by = worker if who == "worker" else MANAGER
        return await self._ask(by, "POST", path.format(id=referral_id), body) is not None

    async def _ask(
        self, by: dict[str, str], method: str, path: str, body: dict[str, Any] | None = None
    ) -> Any:
        """What is answered; None where it can't be done yet."""
        headers = {"Authorization": f"Bearer {self._token(**by)}", "If-Match": "*"}
        if method == "GET":
            del headers["If-Match"]
        async with self._session.request(method, path, json=body, headers=headers) as answer:
            if answer.status in NOT_YET:
                return None
            answer.raise_for_status()
            return await answer.json(content_type=None)


async def play(base: str, token: Callable[..., str]) -> None:
    """Be the sample Hub of the network at this address, until cancelled."""
    async with aiohttp.ClientSession(base) as session:
        await Hub(session, token).play()
