"""Containers, where a Docker engine runs."""

import asyncio
import gc
import warnings
from collections.abc import Iterable
from functools import cache
from typing import Any

from tests.harness.processes import free_port


@cache
def image_is_there(image: str) -> bool:
    """Whether a Docker engine answers and holds `image`. Pulls nothing; quiet when nobody is there.

    An engine alone is not enough: where no registry can be reached it can run nothing.
    """
    with warnings.catch_warnings():
        # The client drops its socket unclosed when nobody is there: collected here, in silence.
        warnings.simplefilter("ignore", ResourceWarning)
        there = _holds(image)
        gc.collect()
    return there


def first_there(images: Iterable[str]) -> str:
    """The first of these that the engine holds; nothing where it has none."""
    return next(filter(image_is_there, images), "")


def _holds(image: str) -> bool:
    from testcontainers.core.docker_client import DockerClient

    try:
        docker = DockerClient(timeout=2).client
        try:
            docker.images.get(image)
        finally:
            docker.close()
    except Exception:  # no engine, or one without the image: either way not for us
        return False
    return True


class Container:
    """A container with one port: on the loopback of this host, the same over every restart."""

    def __init__(self, image: str, port: int, *command: str, **environment: str) -> None:
        # The generic container: the one for RabbitMQ needs a second AMQP client and reads the
        # host's RABBITMQ_* variables, and an ephemeral host port would change with a restart.
        from testcontainers.core.config import testcontainers_config
        from testcontainers.core.container import DockerContainer

        # Who removes the containers of a run that was killed is an image, too.
        testcontainers_config.ryuk_disabled = not image_is_there(testcontainers_config.ryuk_image)
        self.port = free_port()
        self._container = DockerContainer(image, command=" ".join(command) or None, env=environment)
        ports: dict[str, Any] = self._container.ports
        ports[f"{port}/tcp"] = ("127.0.0.1", self.port)
        self._made = False

    @property
    def _wrapped(self) -> Any:
        return self._container.get_wrapped_container()

    async def start(self) -> None:
        """Make it, or start the killed one again on its data. Returns before its port answers."""
        await asyncio.to_thread(self._wrapped.start if self._made else self._container.start)
        self._made = True

    async def kill(self) -> None:
        """SIGKILL to everything in it; its data stays."""
        await asyncio.to_thread(self._wrapped.kill)

    async def stop(self) -> None:
        """Remove it with its data."""
        if self._made:
            await asyncio.to_thread(self._container.stop)
            self._made = False

    async def run(self, *command: str) -> str:
        """The output of a command in it; fails when the command does."""
        code, output = await asyncio.to_thread(self._wrapped.exec_run, list(command))
        text = bytes(output).decode(errors="replace")
        assert code == 0, f"{command} ended with {code}: {text}"
        return text

    async def tail(self, lines: int = 40) -> str:
        """The end of what it printed."""
        logs = await asyncio.to_thread(self._wrapped.logs, tail=lines)
        return bytes(logs).decode(errors="replace")
