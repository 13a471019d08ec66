"""The deployment files, read by the tools of their formats. No container runs here."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from shared.operating.start import CONFIGURATION
from tests.harness.install import unpacked
from tests.harness.network import SERVICES

ROOT = Path(__file__).parents[2]


def tool(name: str) -> str:
    """A program of the development environment, or of this machine."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    found = shutil.which(name, path=path)
    assert found, f"{name} is missing: requirements/dev.txt brings it"
    return found


@pytest.mark.parametrize("file", ["Dockerfile", "deploy/images/store.Dockerfile"])
def test_hadolint_finds_nothing_in_a_dockerfile(file: str) -> None:
    ran = subprocess.run(
        [tool("hadolint"), file], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("file", ["docker-compose.yml", "deploy/compose/pilot.yaml"])
def test_the_compose_file_meets_the_compose_specification(file: str) -> None:
    package = importlib.metadata.distribution("check-jsonschema")
    path = package.locate_file("check_jsonschema/builtin_schemas/vendor/compose-spec.json")
    schema = json.loads(Path(str(path)).read_text("utf-8"))
    document = yaml.safe_load((ROOT / file).read_text("utf-8"))

    jsonschema.validate(document, schema)


def test_prometheus_reads_its_settings_and_every_alarm(tmp_path: Path) -> None:
    promtool = unpacked("prometheus") / "usr" / "bin" / "promtool"
    alarms = ROOT / "deploy" / "alarms"
    settings = (ROOT / "deploy" / "watch" / "prometheus.yaml").read_text("utf-8")
    (tmp_path / "prometheus.yaml").write_text(
        settings.replace("/etc/prometheus/alarms", str(alarms))
    )

    ran = subprocess.run(
        [str(promtool), "check", "config", str(tmp_path / "prometheus.yaml")],
        capture_output=True,
        text=True,
        check=False,
    )

    said = ran.stdout + ran.stderr
    assert ran.returncode == 0, said
    assert said.count(" rules found") == len([*alarms.glob("*.yaml")]), said


def test_a_service_starts_from_what_its_image_holds(tmp_path: Path) -> None:
    running = {}
    for service in (*SERVICES, "web"):
        image = tmp_path / service
        _copy("shared", image)
        _copy("services/__init__.py", image)
        _copy(f"services/{service}", image)
        running[service] = subprocess.Popen(
            [sys.executable, "-m", f"services.{service}"],
            cwd=image,
            env={"PATH": os.environ["PATH"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    for service, process in running.items():
        output, _ = process.communicate(timeout=60)
        # It has imported everything and asks for its settings, which nobody gave it.
        assert process.returncode == CONFIGURATION, output
        assert f"{service} does not start" in output
        assert f"{'WEB_ADDRESS' if service == 'web' else 'MONGO_URL'}: is missing" in output


def _copy(path: str, image: Path) -> None:
    target = image / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if (ROOT / path).is_dir():
        shutil.copytree(ROOT / path, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(ROOT / path, target)
