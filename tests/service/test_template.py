"""A service that comes of a template is a process as any other."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.harness.processes import Child, Module
from tests.harness.template import Forked, Template
from tests.harness.waiting import until

APP = """
import os
from shared.operating.failpoints import failpoint
READ = os.environ.get("READ")
"""
MAIN = """
import json, os, random, signal, sys, time
from of.app import READ, failpoint
from shared.ids import new_id

number = int(os.environ["HTTP_PORT"])
opened = sorted(os.readlink(f"/proc/self/fd/{fd}") for fd in (0, 1, 2))
more = [fd for fd in os.listdir("/proc/self/fd") if int(fd) > 2]
print(json.dumps({
    "env": {key: value for key, value in os.environ.items() if key not in ("LC_CTYPE", "HTTP_PORT")},
    "read": READ,
    "opened": opened,
    "more": len(more),
    "in": os.getcwd(),
    "called": __name__,
    "signals": [str(signal.getsignal(n)) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
    "drawn": [random.random(), new_id("evt")],
}), flush=True)
failpoint("here")
match os.environ.get("END"):
    case "exit": sys.exit(3)
    case "error": raise LookupError("as it happens")
    case "stay": time.sleep(600)
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The environment in which the module `of` is found; what it prints ends in the folder."""
    (tmp_path / "of").mkdir()
    (tmp_path / "of" / "__init__.py").touch()
    (tmp_path / "of" / "app.py").write_text(APP)
    (tmp_path / "of" / "__main__.py").write_text(MAIN)
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path), "HTTP_PORT": "1"}


def fresh(env: dict[str, str], log: Path) -> Child:
    """The same without a template."""
    child = Child(sys.executable, "-m", "of", env=env, log=log)
    child.start()
    return child


async def ended(process: Forked | Child) -> int:
    """Its exit code, once there is one."""
    poll = process.poll if isinstance(process, Forked) else lambda: process.exit_code
    await until(lambda: poll() is not None, deadline=30, what="its end")
    code = poll()
    assert code is not None
    return code


def said(log: Path) -> list[dict[str, Any]]:
    """What each start printed."""
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({}, 0),
        ({"END": "exit"}, 3),
        ({"END": "error"}, 1),
        ({"FAULTS": "1", "FAULT": "here"}, -9),
        ({"FAULTS": "1", "FAULT": "elsewhere"}, 0),
    ],
)
async def test_it_has_the_environment_files_and_end_of_any_process(
    env: dict[str, str], tmp_path: Path, more: dict[str, str], code: int
) -> None:
    template = Template("of", env)
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    starts = [template.start(env | more, one), template.start(env | more, one)]
    other = fresh(env | more, two)

    codes = [*[await ended(process) for process in starts], await ended(other)]
    template.stop()

    assert codes == [code, code, code]
    assert ("LookupError: as it happens" in one.read_text()) == (more.get("END") == "error")
    first, second, third = (*said(one), *said(two))
    drawn = [each.pop("drawn") for each in (first, second, third)]
    assert len({str(value) for each in drawn for value in each}) == 6, "the same random numbers"
    assert str(one) in first["opened"]
    for each in (first, second, third):
        each["opened"] = [name.replace("two.log", "one.log") for name in each["opened"]]
    assert first == second == third


async def test_it_is_stopped_and_killed_as_any_process(env: dict[str, str], tmp_path: Path) -> None:
    template, log = Template("of", env), tmp_path / "log"
    stopped, killed, left = (template.start(env | {"END": "stay"}, log) for _ in range(3))
    await until(lambda: log.exists() and len(said(log)) == 3, what="three processes")

    stopped.terminate()
    killed.kill()

    assert await ended(stopped) == -15
    assert await ended(killed) == -9
    assert left.poll() is None
    alive = Path(f"/proc/{left.pid}/status")
    template.stop()
    await until(lambda: not alive.exists() or "(zombie)" in alive.read_text(), what="its end")


async def test_an_environment_in_which_it_would_have_imported_something_else_gets_a_new_one(
    env: dict[str, str], tmp_path: Path
) -> None:
    starts = [{}, {"READ": "else"}, {"UNREAD": "else"}, {"PYTHONHASHSEED": "1"}]
    modules = [Module("of", env | more, tmp_path) for more in starts]

    for module in modules:
        module.start()
    await asyncio.gather(*(module.wait() for module in modules))

    forked = [isinstance(module._process, Forked) for module in modules]
    assert forked == [True, False, True, False]
    assert [said(module.log)[0]["read"] for module in modules] == [None, "else", None, None]
