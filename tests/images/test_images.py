"""What the images of services and pages hold, and what they need: by the engine that runs them."""

import json
from typing import Any

import pytest

from shared.operating.start import CONFIGURATION
from tests.harness.network import SERVICES
from tests.images.composed import VERSION, image, run

MEGABYTES = 300
LACKED = {
    **dict.fromkeys(SERVICES, ("amqp_url", "mongo_url", "auth_jwks", "auth_account_key")),
    "web": ("auth_issuer", "web_address", "web_api", "web_metadata", "web_session_key"),
}
every_service = pytest.mark.parametrize("service", LACKED)
LOCKED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network")
LIST = """
import pathlib, json
print(json.dumps(sorted({str(p.relative_to("/app")) for p in pathlib.Path("/app").rglob("*")
                         if p.is_file() and p.suffix != ".pyc"})))
"""
WRITABLE = """
import os, json
kernel = ("/proc", "/sys", "/dev")
found = [d for d, _, _ in os.walk("/") if os.access(d, os.W_OK) and not d.startswith(kernel)]
print(json.dumps(found))
"""


async def inspected(service: str) -> dict[str, Any]:
    (found,) = json.loads(await run("docker", "image", "inspect", image(service)))
    return dict(found)


async def python(service: str, code: str, *options: str) -> str:
    return await run("docker", "run", "--rm", *options, image(service), "python", "-c", code)


@every_service
async def test_an_image_holds_its_own_service_and_what_all_share(service: str) -> None:
    files = json.loads(await python(service, LIST))

    own = {"services/__init__.py", "services/__main__.py"}
    strange = [file for file in files if not file.startswith(("shared/", f"services/{service}/"))]
    assert set(strange) == own
    assert f"services/{service}/app.py" in files


@every_service
async def test_an_image_is_small_says_what_it_is_and_runs_as_nobody(service: str) -> None:
    found = await inspected(service)
    labels = found["Config"]["Labels"]

    assert found["Size"] < MEGABYTES * 1e6
    assert labels["org.opencontainers.image.version"] == VERSION
    assert labels["org.opencontainers.image.revision"] != "unknown"
    assert found["Config"]["User"] == "10001:10001"
    assert found["Config"]["StopSignal"] == "SIGTERM"
    assert not [word for word in found["Config"]["Env"] if "KEY" in word or "URL" in word]


@every_service
async def test_nothing_of_the_machine_that_built_it_is_in_an_image(service: str) -> None:
    """Neither the settings of its package installer nor an installer: nothing is added later."""
    code = (
        "import os, importlib.util; print(os.path.exists('/etc/pip.conf') and os.path.getsize("
        "'/etc/pip.conf') or 0, importlib.util.find_spec('pip'))"
    )

    assert (await python(service, code)).split() == ["0", "None"]
    history = await run("docker", "history", "--no-trunc", image(service))
    assert "index-url" not in history
    assert "://" not in history.replace("http://127.0.0.1:8000/livez", "")


@every_service
async def test_no_folder_of_an_image_can_be_written_to_but_tmp(service: str) -> None:
    found = json.loads(await python(service, WRITABLE, *LOCKED, "none", "--tmpfs", "/tmp"))  # noqa: S108

    assert found == ["/tmp"]  # noqa: S108


@every_service
async def test_a_service_starts_without_a_shell_and_names_the_settings_it_lacks(
    service: str,
) -> None:
    """`/dev/null` stands in the shell's place: whoever starts it is refused."""
    covered = ("-v", "/dev/null:/usr/bin/dash:ro", "-v", "/dev/null:/usr/bin/bash:ro")
    with pytest.raises(AssertionError) as ended:
        await run("docker", "run", "--rm", *LOCKED, "none", *covered, image(service))

    said = str(ended.value)
    assert f"ended with {CONFIGURATION}" in said
    for name in LACKED[service]:
        assert name in said.lower()
