"""Installing RabbitMQ where it is missing, without its own service starting."""

import os
import subprocess
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")


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


def _apt_get(*words: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["apt-get", *words], env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"apt-get failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
