"""What `make run` needs beside the services: keys under ./data, and a document store as a child.

The store is SecantusDB (GPL-2.0, beta), run as a separate program with every commit synced to
disk. It is for trying and development; live cases belong in MongoDB.
"""

import asyncio
import base64
import contextlib
import ctypes
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, KeySet
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

ISSUER = "urn:hub-and-spoke:embedded"
AUDIENCE = "hub-and-spoke"
START_DEADLINE = 30.0


class Keys:
    """The keys of one data folder, made at its first use, readable by their owner only."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self.jwks = folder / "jwks.json"
        private = self._kept("signing.json", lambda: json.dumps(_new_signing_key()))
        self.signing = ECKey.import_key(json.loads(private))
        public = KeySet([self.signing]).as_dict(private=False)
        self.jwks.write_text(json.dumps(public), "utf-8")

    def secret(self, name: str, size: int) -> str:
        """A random secret of `size` bytes in base64, the same at every start."""
        return self._kept(f"{name}.key", lambda: base64.b64encode(os.urandom(size)).decode())

    def _kept(self, name: str, make: Any) -> str:
        path = self._folder / name
        if not path.exists():
            # Written whole or not at all: half a key would lock its data away for good.
            draft = path.with_suffix(".draft")
            draft.touch(mode=0o600)
            draft.write_text(make(), "utf-8")
            draft.replace(path)
        return path.read_text("utf-8")


def _new_signing_key() -> dict[str, Any]:
    key = ECKey.generate_key("P-256", {"use": "sig", "kid": secrets.token_hex(8)}, private=True)
    return dict(key.as_dict(private=True))


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else runs on this folder meanwhile. Raises `RuntimeError` if somebody does."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = (folder / "running").open("a")
    except OSError as error:
        raise RuntimeError(f"DATA_DIR: {folder} can't be used ({error.strerror})") from None
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            said = (
                f"DATA_DIR: another network runs on {folder} already; stop it, or name another one"
            )
            raise RuntimeError(said) from None
        yield


def free_port() -> int:
    """A port that is free on loopback now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def document_store(folder: Path) -> AsyncIterator[str]:
    """The address of a running store on `folder`. Raises `RuntimeError` when it does not start."""
    program = Path(sys.executable).parent / "secantusd-py"
    if not program.exists():
        raise RuntimeError("SecantusDB is not installed: requirements/embedded.txt")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # noqa: ASYNC240 - nothing else runs yet
    port = free_port()
    address = f"mongodb://127.0.0.1:{port}"
    child = await _start(program, folder, port, address)
    try:
        (folder.parent / "store.address").write_text(address, "utf-8")
        yield address
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(child.wait, 15)
        except subprocess.TimeoutExpired:
            child.kill()


async def _start(program: Path, folder: Path, port: int, address: str) -> "subprocess.Popen[bytes]":
    """The child once it answers. After a kill -9 of the last run its store may still be closing
    and have the folder locked, so a child that ends at once is started again for a while."""
    deadline = asyncio.get_running_loop().time() + START_DEADLINE
    while asyncio.get_running_loop().time() < deadline:
        child = _spawn(program, folder, port)
        try:
            await _answers(address, child, deadline)
            return child
        except ChildProcessError:
            await asyncio.sleep(0.5)
        except BaseException:
            child.kill()
            raise
    raise RuntimeError("the document store did not start; see data/store.log")


def _spawn(program: Path, folder: Path, port: int) -> "subprocess.Popen[bytes]":
    with (folder.parent / "store.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own program, with our own words
            [
                str(program),
                *("--host", "127.0.0.1", "--port", str(port), "--storage-path", str(folder)),
                *("--standalone", "--sync-on-commit", "--oplog-max-entries", "1000"),
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C stops the services first, then they stop the store
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )


def _die_with_parent() -> None:
    # prctl(PR_SET_PDEATHSIG): after a kill -9 of the services the store must not keep the folder.
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


async def _answers(address: str, child: "subprocess.Popen[bytes]", deadline: float) -> None:
    """Returns when it answers. Raises `ChildProcessError` when it has ended or takes too long."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        address, serverSelectionTimeoutMS=500
    )
    try:
        while child.poll() is None and asyncio.get_running_loop().time() < deadline:
            with contextlib.suppress(PyMongoError):  # not up yet
                await client.admin.command("ping")
                return
            await asyncio.sleep(0.1)
    finally:
        await client.close()
    child.kill()
    raise ChildProcessError
