"""`make run`: the printed lines work as printed, Ctrl-C stops it, a second start finds the data."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.harness.processes import Child, free_port
from tests.harness.waiting import until


class Embedded:
    """`python -m services` on a data folder."""

    def __init__(self, folder: Path) -> None:
        env = {
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(folder / "data"),
            "HTTP_PORT": str(free_port()),
        }
        self.child = Child(sys.executable, "-m", "services", env=env, log=folder / "run.log")

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


def shell(printed: str, script: str, folder: Path) -> str:
    """Paste the printed exports into a shell, then this script."""
    exports = "\n".join(re.findall(r"^export .*$", printed, re.MULTILINE))
    done = subprocess.run(
        ["bash", "-e"],
        input=f"{exports}\n{script}",
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def pasted(printed: str) -> str:
    """The curl lines as printed, all but the last: the trail is asked for with a deadline."""
    lines = printed[printed.index("curl -s ") : printed.index("Ctrl-C stops")]
    return lines[: lines.rindex("curl -s ")]


def posted() -> str:
    """The id of the referral that the pasted lines posted."""
    return str(json.loads(Path("/tmp/referral.json").read_text())["id"])  # noqa: S108


async def test_the_printed_lines_work_and_the_data_is_found_again(tmp_path: Path) -> None:
    embedded = Embedded(tmp_path)
    try:
        printed = await embedded.start()
        shell(printed, pasted(printed), tmp_path)
        referral_id = posted()
        base = re.findall(r"http://127\.0\.0\.1:\d+", printed)[0]
        ask = f'curl -s "{base}/v1/trail?referral_id={referral_id}" -H "Authorization: Bearer $AUDITOR"'

        started = time.monotonic()
        await until(lambda: _types(shell(printed, ask, tmp_path)) >= STEPS, deadline=10)
        print(f"the trail had it all {time.monotonic() - started:.2f} s after the curl lines")
        before = json.loads(shell(printed, ask, tmp_path))["entries"]
        # Reading the referral afterwards is a request, and a trace, of its own.
        told = [e["leaf"]["event"] for e in before if not e["type"].startswith("record.")]
        assert len({event["traceparent"].split("-")[1] for event in told}) == 1
        assert await embedded.stop() == 0
        embedded.child.log.unlink()

        printed = await embedded.start()
        after = json.loads(shell(printed, ask, tmp_path))["entries"]
        assert after[: len(before)] == before  # the end of the story may have been sealed since
        assert await embedded.stop() == 0
    finally:
        embedded.child.kill()


async def test_after_a_kill_the_referral_is_still_handled(tmp_path: Path) -> None:
    embedded = Embedded(tmp_path)
    try:
        printed = await embedded.start()
        posting = pasted(printed).partition("\nID=")[0]
        shell(printed, posting, tmp_path)
        embedded.child.kill()
        referral_id = posted()
        embedded.child.log.unlink()

        printed = await embedded.start()
        base = re.findall(r"http://127\.0\.0\.1:\d+", printed)[0]
        ask = f'curl -s "{base}/v1/trail?referral_id={referral_id}" -H "Authorization: Bearer $AUDITOR"'
        await until(lambda: _types(shell(printed, ask, tmp_path)) >= STEPS, deadline=30)
        assert await embedded.stop() == 0
    finally:
        embedded.child.kill()


STEPS = {"referral.received", "risk.assessed", "allocation.made", "notification.created"}


def _types(answer: str) -> set[str]:
    return {entry["leaf"]["event"]["type"] for entry in json.loads(answer)["entries"]}
