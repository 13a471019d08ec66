"""RabbitMQ installed on this machine, as a node of this run only: own name, ports, folder, epmd."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.harness.processes import Child, free_port
from tests.harness.waiting import until

# Called directly: Debian's wrapper in /usr/sbin would switch to the user rabbitmq.
DEBIAN = Path("/usr/lib/rabbitmq/bin")
LOOPBACK = "-kernel inet_dist_use_interface {127,0,0,1}"
# A lost dead-lettering is tried again after 3 s instead of 3 min.
FASTER = "[{rabbit, [{dead_letter_worker_publisher_confirm_timeout, 3000}]}].\n"


@dataclass(frozen=True)
class Installation:
    """Where the scripts are, and which version they say they are."""

    scripts: Path
    version: str

    @property
    def describe(self) -> str:
        return f"RabbitMQ {self.version}, private node"


def installed() -> Installation | None:
    """RabbitMQ's scripts on this machine, if they are here."""
    found = DEBIAN / "rabbitmq-server"
    if not found.exists():
        on_path = shutil.which("rabbitmq-server")
        if on_path is None or shutil.which("epmd") is None:
            return None
        found = Path(on_path)
    version = re.search(r"rabbitmq(?:_server-|/)(\d[\d.]*\d)", str(found.resolve()))
    return Installation(found.parent, version[1] if version else "of unknown version")


class PrivateNode:
    """One Erlang VM and one epmd, both children of the run, both on the loopback only.

    `conf`: more lines of rabbitmq.conf; `erlang`: more arguments of the VM and of its commands.
    """

    ours = True

    def __init__(
        self, installation: Installation, folder: Path, conf: str = "", erlang: str = ""
    ) -> None:
        self.describe = installation.describe
        self._scripts, self._folder = installation.scripts, folder
        self._port, self._epmd_port = free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self._port}/"
        self._conf, self._erlang = conf, f"{LOOPBACK} {erlang}"
        self._log = folder / "node.log"
        self._env = self._environment()
        epmd = str(shutil.which("epmd"))
        self._epmd = Child(epmd, env=self._env, log=folder / "epmd.log", cwd=folder)
        server = str(self._scripts / "rabbitmq-server")
        self._vm = Child(server, env=self._env, log=self._log, cwd=folder)

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "enabled_plugins").write_text("[].\n")
        (folder / "advanced.config").write_text(FASTER)
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.local = 127.0.0.1:{self._port}\nlog.console = true\nlog.file = false\n"
            f"{self._conf}\n"
        )
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(folder),  # with the node's own Erlang cookie
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"test-{os.getpid()}-{self._port}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": self._erlang,
            "RABBITMQ_CTL_ERL_ARGS": self._erlang,
            # The script then becomes the Erlang VM instead of its parent: its pid is ours to kill.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    async def start(self) -> None:
        if not self._epmd.running:
            self._epmd.start()
        self._vm.start()
        try:
            await until(self._up_or_dead, deadline=60, what="RabbitMQ being up")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._vm.tail()}") from None
        assert self._vm.running, f"RabbitMQ ended with {self._vm.exit_code}:\n{self._vm.tail()}"

    def _up_or_dead(self) -> bool:
        if not self._vm.running:
            return True
        # Listeners come last in the boot, so an answer to the protocol header means ready.
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as probe:
                probe.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(probe.recv(1))
        except OSError:
            return False

    async def kill(self) -> None:
        self._vm.kill()

    async def stop(self) -> None:
        self._vm.kill()  # nothing of the run is kept: no need to be gentle
        self._epmd.kill()

    async def ctl(self, *arguments: str) -> str:
        command = [str(self._scripts / "rabbitmqctl"), "--quiet", *arguments]
        done = await asyncio.to_thread(
            subprocess.run, command, env=self._env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{arguments} failed: {done.stdout}{done.stderr}"
        return str(done.stdout)
