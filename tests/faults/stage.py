"""The four services on a broker and a store of this suite's own, each behind a network that can fail."""

import contextlib
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from shared.messaging.topology import Topology
from tests.harness import mongo as stores
from tests.harness.broker import settle
from tests.harness.mongo import Mongo
from tests.harness.network import SERVICES, Network
from tests.harness.node import PrivateNode, installed
from tests.harness.processes import Module
from tests.harness.proxy import Proxy

# What happens because time passes happens soon here. A lease must outlast a slow store.
SETTINGS = {"TALLY_EVERY": "5", "RELAY_LEASE": "5", "DELIVERY_LEASE": "5"}


class Stage(Network):
    """The network. The services reach the broker and the store through proxies; the tests directly."""

    def __init__(
        self, node: PrivateNode, store: Mongo, folder: Path, wires: tuple[Proxy, Proxy]
    ) -> None:
        self.wires = wires
        self.node, self.store, self.disk = node, store, folder / "node" / "data"
        super().__init__(node, store, f"f{secrets.token_hex(4)}.", folder, SERVICES)
        # An event waits 120 times the first of them for a cause that was lost and is sent again.
        self.topology = Topology(prefix=self.prefix, retry_delays=(1.0, 2.0, 5.0))
        self.modules = {name: self.module(name) for name in SERVICES}

    def environment(self, name: str) -> dict[str, str]:
        to_broker, to_store = self.wires
        through = {"AMQP_URL": to_broker.url, "MONGO_URL": to_store.url}
        return {**super().environment(name), **through, **SETTINGS}

    async def broker_killed(self) -> None:
        """SIGKILL to the broker, and another start on the same disk."""
        await self.node.kill()
        await self.node.start()

    async def broker_lost(self) -> None:
        """SIGKILL to the broker, and an empty one in its place."""
        await self.node.kill()
        shutil.rmtree(self.disk)
        await self.node.start()

    async def store_killed(self) -> None:
        """SIGKILL to the store, and another start on the same disk."""
        await self.store.kill()
        await self.store.start()

    def died(self) -> list[str]:
        """The services that don't run now."""
        return [name for name, module in self.modules.items() if not module.running]

    def begin(self, name: str, **env: str) -> Module:
        """Start a service anew with these settings, not waiting until it is ready."""
        self.modules[name] = self.module(name, **env)
        self.modules[name].start()
        return self.modules[name]


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """All of it started, with the sample network; nothing of it is left after."""
    here = installed()
    assert here is not None, "RabbitMQ must be installed: nobody else's is ours to break"
    node, store = PrivateNode(here, folder / "node"), stores.choose(folder / "store")
    assert store.ours, "the store must be ours to kill"
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(node.stop)
        stack.push_async_callback(store.stop)
        await node.start()
        await store.start()
        to_broker = await stack.enter_async_context(Proxy(node.url).running())
        to_store = await stack.enter_async_context(Proxy(store.url).running())
        made = Stage(node, store, folder, (to_broker, to_store))
        stack.push_async_callback(made.stop)
        await made.start()
        await settle(node)
        await made.load_sample()
        yield made
