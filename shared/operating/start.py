"""The start of a service or command: all that is wrong with its settings is said, and it ends.

Exit codes are those of sysexits.h: 64 usage, 69 something that is needed does not answer, 78 a
setting is wrong.
"""

import argparse
import asyncio
import re
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, start_http_server
from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError

from shared.messaging.rabbit import RabbitBus
from shared.messaging.topology import Topology
from shared.operating import failpoints
from shared.operating.checking import check
from shared.operating.kinds import EMBEDDED, wrong_with_keys
from shared.operating.runner import Build, Process, mongo
from shared.operating.settings import SECRETS, HttpSettings, Settings
from shared.operating.telemetry import log, set_up
from shared.web.server import bound, serve

VERSION = "0.1.0"
USAGE, UNAVAILABLE, CONFIGURATION = 64, 69, 78
READ_MORE = "docs/operating.md says what each setting is."

S = TypeVar("S", bound=Settings)
H = TypeVar("H", bound=HttpSettings)


class Wrong(Exception):
    """Settings with which nothing can start: a line for each."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = list(lines)


def read(kind: type[H]) -> H:
    """The settings of this process. Raises `Wrong`."""
    try:
        return kind()
    except ValidationError as error:
        raise Wrong([_line(each) for each in error.errors(include_input=False)]) from None
    except SettingsError as error:
        named = re.search(r'field "(\w+)"', str(error))
        name = named[1].upper() if named else "a setting"
        raise Wrong([f"{name}: can't be read; a list is written as JSON: [5, 60, 600]"]) from None


def read_or_end(kind: type[H]) -> H:
    """The settings of a command. Ends the process if they are wrong, saying how."""
    try:
        return read(kind)
    except Wrong as wrong:
        sys.exit(refused("this command", wrong))


def refused(what: str, wrong: Wrong) -> int:
    """Say what is wrong; the exit code."""
    one = len(wrong.lines) == 1
    number = "a setting is" if one else f"{len(wrong.lines)} settings are"
    lines = "".join(f"  {line}\n" for line in wrong.lines)
    sys.stderr.write(f"{what} does not start, {number} wrong:\n{lines}{READ_MORE}\n")
    return CONFIGURATION


def start(
    name: str, kind: type[S], build: Callable[[S], Build], words: Sequence[str] | None = None
) -> int:
    """Run a service until it is told to end, or `--check` it; the exit code."""

    def ready(settings: S) -> Callable[[], FastAPI]:
        return partial(_process, name, settings, _built(settings, build))

    return _start(name, kind, ready, partial(check, name), words)


def start_pages(
    name: str,
    kind: type[H],
    build: Callable[[H], FastAPI],
    check: Callable[[H], Coroutine[Any, Any, int]],
    words: Sequence[str] | None = None,
) -> int:
    """The same for what has neither store nor broker. `check` says what it has tried."""
    return _start(name, kind, lambda settings: partial(build, settings), check, words)


def _start(
    name: str,
    kind: type[H],
    ready: Callable[[H], Callable[[], FastAPI]],
    check: Callable[[H], Coroutine[Any, Any, int]],
    words: Sequence[str] | None,
) -> int:
    asked = _asked(name, kind, sys.argv[1:] if words is None else words)
    try:
        settings = read(kind)
        made = ready(settings)
        if asked.check:
            return UNAVAILABLE if asyncio.run(check(settings)) else 0
        scraped = CollectorRegistry()
        listening = _listening(settings, scraped)
    except Wrong as wrong:
        return refused(name, wrong)
    asyncio.run(_serve(name, settings, made, listening, scraped))
    return 0


def _asked(name: str, kind: type[HttpSettings], words: Sequence[str]) -> argparse.Namespace:
    given = argparse.ArgumentParser(
        prog=f"python -m services.{name}",
        description=f"Run the {name} service.",
        epilog=settings_of(kind),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    said = (
        "try the settings, the store, the broker and the issuer's keys, and end: 0 if all are well"
    )
    given.add_argument("--check", action="store_true", help=said)
    try:
        return given.parse_args(words)
    except SystemExit as end:
        raise SystemExit(USAGE if end.code else 0) from None


def settings_of(kind: type[HttpSettings]) -> str:
    """Every setting on a line of its own, with its default."""
    lines = []
    for name, field in sorted(kind.model_fields.items()):
        default = field.get_default()
        secret = ", secret" if field.annotation is SecretStr else ""
        shown = "required" if field.is_required() else f"default {_shown(default)}"
        lines.append(f"  {name.upper():32}{shown}{secret}")
    where = f"Settings come from the environment, or from files of the same name in {SECRETS}."
    return "\n".join([f"{where} {READ_MORE}", "", *lines])


def told(settings: HttpSettings) -> dict[str, Any]:
    """The settings as the log has them: no secret, and of a text that may hold one (a user and
    password, or a question, in an address) only that it is there."""
    return {
        name.upper(): "(set)" if isinstance(value, str) and set("@?") & set(value) else value
        for name, value in settings.model_dump(mode="json").items()
        if not isinstance(getattr(settings, name), SecretStr)
    }


def _shown(default: Any) -> str:
    text = default.get_secret_value() if isinstance(default, SecretStr) else default
    return "none" if text in (None, "") else str(text)


def _line(error: Any) -> str:
    field = str(error["loc"][0]) if error["loc"] else ""
    said = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "missing":
        said = "is missing"
    if not field:
        return said
    place = error["loc"][1] if len(error["loc"]) > 1 else ""  # of a list; a name may be anything
    inner = f" (number {place + 1})" if isinstance(place, int) else ""
    return f"{field.upper()}{inner}: {said[:1].lower()}{said[1:]}"


def _built(settings: S, build: Callable[[S], Build]) -> Build:
    found = wrong_with_keys(settings.auth_jwks)
    lines = [f"AUTH_JWKS: {found}"] if found else []
    if settings.amqp_url.get_secret_value() == EMBEDDED:
        lines.append("AMQP_URL: begins otherwise; expected amqp:// or amqps://")
    try:
        made = build(settings)
    except (ValueError, OSError) as error:  # of a policy file: where, and nothing secret
        raise Wrong([*lines, *(str(error).splitlines() or [type(error).__name__])]) from None
    if lines:
        raise Wrong(lines)
    return made


def _listening(settings: HttpSettings, scraped: CollectorRegistry) -> socket.socket:
    """The socket of the service. Its metrics are on their own port from now on, so that nobody who
    may call the service can read them, and a busy service still answers."""
    host, port = settings.http_host, settings.metrics_port
    try:
        listening = bound(host, settings.http_port)
        if port:
            bound(host, port, "METRICS_PORT").close()
            start_http_server(port, host, scraped)
    except (RuntimeError, OSError) as error:
        raise Wrong([str(error)]) from None
    return listening


async def _serve(
    name: str,
    settings: HttpSettings,
    made: Callable[[], FastAPI],
    listening: socket.socket,
    scraped: CollectorRegistry,
) -> None:
    """One service on this socket, until SIGTERM or SIGINT."""
    if failpoints.armed() and settings.environment != "development":
        raise SystemExit("FAULTS is set outside development")
    set_up(name, settings.log_level, scraped=scraped if settings.metrics_port else None)
    host, port = listening.getsockname()[:2]
    log.info(
        "start", service=name, version=VERSION, address=f"{host}:{port}", settings=told(settings)
    )
    await serve(made(), settings).serve([listening])


def _process(name: str, settings: Settings, build: Build) -> FastAPI:
    """One service against AMQP_URL and MONGO_URL."""
    client = mongo(settings.mongo_url.get_secret_value())

    async def probe() -> None:
        await client.admin.command("ping")

    topology = Topology(prefix=settings.bus_prefix, retry_delays=settings.retry_delays)
    bus = RabbitBus(settings.amqp_url.get_secret_value(), name, probe, topology)
    return Process(settings, client, bus, {name: build}).app()
