"""What a service measures of itself every so often, as gauges: whether what it needs answers, what
waits in its outboxes and queues, and what the service adds of its own.

What can't be measured now keeps the value it had; `hub.up` says what is away.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from opentelemetry import metrics

from shared.clock import now
from shared.errors import Outage
from shared.messaging.bus import Bus
from shared.messaging.relay import Relay
from shared.operating.cancellation import raise_if_cancelled
from shared.operating.telemetry import log

# The oldest event is looked for among so many outboxes; there are no more but in an outage.
MOST = 500
PATIENCE = 10.0
EVER = datetime.min.replace(tzinfo=UTC)
Measure = Callable[[], Awaitable[None]]

_meter = metrics.get_meter("hub-and-spoke")
_up = _meter.create_gauge("hub.up", description="1 while what a service needs answers, by part")
_age = _meter.create_gauge(
    "hub.outbox.age", unit="s", description="Age of the oldest event that waits to be published"
)
_records = _meter.create_gauge(
    "hub.outbox.records", description=f"Records with events to be published, {MOST} at most"
)
_waiting = _meter.create_gauge(
    "hub.queue.waiting", description="Events that wait in a queue, those to be tried again too"
)
_dead = _meter.create_gauge("hub.queue.dead", description="Dead letters of a queue")


def everywhere(needed: Mapping[str, Measure], bus: Bus, relays: Sequence[Relay]) -> list[Measure]:
    """What every process measures; `needed` raise where what the service needs does not answer."""

    async def broker() -> None:
        if not bus.ready:
            raise Outage("broker")

    probes = {**needed, "broker": broker}
    outbox = [partial(outboxes, relay) for relay in relays]
    return [partial(needs, probes), partial(queues, bus), *outbox]


async def outboxes(relay: Relay) -> None:
    """What waits in the outboxes of a service, and since when."""
    oldest, count = None, 0
    for collection in relay.collections:
        due = collection.find({"outbox_due": {"$gt": EVER}}, {"outbox": {"$slice": 1}})
        async for record in due.sort("outbox_due", 1).limit(MOST):
            count += 1
            for entry in record.get("outbox", ()):
                at = datetime.fromisoformat(json.loads(entry["body"])["time"])
                oldest = min(at, oldest or at)
    told = {"service": relay.service}
    _records.set(min(count, MOST), told)
    _age.set((now() - oldest).total_seconds() if oldest else 0.0, told)


async def queues(bus: Bus) -> None:
    """How much waits for this process's services, and how much of it was parked."""
    for queue, (waiting, dead) in (await bus.depths()).items():
        _waiting.set(waiting, {"queue": queue})
        _dead.set(dead, {"queue": queue})


async def needs(probes: Mapping[str, Measure]) -> None:
    """Whether each of these answers."""
    for part, probe in probes.items():
        _up.set(await _answers(probe), {"part": part})


async def _answers(probe: Measure) -> int:
    raise_if_cancelled()
    try:
        async with asyncio.timeout(PATIENCE):
            await probe()
    except Exception:  # whatever it raises: it does not answer
        return 0
    return 1


async def measure(all_of_it: Sequence[Measure], every: float) -> None:
    """Measure until cancelled. One that fails keeps no other from being measured."""
    while True:
        for each in all_of_it:
            raise_if_cancelled()
            try:
                async with asyncio.timeout(PATIENCE):
                    await each()
            except Exception as error:  # the store or the broker is away: `hub.up` says so
                log.debug("measure.failed", error=type(error).__name__)
        await asyncio.sleep(every)
