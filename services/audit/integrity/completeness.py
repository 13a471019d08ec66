"""Whether every event that a service has sent is an entry: each tally is held against the trail.

The writer's process looks every `EVERY` seconds at the tallies that are new, and at what lacked
before. What lacks is kept, told, and asked of the service that tallied it. How far it has come stands
in the store: a restart goes on there.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.audit.integrity.losses import (
    BEHIND,
    AskedAgain,
    Loss,
    asked_for,
    looked_at,
    said,
)
from services.audit.log import gauges
from services.audit.log.leaf import instant
from services.audit.log.store import Trail
from shared.clock import Clock, now
from shared.events.trail import TrailStreamReplaced, TrailTallied
from shared.ids import derived_id
from shared.operating.cancellation import raise_if_cancelled
from shared.origin import Origin
from shared.storage.records import Change
from shared.storage.store import Database, Store

EVERY = 20.0
# An event is confirmed before it is tallied, but need not be read before: of two streams, say.
GRACE = timedelta(seconds=30)
BY = Origin.of_service("audit")
AT = "trail"
OPEN = {"event_ids.0": {"$exists": True}}


# Every service of the network tallies; one that never did is as silent as one that stopped.
TALLYING = ("allocation", "audit", "notify", "referral")


@dataclass(frozen=True)
class Told:
    """The newest tally of a service that was looked at: its entry, and since when nothing newer is
    known. Without an entry none ever came, since the trail was first looked at."""

    service: str
    entry: int | None
    since: datetime


class Completeness:
    """Holds tallies against the trail, and asks for all again where the broker was replaced."""

    def __init__(
        self,
        trail: Trail,
        database: Database,
        losses: Store[Loss],
        asked_again: Store[AskedAgain],
        *,
        clock: Clock = now,
    ) -> None:
        self._trail, self._clock, self.losses = trail, clock, losses
        self.asked_again = asked_again
        self._progress = database["completeness"]

    async def missing(self) -> list[Loss]:
        """What lacks now, the oldest tally first."""
        return await self.losses.find(OPEN, sort=[("tally", 1)], limit=1000)

    async def told(self) -> list[Told]:
        """The newest tally of each service, also of one that never sent any."""
        found = await self._progress.find_one({"_id": AT}) or {}
        newest, first = found.get("newest", {}), found.get("first_looked_at", self._clock())
        return [
            Told(name, newest[name]["entry"], datetime.fromisoformat(newest[name]["at"]))
            if name in newest
            else Told(name, None, first)
            for name in sorted({*newest, *TALLYING})
        ]

    async def run(self, writing: Callable[[], bool]) -> None:
        """Look again and again while this process is the writer, until cancelled."""
        while True:
            raise_if_cancelled()
            await asyncio.sleep(EVERY)
            if writing():
                await self.look()

    async def look(self) -> None:
        """Look at what lacked before, and at the tallies that are new. Safe to repeat."""
        size = (await self._trail.state())["size"]
        await self._replaced_streams(size)
        for loss in await self.missing():
            await self._look_again(loss, size)
        await self._new_tallies(size)
        gauges.complete(
            sum(len(loss.event_ids) for loss in await self.missing()),
            max(self._clock() - one.since for one in await self.told()),
        )

    async def _look_again(self, loss: Loss, size: int) -> None:
        still = await self._lacking(loss.event_ids, size)
        at = self._clock()
        await self.losses.change(loss.id, lambda one: looked_at(one, still, at), by=BY, seen=loss)

    async def _replaced_streams(self, size: int) -> None:
        """Ask every service for what the broker that is gone may have confirmed and not delivered."""
        found = await self._progress.find_one({"_id": AT}) or {}
        where = {"type": TrailStreamReplaced.event_type}
        # An older release looked at tallies only: what was replaced before the upgrade is long over.
        start: int = found.get("next_replaced", found.get("next", 0)) or 0
        async for entry in self._trail.scan(where, size, start=start):
            seq = entry["seq"]
            before = await self._trail.entry(max(0, seq - 1)) or entry
            last = datetime.fromisoformat(json.loads(before["leaf"])["recorded_at"])
            name, at = derived_id("again", str(seq)), self._clock()
            asked = AskedAgain(id=name, entry=seq, since=last - BEHIND, asked_at=at)
            await self.asked_again.add_or_change(asked, said(asked), rule=Change, by=BY)
        if size > start:  # a crash before asks again under the same id: once
            progress = {"$set": {"next_replaced": size}}
            await self._progress.update_one({"_id": AT}, progress, upsert=True)

    async def _new_tallies(self, size: int) -> None:
        found = await self._progress.find_one({"_id": AT}) or {}
        if "first_looked_at" not in found:
            began = {"$set": {"first_looked_at": self._clock()}}
            await self._progress.update_one({"_id": AT}, began, upsert=True)
        start, until = found.get("next", 0), instant(self._clock() - GRACE)
        where = {"type": TrailTallied.event_type, "to": until}
        async for entry in self._trail.scan(where, size, start=start):
            await self._tally(entry["seq"], json.loads(entry["leaf"]), size)

    async def _tally(self, seq: int, leaf: dict[str, Any], size: int) -> None:
        service = str(leaf["event"]["source"]).rpartition("/")[2]
        lacking = await self._lacking(tallied_in(leaf["event"]), size)
        if lacking:
            loss = Loss(
                id=derived_id("loss", leaf["event"]["id"]),
                service=service,
                tally=seq,
                event_ids=lacking,
                asked_at=self._clock(),
            )
            await self.losses.add_or_change(loss, asked_for(loss), rule=Change, by=BY)
        newest = {"entry": seq, "at": leaf["recorded_at"]}
        await self._progress.update_one(
            {"_id": AT}, {"$set": {"next": seq + 1, f"newest.{service}": newest}}, upsert=True
        )

    async def _lacking(self, event_ids: Sequence[str], size: int) -> tuple[str, ...]:
        where = {"_id": {"$in": list(event_ids)}, "seq": {"$lt": size}}
        there = {entry["_id"] async for entry in self._trail.entries.find(where, {"_id": 1})}
        return tuple(one for one in event_ids if one not in there)


def tallied_in(event: dict[str, Any]) -> list[str]:
    """The ids that a tally says, in its order."""
    said = event.get("data", {}).get("event_ids")
    return [one for one in said if isinstance(one, str)] if isinstance(said, list) else []
