"""The API descriptions that are committed: `make openapi` writes them, a test holds them equal."""

import base64
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import SecretStr
from pymongo import AsyncMongoClient

from services.allocation import app as allocation
from services.audit import app as audit
from services.notify import app as notify
from services.referral import app as referral
from shared.messaging.memory import MemoryBus
from shared.operating.runner import Build, Process
from shared.operating.settings import Settings

FOLDER = Path(__file__).parents[2] / "docs" / "openapi"
SERVICES = ("allocation", "audit", "notify", "referral")


def document(name: str) -> str:
    """The OpenAPI document of one service as it runs alone."""
    return json.dumps(app_of(name).openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def routes_of(app: FastAPI) -> list[APIRoute]:
    """The routes that are described."""

    routers = [getattr(route, "original_router", None) for route in app.routes]
    found = [route for router in routers if router for route in router.routes]
    return [route for route in found if isinstance(route, APIRoute) and route.include_in_schema]


@cache
def app_of(name: str) -> FastAPI:
    """The HTTP side of one service as it runs alone. Connects to nothing."""
    common: dict[str, Any] = {
        "amqp_url": SecretStr("memory:"),
        "mongo_url": SecretStr("mongodb://127.0.0.1:1"),
        "auth_jwks": "none",
        "auth_issuer": "none",
        "auth_account_key": SecretStr(base64.b64encode(bytes(32)).decode()),
    }
    key = SecretStr(base64.b64encode(bytes(96)).decode())
    builds: dict[str, tuple[Settings, Build]] = {}
    if name == "referral":
        chosen = referral.ReferralSettings(**common, referral_master_key=key, referral_pepper=key)
        builds[name] = (chosen, referral.build(chosen))
    if name == "allocation":
        plain = allocation.AllocationSettings(**common)
        builds[name] = (plain, allocation.build(plain))
    if name == "notify":
        sending = notify.NotifySettings(**common, notify_secret_key=key)
        builds[name] = (sending, notify.build(sending))
    if name == "audit":
        seed = SecretStr(base64.b64encode(bytes(32)).decode())
        reading = audit.AuditSettings(**common, audit_signing_key=seed)
        builds[name] = (reading, audit.build(reading))
    settings, build = builds[name]
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        "mongodb://127.0.0.1:1", connect=False
    )

    async def probe() -> None:
        return None

    bus = MemoryBus(client["none"]["none"], probe)
    return Process(settings, client, bus, {name: build}).app()


def path_of(name: str) -> Path:
    """Where the document of a service is kept."""
    return FOLDER / f"{name}.json"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for service in SERVICES:
        path_of(service).write_text(document(service), "utf-8")
        sys.stdout.write(f"docs/openapi/{service}.json\n")
