"""All four services in one process, on an embedded store: `make run`. Not for live cases.

`python -m allinone` serves on HTTP_PORT (8080) with its data in DATA_DIR (data); `--check` tries both.
`--mock` is for an agency's own tests: empty at each start, and a Hub that answers by itself, as the
ending of each `agency_reference` asks for (`-accepted`, `-rejected` …; docs/agencies.md).
"""

import asyncio
import contextlib
import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from allinone import sample
from allinone.embedded import AUDIENCE, ISSUER, Keys, alone, document_store
from allinone.front import one_address
from allinone.guide import Guide
from allinone.issuer import CLIENT, METADATA, YOUNG_PEOPLE, Issuer
from allinone.people import PEOPLE, YOUNG
from allinone.playing import play
from services.allocation import app as allocation
from services.audit import app as audit
from services.notify import app as notify
from services.referral import app as referral
from services.web import app as web
from services.web.settings import WebSettings
from shared.messaging.memory import MemoryBus
from shared.operating.runner import Process, mongo
from shared.operating.telemetry import set_up
from shared.web.server import bound, serve
from shared.web.tokens import issue

TOKEN_LIFETIME = 12 * 3600
# The names of the printed tokens, and whose each is.
EXPORTED = {
    "AGENCY": "school",
    "POLICE": "police",
    "WORKER": "worker",
    "MANAGER": "manager",
    "COORDINATOR": "coordinator",
    "AUDITOR": "auditor",
    "OPERATOR": "operator",
}


async def run(folder: Path, port: int, *, mock: bool = False) -> None:
    """Start everything, load the sample network, and serve until Ctrl-C; with a Hub that answers by
    itself, if that is asked for."""
    set_up("embedded", os.environ.get("LOG_LEVEL", "WARNING"))
    keys = Keys(folder / "keys")
    listening = bound("127.0.0.1", port)
    async with document_store(folder / "store") as address:
        process = compose(keys, address, port)
        server = serve(with_pages(process.app(), keys, port), settings_of(keys, address, port))
        tasks = {serving := asyncio.create_task(server.serve([listening]))}
        try:
            if await _ready(process, server):
                base, token = f"http://127.0.0.1:{port}", partial(_token, keys)
                await sample.load(base, token)
                await sample.load_young(base, token)
                if mock:
                    tasks.add(playing := asyncio.create_task(play(base, token)))
                    serving.add_done_callback(lambda _: playing.cancel())
                else:
                    await sample.load_hearing(base, token)
                print(_welcome(keys, base, folder), flush=True)
            await serving
        finally:
            server.should_exit = True
            await asyncio.wait(tasks)


def _settings(keys: Keys, address: str, port: int) -> dict[str, Any]:
    return {
        "environment": "development",
        "amqp_url": SecretStr("memory:"),
        "mongo_url": SecretStr(address),
        "http_port": port,
        "relay_lease": 5.0,  # nobody else could be publishing: a restart need not wait long
        "auth_jwks": str(keys.jwks),
        "auth_issuer": ISSUER,
        "auth_audience": AUDIENCE,
        "auth_account_key": SecretStr(keys.secret("auth_account", 32)),
    }


def settings_of(keys: Keys, address: str, port: int) -> audit.AuditSettings:
    """The settings that the whole process has, and those of the audit service."""
    signing = SecretStr(keys.secret("audit_signing", 32))
    return audit.AuditSettings(**_settings(keys, address, port), audit_signing_key=signing)


def compose(keys: Keys, address: str, port: int) -> Process:
    """All services in one process, on the store at that address and a bus in memory."""
    settings = _settings(keys, address, port)
    client = mongo(address)

    async def probe() -> None:
        await client.admin.command("ping")

    return Process(
        settings_of(keys, address, port),
        client,
        MemoryBus(client["hub_bus"]["dead_letters"], probe),
        {
            "referral": referral.build(
                referral.ReferralSettings(
                    **settings,
                    referral_master_key=SecretStr(keys.secret("referral_master", 96)),
                    referral_pepper=SecretStr(keys.secret("referral_pepper", 32)),
                )
            ),
            "allocation": allocation.build(allocation.AllocationSettings(**settings)),
            "notify": notify.build(
                notify.NotifySettings(
                    **settings, notify_secret_key=SecretStr(keys.secret("notify", 32))
                )
            ),
            "audit": audit.build(settings_of(keys, address, port)),
        },
    )


