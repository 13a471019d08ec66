"""The way to the broker in overlays/production: TLS, under an authority that is in no list of others."""

from collections.abc import AsyncIterator
from pathlib import Path

import aio_pika
import pytest
import pytest_asyncio
from aio_pika.exceptions import AMQPConnectionError

from tests.harness.authority import certified
from tests.harness.mongo import Mongo
from tests.harness.network import running
from tests.harness.node import PrivateNode, installed
from tests.harness.processes import free_port

ROOT = Path(__file__).parents[2]
PRODUCTION = ROOT / "deploy" / "k8s" / "overlays" / "production"


@pytest_asyncio.fixture
async def node(tmp_path: Path) -> AsyncIterator[PrivateNode]:
    """A node as the RabbitmqCluster's are; it also listens without TLS, to the harness."""
    here = installed()
    if here is None:
        pytest.skip("no RabbitMQ is installed here: a container's certificates aren't ours to set")
    of_nodes = certified(tmp_path / "certificates")
    config = (PRODUCTION / "inter-node-tls.config").read_text("utf-8")
    among = tmp_path / "inter-node-tls.config"
    among.write_text(config.replace("/etc/rabbitmq-nodes", str(of_nodes.key.parent)), "utf-8")
    port = free_port()
    settings = (
        f"listeners.ssl.local = 127.0.0.1:{port}",
        f"ssl_options.certfile = {of_nodes.certificate}",
        f"ssl_options.keyfile = {of_nodes.key}",
    )
    made = PrivateNode(
        here,
        tmp_path / "node",
        conf="\n".join(settings),
        erlang=f"-proto_dist inet_tls -ssl_dist_optfile {among}",
    )
    made.url = f"amqps://guest:guest@localhost:{port}/?cafile={of_nodes.authority}"
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def test_a_service_works_over_tls_and_trusts_its_own_authority_only(
    node: PrivateNode, mongo: Mongo, tmp_path: Path
) -> None:
    stranger = certified(tmp_path / "stranger")

    async with running(node, mongo, tmp_path / "network", ["audit"]):
        pass  # it is ready: its queues are declared and read

    with pytest.raises(AMQPConnectionError):
        await aio_pika.connect(f"{node.url.partition('?')[0]}?cafile={stranger.authority}")
    with pytest.raises(AMQPConnectionError):
        await aio_pika.connect(node.url.partition("?")[0])


async def test_nodes_speak_tls_to_each_other(node: PrivateNode) -> None:
    # The command is a node, too: it shows its certificate, and asks for that of the broker.
    assert "inet_tls" in await node.ctl("eval", "init:get_argument(proto_dist).")
