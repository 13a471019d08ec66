"""Every program that `python -m` starts says what it does, refuses words that it does not know, and
names what is wrong or away, without a traceback."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.operating.start import CONFIGURATION, UNAVAILABLE, USAGE
from tests.harness.network import SERVICES
from tests.harness.processes import free_port
from tests.harness.template import ROOT
from tests.unit.test_start import RIGHT
from tests.unit.test_wrong_settings import issuer_keys

# What stands behind a module that has several commands.
WORDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "services.audit": ((), ("rebuild",), ("thaw",), ("verify",), ("one-file",)),
}
# They need nothing that could be away, or run where nothing of it is.
OFFLINE = {
    ("services.audit", "verify"),
    ("services.audit", "one-file"),
    ("deploy.compose.make_secrets",),
    ("deploy.compose.make_pilot",),
    ("deploy.compose.make_token",),
    ("deploy.sbom",),
    ("services.referral.imports",),  # an agency's own machine sends with it
}
# `services` alone is for images, which hold one service; the verifier's other name is its own.
ELSEWHERE = {"services", "services.audit.verify.cli"}
SECRET = "s3cret"


def modules() -> set[str]:
    """Every module of ours that `python -m` runs."""
    found = set()
    for folder in ("services", "shared", "allinone", "deploy"):
        for file in (ROOT / folder).rglob("*.py"):
            if file.name == "__main__.py" or '__name__ == "__main__"' in file.read_text("utf-8"):
                name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
                found.add(name.removesuffix(".__main__"))
    return {name for name in found if not name.startswith("deploy.images")} - ELSEWHERE


COMMANDS = sorted((name, *words) for name in modules() for words in WORDS.get(name, ((),)))
CHECKED = [command for command in COMMANDS if command not in OFFLINE]


def run(*words: str, folder: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    ran = subprocess.run(
        [sys.executable, "-m", *words],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **env},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in ran.stdout + ran.stderr, ran.stderr
    assert SECRET not in ran.stdout + ran.stderr
    return ran


def named(command: tuple[str, ...]) -> str:
    return " ".join(command)


def test_the_programs_that_there_are() -> None:
    assert {f"services.{name}" for name in SERVICES} < modules()
    assert {command[0] for command in OFFLINE} <= modules()


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_it_says_what_it_does_and_refuses_what_it_does_not_know(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    helped = run(*command, "--help", folder=tmp_path)
    lost = run(*command, "--no-such-word", folder=tmp_path)

    assert helped.returncode == 0
    assert len(helped.stdout) > 100
    assert not helped.stderr
    # Of the verifier 1 and 2 are verdicts: it says 2, "can't tell", also to a word it doesn't know.
    assert lost.returncode == (2 if command[1:] == ("verify",) else USAGE)
    assert lost.stderr
    assert not list(tmp_path.iterdir()), "it wrote something"


@pytest.mark.parametrize("command", CHECKED, ids=named)
def test_its_check_names_what_is_missing_and_what_does_not_answer(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    if command == ("allinone",):
        well = run(*command, "--check", folder=tmp_path, HTTP_PORT=str(free_port()))
        wrong = run(*command, "--check", folder=tmp_path, HTTP_PORT="70000")
        assert (well.returncode, wrong.returncode) == (0, 1)
        assert "HTTP_PORT" in wrong.stderr
        return
    keys = tmp_path / "jwks.json"
    keys.write_text(issuer_keys())
    away = {
        **RIGHT,
        "AUTH_JWKS": str(keys),
        "AMQP_URL": f"amqp://u:{SECRET}@127.0.0.1:1",
        "MONGO_URL": f"mongodb://u:{SECRET}@127.0.0.1:1/?serverSelectionTimeoutMS=200",
        "ENVIRONMENT": "development",
        "WEB_ADDRESS": "http://127.0.0.1:1",
        "WEB_API": "http://127.0.0.1:1",
        "WEB_METADATA": "http://127.0.0.1:1/.well-known/openid-configuration",
        "WEB_CLIENT_ID": "pages",
        "WEB_CLIENT_SECRET": SECRET,
        "WEB_SESSION_KEY": base64.b64encode(bytes(32)).decode(),
    }
    needed = "WEB_METADATA" if command == ("services.web",) else "AMQP_URL"

    missing = run(*command, "--check", folder=tmp_path)
    silent = run(*command, "--check", folder=tmp_path, **away)

    assert missing.returncode == CONFIGURATION
    assert f"{needed}: is missing" in missing.stderr
    assert silent.returncode == UNAVAILABLE
    assert f"{needed} does not answer" in silent.stdout


@pytest.mark.parametrize(
    "command",
    [
        ("services.referral.retention", "plan"),
        ("services.audit", "thaw"),
        ("services.audit", "rebuild"),
        ("shared.operating.dead_letters", "list"),
    ],
    ids=named,
)
def test_a_command_says_that_what_it_needs_is_away(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    away = {
        **RIGHT,
        "AMQP_URL": f"amqp://u:{SECRET}@127.0.0.1:1",
        "MONGO_URL": f"mongodb://u:{SECRET}@127.0.0.1:1/?serverSelectionTimeoutMS=200",
    }

    ran = run(*command, folder=tmp_path, **away)

    assert ran.returncode == UNAVAILABLE
    assert "does not answer" in ran.stderr
