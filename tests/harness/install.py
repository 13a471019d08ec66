"""What the tests need of Debian's packages: RabbitMQ installed, without its own service starting;
others unpacked into a folder, so that nothing of them is installed."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

POLICY = Path("/usr/sbin/policy-rc.d")
UNPACKED = Path(__file__).parents[2] / ".venv" / "packages"


def install_rabbitmq() -> None:
    """`apt-get install rabbitmq-server`. Fails with what apt-get printed."""
    # Debian starts a service as it is installed, open on every interface: 101 says don't.
    policy_is_ours = not POLICY.exists()
    if policy_is_ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        _apt_get("update")  # a fresh machine has no lists, or old ones
        _apt_get("install", "-y", "--no-install-recommends", "rabbitmq-server")
    finally:
        if policy_is_ours:
            POLICY.unlink()


def unpacked(package: str, *more: str) -> Path:
    """The folder with this package and what it needs, as they lie in Debian; made once. Where there
    is no apt-get the test is skipped and says so; in CI that is a failure."""
    folder = UNPACKED / package
    if folder.exists():
        return folder
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        assert not os.environ.get("CI"), f"CI must have {package}, and there is no apt-get as root"
        pytest.skip(f"{package} is not here, and there is no apt-get as root to fetch it with")
    UNPACKED.mkdir(parents=True, exist_ok=True)
    with (UNPACKED / "lock").open("w") as lock:
        fcntl.flock(
            lock, fcntl.LOCK_EX
        )  # another worker of the run may be at it: apt-get won't wait
        if not folder.exists():
            _unpack(folder, package, *more)
    return folder


def _unpack(folder: Path, *packages: str) -> None:
    _apt_get("update")
    asked = _apt_get("install", "--simulate", "--no-install-recommends", *packages)
    names = [line.split()[1] for line in asked.splitlines() if line.startswith("Inst ")]
    with tempfile.TemporaryDirectory(dir=UNPACKED) as work:
        _apt_get("download", *(names or packages), cwd=work)
        for file in Path(work).glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(file), f"{work}/root"], check=True)
        Path(work, "root").rename(folder)


def install_chromium() -> None:
    """`apt-get install chromium`. Fails with what apt-get printed."""
    _apt_get("update")
    _apt_get("install", "-y", "--no-install-recommends", "chromium")


def _apt_get(*words: str, cwd: str | None = None) -> str:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["apt-get", *words], env=environment, cwd=cwd, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"apt-get failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout
