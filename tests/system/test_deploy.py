"""The deployment files, read by the tools of their formats. No container runs here."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from shared.operating.start import CONFIGURATION
from tests.harness.network import SERVICES

ROOT = Path(__file__).parents[2]


def tool(name: str) -> str:
    """A program of the development environment, or of this machine."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    found = shutil.which(name, path=path)
    assert found, f"{name} is missing: requirements/dev.txt brings it"
    return found


def render(folder: str) -> list[Any]:
    command = [tool("kubectl"), "kustomize", str(ROOT / "deploy" / "k8s" / folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return [each for each in yaml.safe_load_all(ran.stdout) if each]


@pytest.mark.parametrize("file", ["Dockerfile", "deploy/images/store.Dockerfile"])
def test_hadolint_finds_nothing_in_a_dockerfile(file: str) -> None:
    ran = subprocess.run(
        [tool("hadolint"), file], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_compose_file_meets_the_compose_specification() -> None:
    package = importlib.metadata.distribution("check-jsonschema")
    path = package.locate_file("check_jsonschema/builtin_schemas/vendor/compose-spec.json")
    schema = json.loads(Path(str(path)).read_text("utf-8"))
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))

    jsonschema.validate(document, schema)


@pytest.mark.parametrize("folder", ["base", "overlays/dev"])
def test_every_rendered_object_meets_the_schema_of_kubernetes(folder: str) -> None:
    rendered = render(folder)

    for each in rendered:
        kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)
        assert each["metadata"].get("namespace", "hub-and-spoke") == "hub-and-spoke"
    deployed = {each["metadata"]["name"] for each in rendered if each["kind"] == "Deployment"}
    assert deployed == set(SERVICES)


def test_every_rendered_reference_to_a_config_map_is_to_one_that_is_there() -> None:
    rendered = render("overlays/dev")
    made = {each["metadata"]["name"] for each in rendered if each["kind"] == "ConfigMap"}

    wanted = set(_named(rendered, "configMapRef")) | set(_named(rendered, "configMap"))

    # The issuer's keys are given by whoever deploys: docs/operating.md.
    assert wanted == made | {"jwks"}


def _named(node: Any, key: str) -> list[str]:
    if isinstance(node, list):
        return [name for each in node for name in _named(each, key)]
    if not isinstance(node, dict):
        return []
    here = [node[key]["name"]] if isinstance(node.get(key), dict) else []
    return here + [name for each in node.values() for name in _named(each, key)]


def test_a_service_starts_from_what_its_image_holds(tmp_path: Path) -> None:
    running = {}
    for service in SERVICES:
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
        assert "MONGO_URL: is missing" in output


def _copy(path: str, image: Path) -> None:
    target = image / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if (ROOT / path).is_dir():
        shutil.copytree(ROOT / path, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(ROOT / path, target)
