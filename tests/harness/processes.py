"""Child processes that die with the test run, and only ever by their own pid."""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from tests.harness.template import LEASH, ROOT, Forked, template
from tests.harness.unlimited import UNLIMITED
from tests.harness.waiting import until


def free_port() -> int:
    """A port that nobody listens on now.

    Below those the system gives to outgoing connections: one of them could take it before we do.
    """
    for _ in range(1000):
        port = 10_000 + secrets.randbelow(22_000)  # not by the seed: workers of a run share that
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")


def listening(port: int) -> bool:
    """Whether something accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Child:
    """A process of ours. What it prints goes to `log`; several starts append to the same file."""

    def __init__(self, *command: str, env: Mapping[str, str], log: Path, cwd: Path = ROOT) -> None:
        self._command, self._env, self._cwd, self.log = command, dict(env), cwd, log
        self._process: subprocess.Popen[bytes] | Forked | None = None

    def start(self) -> None:
        """Start it; returns at once."""
        assert not self.running, "it runs already"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._process = self._started()

    def _started(self) -> "subprocess.Popen[bytes] | Forked":
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*LEASH, *self._command],
                env=self._env,
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None, "never started"
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.poll() if self._process else None

    def kill(self) -> None:
        """SIGKILL, and gone on return."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """SIGSTOP: it holds its connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT after `pause`."""
        os.kill(self.pid, signal.SIGCONT)

    async def stop(self, deadline: float = 15.0) -> int | None:
        """SIGTERM, and SIGKILL after the deadline. Returns the exit code."""
        if self._process is not None and self.running:
            self._process.terminate()
            try:
                await asyncio.to_thread(self._process.wait, deadline)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.exit_code

    async def wait(self, deadline: float = 30.0) -> int:
        """Until it has ended by itself. Returns the exit code."""
        await until(lambda: not self.running, deadline=deadline, what=f"the end of {self}")
        assert self.exit_code is not None
        return self.exit_code

    def tail(self, lines: int = 40) -> str:
        """The end of what it printed."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def __str__(self) -> str:
        return " ".join(self._command)


class Module(Child):
    """`python -m name` as a server on its own port, with its own log file.

    Where it may be, it comes of a template that has done the imports.
    """

    def __init__(self, name: str, env: Mapping[str, str], folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONUNBUFFERED": "1",
            "HTTP_PORT": str(self.port),
            **UNLIMITED,
            **env,
        }
        log = folder / f"{name}-{self.port}.log"
        super().__init__(sys.executable, "-m", name, env=environment, log=log)
        self._template = template(name, environment)

    def _started(self) -> "subprocess.Popen[bytes] | Forked":
        if self._template and self._template.fits(self._env):
            return self._template.start(self._env, self.log)
        return super()._started()

    async def start_ready(self, deadline: float = 30.0) -> None:
        """Start it and wait until `/readyz` says yes. Fails with its log otherwise."""
        if self._template:
            await asyncio.to_thread(self._template.begun)
        self.start()
        await self.until_ready(deadline)

    async def until_ready(self, deadline: float = 30.0) -> None:
        """Wait until `/readyz` says yes. Fails with its log when it ends or takes too long."""

        async def ready_or_dead() -> bool:
            return not self.running or await asyncio.to_thread(self._ready)

        try:
            await until(ready_or_dead, deadline=deadline, what=f"{self} being ready")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tail()}") from None
        assert self.running, f"{self} ended with {self.exit_code}:\n{self.tail()}"

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:  # also an HTTP error: it isn't ready yet
            return False
