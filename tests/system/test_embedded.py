"""`make run`: the printed lines work as printed, Ctrl-C stops it, a second start finds the data."""

import json
import re
import subprocess
import time
from pathlib import Path

from tests.harness.embedded import Embedded
from tests.harness.waiting import until


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

        rebound = f'curl -s -o /dev/null -w "%{{http_code}}" -H "Host: evil.example" {base}/'
        assert shell(printed, rebound, tmp_path) == "421", (
            "a name that leads here is not this address"
        )

        started = time.monotonic()
        await until(lambda: _types(shell(printed, ask, tmp_path)) >= STEPS, deadline=10)
        print(f"the trail had it all {time.monotonic() - started:.2f} s after the curl lines")
        before = json.loads(shell(printed, ask, tmp_path))["entries"]
        events = [e["leaf"]["event"] for e in before]
        # Looking at a record or an inbox is a request, and so a trace, of its own.
        looks = ("record.viewed", "notification.delivered")
        caused = [e for e in events if e["type"] not in looks]
        assert len({e["traceparent"].split("-")[1] for e in caused}) == 1
        assert await embedded.stop() == 0
        embedded.child.log.unlink()

        printed = await embedded.start()
        found = json.loads(shell(printed, ask, tmp_path))["entries"]
        assert found[: len(before)] == before
        assert await embedded.stop() == 0
    finally:
        embedded.child.kill()


async def test_a_second_one_on_the_folder_or_the_port_says_so_and_ends(tmp_path: Path) -> None:
    first = Embedded(tmp_path)
    printed = await first.start()
    same_folder = Embedded(tmp_path, log="second.log")
    same_port = Embedded(tmp_path / "other", first.port)
    no_port = Embedded(tmp_path / "none", "eighty")

    for other in (same_folder, same_port, no_port):
        other.child.start()
        assert await other.child.wait(30) == 1

    assert f"under {tmp_path / 'data'}" in printed
    assert f"another network runs on {tmp_path / 'data'} already" in same_folder.printed()
    assert f"HTTP_PORT: {first.port} at 127.0.0.1 (HTTP_HOST) is taken" in same_port.printed()
    assert "HTTP_PORT: 'eighty' is no port" in no_port.printed()
    assert first.child.running
    assert await first.stop() == 0


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
