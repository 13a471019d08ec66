"""`python -m allinone` as a child: the whole network in one process."""

import os
import signal
import sys
from pathlib import Path

from tests.harness.processes import Child, free_port
from tests.harness.waiting import until


class Embedded:
    """`python -m allinone` on a data folder, with `more` settings."""

    def __init__(self, folder: Path, port: str = "", log: str = "run.log", **more: str) -> None:
        self.port = port or str(free_port())
        env = {
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(folder / "data"),
            "HTTP_PORT": self.port,
            **more,
        }
        self.child = Child(sys.executable, "-m", "allinone", env=env, log=folder / log)

    async def start(self) -> str:
        """Returns what it printed once it is up."""
        self.child.start()
        await until(lambda: "Ctrl-C stops" in self.printed() or not self.child.running, deadline=60)
        assert self.child.running, self.child.tail()
        return self.printed()

    def printed(self) -> str:
        return self.child.log.read_text() if self.child.log.exists() else ""

    async def stop(self) -> int:
        """Ctrl-C."""
        os.kill(self.child.pid, signal.SIGINT)
        return await self.child.wait(30)
