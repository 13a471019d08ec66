"""A store speaking the MongoDB protocol: a given one, mongod, a container, or SecantusDB.

In this order: MONGO_URL; mongod on PATH; Docker, where the image is there; SecantusDB's Rust
server; SecantusDB's Python server beside this Python. With CONTAINERS=1 only Docker; STORE=rust
or STORE=python takes that server of SecantusDB.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from pymongo import AsyncMongoClient
from pymongo.errors import AutoReconnect

from tests.harness.broker import IN_DOCKER, NONE, NotOurs, in_docker
from tests.harness.docker import Container
from tests.harness.processes import Child, free_port, listening
from tests.harness.waiting import until

# Ours is SecantusDB (deploy/images/build.sh), here without users, as the official one is.
IMAGES: dict[str, tuple[str, ...]] = {
    "mongo:8.0": (),
    "hub-and-spoke/store-for-trials:0.1.0": (
        *("secantusd-py", "--host", "0.0.0.0", "--port", "27017"),
        *("--storage-path", "/data/db/store", "--standalone", "--sync-on-commit"),
    ),
}
PYTHON_SERVER = Path(sys.executable).parent / "secantusd-py"
RUST_SERVER = "secantusd-rs"
CARGO_BIN = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo")) / "bin"


class Mongo(Protocol):
    """What tests may do with the store. Where it isn't ours, breaking it raises `NotOurs`."""

    @property
    def url(self) -> str: ...

    @property
    def describe(self) -> str: ...

    @property
    def ours(self) -> bool:
        """Whether it may be killed, paused and started."""

    async def start(self) -> None:
        """Start it, on the data it had; on return it answers."""

    async def kill(self) -> None:
        """SIGKILL."""

    async def stop(self) -> None:
        """The end of the run: nothing of it stays."""


async def drop(client: "AsyncMongoClient[Any]", name: str) -> None:
    """The database is gone. PyMongo repeats reads and writes whose connection broke, but not this."""

    async def dropped() -> bool:
        try:
            await client.drop_database(name)
        except AutoReconnect:
            return False
        return True

    await until(dropped, deadline=60, what=f"{name} to be dropped")


def unclosed(store: Mongo) -> str:
    """The warning of a socket to this store that nobody closed, as a pattern. It is not heeded.

    PyMongo 4.20 forgets the socket of a connection that is being made when its caller is
    cancelled (PYTHON-5867); the interpreter closes it, and warns in whatever test runs then.
    Nobody but PyMongo connects to the store, and a client that is not closed warns by itself.
    """
    return rf"unclosed <socket.socket .* raddr=\('[^']+', {urlsplit(store.url).port or 27017}\b"


async def _ping(url: str) -> None:
    """Returns once the store answers. Raises when it takes too long."""
    async with AsyncMongoClient[dict[str, object]](url, serverSelectionTimeoutMS=60000) as client:
        await client.admin.command("ping")


class GivenMongo:
    """The one of MONGO_URL: somebody else's."""

    ours = False

    def __init__(self, url: str) -> None:
        self.url = url
        self.describe = f"MongoDB of MONGO_URL at {urlsplit(url).hostname}"

    async def start(self) -> None:
        """It runs already."""

    async def stop(self) -> None:
        """Not ours to stop."""

    async def kill(self) -> None:
        raise NotOurs("kill")


class ContainerMongo:
    """A container of the run, without access control, on the loopback only."""

    ours = True

    def __init__(self, image: str) -> None:
        self.describe = IN_DOCKER.format(image)
        self._container = Container(image, 27017, *IMAGES[image])
        self.url = f"mongodb://127.0.0.1:{self._container.port}/"

    async def start(self) -> None:
        await self._container.start()
        await _ping(self.url)

    async def kill(self) -> None:
        await self._container.kill()

    async def stop(self) -> None:
        await self._container.stop()


class ChildMongo:
    """A program of this machine as a child of the run, on the loopback only."""

    ours = True

    def __init__(
        self, describe: str, command: Callable[[int, Path], list[str]], folder: Path
    ) -> None:
        self.describe = describe
        self._port, data = free_port(), folder / "data"
        data.mkdir(parents=True)
        self.url = f"mongodb://127.0.0.1:{self._port}/"
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        log = folder / "mongo.log"
        self.child = Child(*command(self._port, data), env=environment, log=log, cwd=folder)

    async def start(self) -> None:
        self.child.start()
        try:
            await until(self._up_or_dead, deadline=60, what=f"{self.describe} being up")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.child.tail()}") from None
        code = self.child.exit_code
        assert code is None, f"{self.describe} ended with {code}:\n{self.child.tail()}"
        await _ping(self.url)

    def _up_or_dead(self) -> bool:
        return not self.child.running or listening(self._port)

    async def kill(self) -> None:
        self.child.kill()

    async def stop(self) -> None:
        self.child.kill()  # nothing of the run is kept: no need to be gentle


def _mongod(port: int, data: Path) -> list[str]:
    return ["mongod", "--bind_ip", "127.0.0.1", "--port", str(port), "--dbpath", str(data)]


def _secantus(program: str) -> Callable[[int, Path], list[str]]:
    def command(port: int, data: Path) -> list[str]:
        where = ["--host", "127.0.0.1", "--port", str(port), "--storage-path", str(data)]
        # Durable as mongod is with j:true; a standalone, with a short oplog.
        durable = ["--standalone", "--sync-on-commit", "--oplog-max-entries", "1000"]
        return [program, *where, *durable]

    return command


def _programs() -> dict[str, tuple[str, Callable[[int, Path], list[str]]]]:
    """The stores this machine can run as a child: how each is called, and its command."""
    found: dict[str, tuple[str, Callable[[int, Path], list[str]]]] = {}
    if shutil.which("mongod"):
        found["mongod"] = ("mongod of this machine", _mongod)
    if rust := shutil.which(RUST_SERVER, path=f"{os.environ['PATH']}:{CARGO_BIN}"):
        found["rust"] = ("SecantusDB, Rust server (speaks MongoDB's protocol)", _secantus(rust))
    if PYTHON_SERVER.exists():
        described = "SecantusDB, Python server (speaks MongoDB's protocol)"
        found["python"] = (described, _secantus(str(PYTHON_SERVER)))
    return found


def plan() -> str:
    """Which store `choose` would take, found out without starting anything."""
    if os.environ.get("CONTAINERS") == "1":
        return in_docker([*IMAGES])
    wanted, programs = os.environ.get("STORE"), _programs()
    if wanted:
        return programs[wanted][0] if wanted in programs else NONE
    if url := os.environ.get("MONGO_URL"):
        return GivenMongo(url).describe
    official = in_docker([*IMAGES][:1])
    if "mongod" not in programs and official != NONE:
        return official
    return next((described for described, _ in programs.values()), NONE)


def choose(folder: Path) -> Mongo:
    """The store of this run, not started yet. `folder` is for its data. Raises if there is none."""
    planned = plan()
    for image in IMAGES:
        if planned == IN_DOCKER.format(image):
            return ContainerMongo(image)
    for described, command in _programs().values():
        if planned == described:
            return ChildMongo(described, command, folder)
    if planned != NONE and (url := os.environ.get("MONGO_URL")):
        return GivenMongo(url)
    raise RuntimeError(
        "No store: set MONGO_URL, install mongod or secantusdb, or load mongo:8.0 into Docker."
    )
