"""What goes wrong, by a seed: services killed anywhere, the broker and the store killed, cut off, full."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable

from tests.faults.stage import Stage
from tests.harness.broker import settle
from tests.harness.network import SERVICES

# Between any two steps of these.
POINTS = (
    *("store.before_write", "store.after_write", "relay.after_claim", "relay.after_confirm"),
    *("relay.after_settle", "consumer.before_ack", "consumer.after_retry_publish"),
    *("assign.after_reservation", "assign.after_decision", "assign.after_assignment"),
    *("intake.after_reservation", "intake.after_subject", "intake.after_person"),
    *("notify.after_projection", "deliver.after_claim", "deliver.after_row", "deliver.after_call"),
    *("trail.after_entries", "trail.after_state", "trail.after_tiles", "trail.before_checkpoint"),
    *("tally.after_archive", "tally.after_telling"),
)
DISK_FULL, DISK_FREE = "99999GB", "1MB"
# A quorum queue that was just declared may lose what it has when its node is killed within a second.
SETTLING = 6.0


class Mishaps:
    """Two hands that break things: one kills services, the other everything beneath them."""

    def __init__(self, stage: Stage, random_: random.Random, *, disks: bool) -> None:
        self.stage, self.random = stage, random_
        self.counted: Counter[str] = Counter()
        self._kinds: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("broker killed", self._kill_broker),
            ("store killed", stage.store_killed),
            ("connections to the broker reset", self._reset(0)),
            ("connections to the store reset", self._reset(1)),
            ("broker cut off", self._hole(0)),
            ("store cut off", self._hole(1)),
            ("confirms swallowed", self._deaf),
            ("broker's disk full", self._full),
            ("a service paused", self._paused),
        ]
        if disks:
            self._kinds.append(("broker's disk lost", self._lose_broker))

    async def kill_services(self, every: float) -> None:
        """SIGKILL, at a moment or at a point between two steps, and another start; until cancelled."""
        while True:
            await asyncio.sleep(every * self.random.uniform(0.5, 1.5))  # pacing
            name = self.random.choice(SERVICES)
            self.stage.modules[name].kill()
            self.counted["service killed"] += 1
            point = f"{self.random.choice(POINTS)}:{self.random.randint(1, 5)}"
            armed = self.random.random() < 0.5
            self.stage.begin(name, **({"FAULTS": "1", "FAULT": point} if armed else {}))

    async def watch(self) -> None:
        """Start again whatever has killed itself at its point, until cancelled."""
        while True:
            await asyncio.sleep(0.3)  # pacing
            for name in self.stage.died():
                self.counted["service killed at a point"] += 1
                self.stage.begin(name)

    async def break_things(self, every: float) -> None:
        """One after the other, in rounds in which each comes once; until cancelled in a pause."""
        while True:
            for name, kind in self.random.sample(self._kinds, len(self._kinds)):
                await asyncio.sleep(every * self.random.uniform(0.5, 1.5))  # pacing
                await asyncio.shield(kind())
                self.counted[name] += 1

    async def heal(self) -> None:
        """Everything runs again and nothing is in the way."""
        for wire in self.stage.wires:
            wire.heal()
        await self.stage.node.ctl("set_disk_free_limit", DISK_FREE)
        for name, module in self.stage.modules.items():
            if module.running:
                module.go_on()
            await module.stop()
            self.stage.begin(name)
        for module in self.stage.modules.values():
            await module.until_ready(60)

    async def _kill_broker(self) -> None:
        await self.stage.broker_killed()
        await self._settled()

    async def _lose_broker(self) -> None:
        await self.stage.broker_lost()
        await self._settled()

    async def _settled(self) -> None:
        await asyncio.sleep(SETTLING)
        await settle(self.stage.node)

    def _reset(self, wire: int) -> Callable[[], Awaitable[None]]:
        async def reset() -> None:
            self.stage.wires[wire].reset_all()

        return reset

    def _hole(self, wire: int) -> Callable[[], Awaitable[None]]:
        async def hole() -> None:
            self.stage.wires[wire].hole()
            await asyncio.sleep(self.random.uniform(1, 8))
            self.stage.wires[wire].heal()

        return hole

    async def _deaf(self) -> None:
        self.stage.wires[0].hole_down()
        await asyncio.sleep(self.random.uniform(1, 5))
        self.stage.wires[0].reset_all()
        self.stage.wires[0].heal()

    async def _full(self) -> None:
        await self.stage.node.ctl("set_disk_free_limit", DISK_FULL)
        await asyncio.sleep(self.random.uniform(1, 8))
        await self.stage.node.ctl("set_disk_free_limit", DISK_FREE)

    async def _paused(self) -> None:
        module = self.stage.modules[self.random.choice(SERVICES)]
        if module.running:
            module.pause()
            await asyncio.sleep(self.random.uniform(1, 8))
            if module.running:
                module.go_on()