def with_pages(apis: FastAPI, keys: Keys, port: int) -> FastAPI:
    """The APIs, and pages on them with the sample people, at one address."""
    base, secret = f"http://127.0.0.1:{port}", keys.secret("web_self", 24)
    pages = web.build(
        WebSettings(
            environment="development",
            auth_issuer=ISSUER,
            web_address=base,
            web_api=base,
            web_metadata=f"{base}{METADATA}",
            web_client_id=CLIENT,
            web_self_client_id=YOUNG_PEOPLE,
            web_self_client_secret=SecretStr(secret),
            web_session_key=SecretStr(keys.secret("web_session", 32)),
        )
    )
    state, token = pages.state, partial(_token, keys)
    issuer = Issuer(base, ISSUER, PEOPLE, token, state.templates, young=YOUNG, secret=secret)
    people = issuer.app(state.settings)
    Guide(state, PEOPLE, token).add_to(people)
    return one_address(apis, pages, people, base)


async def _ready(process: Process, server: uvicorn.Server) -> bool:
    while not server.should_exit:
        if server.started and await process.ready():
            return True
        await asyncio.sleep(0.05)
    return False


def _token(keys: Keys, **claims: str) -> str:
    return issue(keys.signing, issuer=ISSUER, audience=AUDIENCE, lifetime=TOKEN_LIFETIME, **claims)


def _welcome(keys: Keys, base: str, folder: Path) -> str:
    exports = "\n".join(
        f"export {name}={_token(keys, **PEOPLE[who].claims)}" for name, who in EXPORTED.items()
    )
    return f"""
The referral network is up. Open {base} in a browser: a guide leads to a first referral,
or sign in as one of the sample people.
The API is described at {base}/docs. All of it runs on an embedded store under {folder}, for trying and
development: not for live cases.

For programs, tokens that are good for twelve hours; paste these lines into another terminal:

{exports}

Post a referral, then follow it:

curl -s {base}/v1/referrals -H "Authorization: Bearer $AGENCY" \\
  -H 'Content-Type: application/json' -H "Idempotency-Key: $(date +%s%N)" -d '{{
    "agency_reference": "SYN-'$(date +%s)'", "urgency": "immediate", "area": "northtown",
    "referrer": {{"name": "Sample Referrer", "role": "teacher", "contact": "r@school.example"}},
    "subject": {{"name": "Sample Child", "date_of_birth": "2012-05-17"}},
    "indicators": [{{"code": "missing_episodes", "recency": "current"}}],
    "settings_avoided": ["police"], "narrative": "Synthetic text."}}' | tee /tmp/referral.json
ID=$(python3 -c 'import json; print(json.load(open("/tmp/referral.json"))["id"])')
curl -s {base}/v1/referrals/$ID -H "Authorization: Bearer $AGENCY"
curl -s {base}/v1/allocations/$ID -H "Authorization: Bearer $MANAGER"
curl -s {base}/v1/notifications -H "Authorization: Bearer $AGENCY"
curl -s {base}/v1/notifications -H "Authorization: Bearer $WORKER"
curl -s "{base}/v1/trail?referral_id=$ID" -H "Authorization: Bearer $AUDITOR" | python3 -m json.tool

Ctrl-C stops it; the data stays under {folder}.
"""


if __name__ == "__main__":
    if sys.argv[1:] in (["--help"], ["-h"]):
        print(__doc__)
        sys.exit(0)
    if sys.argv[1:] not in ([], ["--check"], ["--mock"]):
        print(__doc__, file=sys.stderr)
        sys.exit(64)
    folder, port = os.environ.get("DATA_DIR", "data"), os.environ.get("HTTP_PORT", "8080")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        sys.exit(f"HTTP_PORT: {port!r} is no port; expected 1 to 65535")
    try:
        if sys.argv[1:] == ["--mock"]:
            with tempfile.TemporaryDirectory() as own, contextlib.suppress(KeyboardInterrupt):
                asyncio.run(run(Path(own), int(port), mock=True))
            sys.exit(0)
        if sys.argv[1:]:
            with alone(Path(folder)):
                bound("127.0.0.1", int(port)).close()
            print(f"ok     DATA_DIR {folder}\nok     HTTP_PORT {port}")
            sys.exit(0)
        with contextlib.suppress(KeyboardInterrupt), alone(Path(folder)):
            asyncio.run(run(Path(folder), int(port)))
    except RuntimeError as error:
        sys.exit(str(error))
