"""The pilot as Compose reads it. Most of its images can't be had here: nothing of it is started but the
proxy and the pages."""

import json
import shutil
from functools import partial
from pathlib import Path

import httpx2
import pytest

from deploy.compose import make_pilot, make_secrets
from tests.harness.network import SERVICES
from tests.harness.template import ROOT
from tests.harness.waiting import until
from tests.images.composed import FILES, Composed, run

PILOT = ("-f", "docker-compose.yml", "-f", "deploy/compose/pilot.yaml")
MORE = {"web", "mongo-2", "mongo-3", "keycloak", "mail"}
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
    assert set(found["services"]["web"]["depends_on"]) == {"keycloak"}
    assert found["services"]["web"]["environment"]["WEB_ADDRESS"] == "https://localhost:8443"
    assert found["services"]["web"]["environment"]["AUTH_ISSUER"].startswith(
        "https://localhost:8443/"
    )
    assert found["services"]["mongo"]["healthcheck"]["test"][-1].endswith("replica-set.js")
    assert found["services"]["mongo"]["networks"] == {"inside": {"aliases": ["mongo-1"]}}


async def test_the_pages_of_the_pilot_answer_through_its_proxy(tmp_path: Path) -> None:
    """Without Keycloak they are not ready, and still show the page that needs nobody to be signed in."""
    alone = Composed(tmp_path)
    alone.files = (*FILES[:1], "deploy/compose/pilot.yaml", *FILES[1:])
    alone.write()
    make_pilot.main(tmp_path / "secrets")
    try:
        await alone.compose("up", "--detach", "--no-build", "--no-deps", "web", "proxy")
        await until(partial(answers, alone), deadline=60, what="a page")
        page = await alone.http.get("/")
        api = await alone.http.get("/v1/referrals")
        today, ready = await alone.http.get("/today"), await alone.http.get("/readyz")
        state = await alone.inspect("web")
    finally:
        await alone.stop()

    assert "Sign in" in page.text
    assert (api.status_code, api.json()["code"]) == (503, "not_ready")
    assert (today.status_code, ready.status_code) == (303, 404)
    assert today.headers["Location"].startswith("/sign-in")
    assert state["HostConfig"]["ReadonlyRootfs"] is True
    assert len(state["NetworkSettings"]["Networks"]) == 2


async def answers(alone: Composed) -> bool:
    """Whether the first page is there."""
    try:
        return (await alone.http.get("/")).status_code == 200
    except httpx2.TransportError:
        return False
