"""Giving parked messages back, and discarding them.

What is done is written down first. After a crash in between the message is still parked, and an entry
says what somebody wanted; asked for again, it is done, and a second entry says so.
"""

from dataclasses import dataclass

from services.audit.parked.record import Handled, handled
from shared.clock import now
from shared.errors import NotFound
from shared.events.parked import DiscardReason
from shared.ids import new_id
from shared.messaging.bus import Bus, DeadLetter
from shared.storage.store import Store
from shared.web.tokens import Caller

# More are not looked through for one id: so many parked messages are a fault of a service.
MOST = 10_000


@dataclass(frozen=True)
class Parked:
    """The parked messages of all queues, and what was done with some."""

    bus: Bus
    handled: Store[Handled]

    async def listed(self, limit: int) -> tuple[list[DeadLetter], bool]:
        """So many of them, and whether there are more."""
        found = await self.bus.dead_letters(limit + 1)
        return found[:limit], len(found) > limit

    async def named(self, message_id: str) -> list[DeadLetter]:
        """Those with this id: an event may be parked for several queues. Raises `NotFound`."""
        found = [x for x in await self.bus.dead_letters(MOST) if x.message_id == message_id]
        if not found:
            raise NotFound("dead letter")
        return found

    async def give_back(self, message_id: str, caller: Caller) -> int:
        """Those with this id go back to their queues. Returns how many. Raises `NotFound`."""
        await self._write_down(message_id, caller, None)
        return await self.bus.replay(message_id)

    async def discard(self, message_id: str, reason: DiscardReason, caller: Caller) -> int:
        """Those with this id are gone on return. Returns how many. Raises `NotFound`."""
        await self._write_down(message_id, caller, reason)
        return await self.bus.discard(message_id)

    async def _write_down(
        self, message_id: str, caller: Caller, reason: DiscardReason | None
    ) -> None:
        for letter in await self.named(message_id):
            record, event = handled(new_id("park"), letter, now(), reason)
            await self.handled.add(record, event, by=caller.origin())
