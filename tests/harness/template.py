"""A process that has imported a service, and becomes a new process of it for each start.

To import a service takes a second or more of CPU, and the tests start hundreds to kill them. Such a
child is as `python -m NAME` would be: a process of its own, with its own environment, log, open
files, random numbers (they are seeded anew after a fork) and end. Two things it has from its
template: the seed of hashes, and what the imports read from the environment. So a start that has
another value for any of that gets no template; a failpoint is read again.

    python -m tests.harness.template SOCKET NAME
"""

import atexit
import ctypes
import gc
import importlib
import json
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# The kernel ends a child should the test run itself be killed.
LEASH = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
PR_SET_PDEATHSIG = 1
FAILPOINTS = "shared.operating.failpoints"
READ_AGAIN = {"FAULTS", "FAULT"}
# What a service imports only once it runs.
LATE = ("uvicorn.lifespan.on", "uvicorn.loops.auto", "uvicorn.protocols.http.h11_impl")

LONGEST = 1 << 20


class Template:
    """One such process. It dies with the test run, and its children with it."""

    def __init__(self, name: str, env: Mapping[str, str]) -> None:
        self._env = {key: value for key, value in env.items() if key == "PATH" or _unnoticed(key)}
        self.lock = threading.Lock()
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        here = [sys.executable, "-m", "tests.harness.template", str(theirs.fileno()), name]
        with theirs:
            self.process = subprocess.Popen(
                [*LEASH, *here],
                env=self._env,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.stop)
        self._read = set[str]()

    def begun(self) -> "Template":
        """This, once the imports are done."""
        with self.lock:
            if not self._read:
                self._read = {"PATH", *self._answer()} - READ_AGAIN
        return self

    def fits(self, env: Mapping[str, str]) -> bool:
        """Whether a process with this environment would have imported the same."""
        read = self.begun()._read | {key for key in {*env, *self._env} if _unnoticed(key)}
        return all(env.get(key) == self._env.get(key) for key in read)

    def start(self, env: Mapping[str, str], log: Path) -> "Forked":
        """A process of the module with that environment, which appends to that log."""
        self.begun()
        with self.lock:
            return Forked(self, int(self.ask({"env": dict(env), "log": str(log)})))

    def stop(self) -> None:
        """It is gone, and all that came of it."""
        self.process.kill()
        self.process.wait()
        self._line.close()

    def ask(self, order: Mapping[str, object]) -> Any:
        """What the process answers. Only who holds the lock may ask."""
        self._line.send(json.dumps(order).encode())
        return self._answer()

    def _answer(self) -> Any:
        answer = self._line.recv(LONGEST)
        assert answer, "a template has ended; why is in what the tests print"
        return json.loads(answer)


class Forked:
    """A process made of a template, with those methods of `subprocess.Popen` that tests need."""

    def __init__(self, template: Template, pid: int) -> None:
        self._template, self.pid = template, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, or None while it runs. Until it is known the pid is nobody else's."""
        with self._template.lock:
            if self.returncode is None:
                self.returncode = self._template.ask({"ended": self.pid})
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once there is one."""
        end = time.monotonic() + (timeout or float("inf"))
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.005)
        return code

    def kill(self) -> None:
        """SIGKILL, if it runs."""
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM, if it runs."""
        self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


_templates: dict[str, Template] = {}


def template(name: str, env: Mapping[str, str]) -> Template | None:
    """This run's template of the module, which begins its imports when it is first asked for."""
    if sys.platform != "linux":
        return None
    if name not in _templates:
        _templates[name] = Template(name, env)
    return _templates[name]


def _unnoticed(key: str) -> bool:
    # Read in C, where nobody sees it: aiohttp loads the certificates as it is imported.
    return key.startswith(("PYTHON", "SSL_CERT_"))


def _import(name: str) -> set[str]:
    """Import the module's service; what of the environment was read. (All pass `encodekey`.)"""
    environment: Any = os.environ
    encode, read = environment.encodekey, set[str]()

    def noting(key: str) -> bytes:
        read.add(key)
        return bytes(encode(key))

    environment.encodekey = noting
    for each in (f"{name}.app", *LATE):
        importlib.import_module(each)
    environment.encodekey = encode
    return read


def _serve(line: socket.socket, name: str) -> None:
    """Do as the test run orders. Returns only in a new process, which is to run the module."""
    prctl = ctypes.CDLL(None).prctl
    read = _import(name)
    threads = len(os.listdir("/proc/self/task"))
    assert threads == 1, f"importing {name} makes {threads} threads, and a fork would lose them"
    gc.collect()
    gc.freeze()  # what is here by now stays shared
    line.send(json.dumps(sorted(read)).encode())
    while order := line.recv(LONGEST):
        wanted = json.loads(order)
        answer: int | None
        if "ended" in wanted:
            pid, status = os.waitpid(wanted["ended"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        elif (answer := os.fork()) == 0:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            line.close()
            _become(wanted["env"], wanted["log"])
            return
        line.send(json.dumps(answer).encode())
    os._exit(0)


def _become(env: dict[str, str], log: str) -> None:
    opened = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for standard in (1, 2):
        os.dup2(opened, standard)
    os.close(opened)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    gc.unfreeze()
    if FAILPOINTS in sys.modules:
        importlib.reload(sys.modules[FAILPOINTS])  # in place, for those who have imported it


if __name__ == "__main__":
    NAME = sys.argv[2]
    _serve(socket.socket(fileno=int(sys.argv[1])), NAME)
    # From here on as `python -m NAME`, to its end: exceptions, what is done at exit, exit code.
    sys.argv = [NAME]
    runpy.run_module(NAME, run_name="__main__", alter_sys=True)
