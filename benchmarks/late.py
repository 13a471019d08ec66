"""How late notifications are when many referrals come at once: `python -m benchmarks.late`.

Late is a notification that was written a second or more after the event that it tells of: notify had
heard of that before it had heard of what it is about.
"""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from statistics import quantiles

from benchmarks.following import AsDeployed, Followed, following
from shared.messaging.bus import Entry, Feed
from shared.messaging.rabbit import RabbitBus
from tests.harness.broker import choose as choose_broker
from tests.harness.buses import running
from tests.harness.mongo import choose as choose_store

REFERRALS = int(os.environ.get("REFERRALS", "34"))
WITHIN = float(os.environ.get("WITHIN", "3"))
LATE = 1.0


class Times:
    """When each event happened, and of which each notification tells."""

    def __init__(self) -> None:
        self._at: dict[str, datetime] = {}
        self._told: dict[str, tuple[str, datetime]] = {}

    async def append(self, entries: list[Entry]) -> None:
        for entry in entries:
            event = json.loads(entry.message.body)
            at = datetime.fromisoformat(event["time"])
            self._at[event["id"]] = at
            if event["type"] == "notification.created":
                self._told[event["id"]] = (event["causationid"], at)

    async def last_read(self) -> None:
        return None

    def late(self) -> Iterator[float]:
        """Of each notification the seconds after what it tells of."""
        for cause, at in self._told.values():
            if cause in self._at:
                yield (at - self._at[cause]).total_seconds()


async def _send(followed: Followed) -> list[str]:
    async def one(number: int) -> str:
        await asyncio.sleep(number * WITHIN / REFERRALS)
        answer = await followed.network.refer(
            f"late-{number}",
            subject={
                "name": f"Child {number:02}",
                "date_of_birth": f"2011-03-{number % 28 + 1:02}",
            },
        )
        answer.raise_for_status()
        return str(answer.json()["id"])

    return list(await asyncio.gather(*map(one, range(REFERRALS))))


async def main() -> None:
    """Print how many were late, and the 95th of a hundred."""
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        for part in ("broker", "store", "network"):
            (folder / part).mkdir()
        broker, store = choose_broker(folder / "broker"), choose_store(folder / "store")
        async with contextlib.AsyncExitStack() as open_:
            for each in (broker, store):
                await each.start()
                open_.push_async_callback(each.stop)
            network = AsDeployed(broker, store, folder / "network")
            followed = await open_.enter_async_context(following(network))
            times = Times()
            bus = RabbitBus(broker.url, "late", _answers, network.topology)
            bus.feed(Feed("audit", times.append, times.last_read))
            async with running(bus):
                await _send(followed)
                await followed.quiet()
                await asyncio.sleep(1)
                found = sorted(times.late())
            over = sum(seconds >= LATE for seconds in found)
            p95 = quantiles(found, n=20)[-1]
            line = f"{REFERRALS} referrals in {WITHIN} s: {len(found)} notifications, {over} late"
            sys.stdout.write(f"{line}, p95 {p95:.2f} s, the latest {found[-1]:.2f} s\n")
            early = {k: v for k, v in followed.warnings().items() if "NotFound" in k}
            sys.stdout.write(f"tried again, for what was not there yet: {early}\n")


async def _answers() -> None:
    """It is there."""


if __name__ == "__main__":
    asyncio.run(main())
