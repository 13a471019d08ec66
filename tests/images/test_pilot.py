"""The pilot as Compose reads it. Its images can't be had here: nothing of it is started."""

import json
import shutil
from pathlib import Path

import pytest

from deploy.compose import make_pilot, make_secrets
from tests.harness.network import SERVICES
from tests.harness.template import ROOT
from tests.images.composed import run

PILOT = ("-f", "docker-compose.yml", "-f", "deploy/compose/pilot.yaml")
MORE = {"mongo-2", "mongo-3", "keycloak", "mail"}
WATCH = {"collector", "prometheus", "grafana"}


@pytest.mark.parametrize("words", [(), ("--profile", "watch")])
async def test_compose_reads_the_pilot_and_finds_each_file(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    make_secrets.main(tmp_path / "secrets")
    make_pilot.main(tmp_path / "secrets")

    asked = ("docker", "compose", *PILOT, *words, "config", "--format", "json")
    found = json.loads(await run(*asked, cwd=tmp_path))

    usual = {*SERVICES, "rabbitmq", "mongo", "proxy"}
    assert set(found["services"]) == usual | MORE | (WATCH if words else set())
    named = {each["file"] for each in (*found["secrets"].values(), *found["configs"].values())}
    assert named <= {str(path) for path in tmp_path.rglob("*")}  # noqa: ASYNC240
    for name in SERVICES:
        service = found["services"][name]
        assert set(service["depends_on"]) == {"mongo", "rabbitmq", "keycloak"}
        assert service["read_only"] is True
        assert {s["target"] for s in service["secrets"]} >= {"mongo_url", "amqp_url", "inside.crt"}
    assert found["services"]["mongo"]["healthcheck"]["test"][-1].endswith("replica-set.js")
    assert found["services"]["mongo"]["networks"] == {"inside": {"aliases": ["mongo-1"]}}
