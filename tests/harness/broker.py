"""A RabbitMQ for the test run: a given one, a private node of this machine, or a container.

In this order: AMQP_URL; RabbitMQ installed here; installed with apt-get, where we are root and
it is missing; Docker, where the image is there. With CONTAINERS=1 only Docker.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from tests.harness.docker import Container, first_there
from tests.harness.node import PrivateNode, installed
from tests.harness.waiting import until

NONE = "none to be had"
TO_INSTALL = "RabbitMQ, to be installed with apt-get"
# Ours is of Debian's packages: deploy/images/build.sh.
IMAGES = ("rabbitmq:4.1-management", "hub-and-spoke/rabbitmq:4.0")
IN_DOCKER = "{} in Docker"
SYNC = "[dets:sync(T) || T <- dets:all()]."


class NotOurs(AssertionError):
    """This broker was given to us: we may use it, not break it."""


class Broker(Protocol):
    """What tests may do with the broker. Where it isn't ours, breaking it raises `NotOurs`."""

    @property
    def url(self) -> str: ...

    @property
    def describe(self) -> str: ...

    @property
    def ours(self) -> bool:
        """Whether it may be killed, started and spoken to with rabbitmqctl."""

    async def start(self) -> None:
        """Start it, on the data it had; on return it answers."""

    async def kill(self) -> None:
        """SIGKILL to the Erlang VM."""

    async def stop(self) -> None:
        """The end of the run: nothing of it stays."""

    async def ctl(self, *arguments: str) -> str:
        """What `rabbitmqctl` prints."""


async def evaluate(broker: Broker, expression: str) -> str:
    """The value of an Erlang expression in the broker's VM."""
    return (await broker.ctl("eval", expression)).strip()


async def settle(broker: Broker) -> None:
    """Write new queues' metadata to disk now: a SIGKILL within the first second would lose them."""
    await evaluate(broker, SYNC)


class GivenBroker:
    """The one of AMQP_URL: somebody else's."""

    ours = False

    def __init__(self, url: str) -> None:
        self.url = url
        self.describe = f"RabbitMQ of AMQP_URL at {urlsplit(url).hostname}"

    async def start(self) -> None:
        """It runs already."""

    async def stop(self) -> None:
        """Not ours to stop."""

    async def kill(self) -> None:
        raise NotOurs("kill")

    async def ctl(self, *arguments: str) -> str:
        raise NotOurs(f"rabbitmqctl {arguments}")


class ContainerBroker:
    """A container of the run."""

    ours = True

    def __init__(self, image: str) -> None:
        self.describe = IN_DOCKER.format(image)
        # The guest of the official image may come from outside; that of Debian's may not.
        everybody = {"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-rabbit loopback_users []"}
        self._container = Container(image, 5672, **everybody)
        self.url = f"amqp://guest:guest@127.0.0.1:{self._container.port}/"

    async def start(self) -> None:
        await self._container.start()
        await until(self._booted, deadline=90, what=f"{self.describe} being up")

    async def _booted(self) -> bool:
        try:
            await self.ctl("await_startup", "--timeout", "60")
        except AssertionError:  # its Erlang VM isn't there yet
            return False
        return True

    async def kill(self) -> None:
        await self._container.kill()

    async def stop(self) -> None:
        await self._container.stop()

    async def ctl(self, *arguments: str) -> str:
        return await self._container.run("rabbitmqctl", "--quiet", *arguments)


def plan() -> str:
    """Which broker `choose` would take, found out without starting or installing anything."""
    if os.environ.get("CONTAINERS") == "1":
        return in_docker(IMAGES)
    if url := os.environ.get("AMQP_URL"):
        return GivenBroker(url).describe
    if found := installed():
        return found.describe
    if _can_install():
        return TO_INSTALL
    return in_docker(IMAGES[:1])


def in_docker(images: Sequence[str]) -> str:
    """The plan where only a container will do."""
    image = first_there(images)
    return IN_DOCKER.format(image) if image else NONE


def prepare() -> None:
    """Install RabbitMQ if that is the plan: once, before the workers of a run need it."""
    if plan() == TO_INSTALL:
        from tests.harness.install import install_rabbitmq

        install_rabbitmq()


def choose(folder: Path) -> Broker:
    """The broker of this run, not started yet. `folder` is for its data. Raises if there is none."""
    planned = plan()
    for image in IMAGES:
        if planned == IN_DOCKER.format(image):
            return ContainerBroker(image)
    if planned == NONE:
        raise RuntimeError(
            f"No RabbitMQ: set AMQP_URL, install rabbitmq-server, or load {IMAGES[0]} into Docker."
        )
    if url := os.environ.get("AMQP_URL"):
        return GivenBroker(url)
    prepare()
    found = installed()
    assert found is not None, "apt-get installed it, but not where we look"
    return PrivateNode(found, folder)


def _can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None
