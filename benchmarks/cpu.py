"""How much processor time processes have used (Linux, proc_pid_stat(5))."""

import os
from pathlib import Path

from tests.harness.broker import Broker, evaluate
from tests.harness.mongo import ChildMongo, Mongo
from tests.harness.network import Network
from tests.harness.node import PrivateNode

TICK = 1000 / os.sysconf("SC_CLK_TCK")  # milliseconds


def used(pid: int) -> float:
    """Milliseconds that a process and all its children have used, those that have ended too."""
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").glob("*/children")
        for child in task.read_text("ascii").split()
    ]
    return _own(pid, with_ended_children=True) + sum(used(child) for child in children)


def used_alone(pid: int) -> float:
    """Milliseconds that a process has used, without its children."""
    return _own(pid, with_ended_children=False)


def _own(pid: int, *, with_ended_children: bool) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
    # After the name, which may hold anything: from the third field on. utime, stime, cutime, cstime.
    fields = stat.rpartition(")")[2].split()[11:15]
    return TICK * sum(int(field) for field in fields[: 4 if with_ended_children else 2])


class Meter:
    """The processes of a network. A store or broker that isn't ours is left out."""

    def __init__(self, network: Network) -> None:
        self._pids = {name: module.pid for name, module in network.modules.items()}

    async def add(self, store: Mongo, broker: Broker) -> "Meter":
        """Also these, where they are children of this run."""
        if isinstance(store, ChildMongo):
            self._pids["store"] = store.child.pid
        if isinstance(broker, PrivateNode):
            self._pids["broker VM"] = int((await evaluate(broker, "os:getpid().")).strip('"'))
        return self

    def read(self) -> dict[str, float]:
        """Milliseconds by process, and of the benchmark itself."""
        return {
            **{name: used(pid) for name, pid in self._pids.items()},
            "benchmark": used_alone(os.getpid()),
        }
