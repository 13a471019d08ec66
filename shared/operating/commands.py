"""Commands of operators: `--help` says what each does, `--check` whether it could, and a word that
it does not know ends it. What is away is named, without a traceback.

Exit codes are those of `shared.operating.start`.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from aio_pika.exceptions import AMQPError
from pymongo.errors import PyMongoError

from shared.messaging.bus import Unconfirmed
from shared.operating.checking import check
from shared.operating.kinds import wrong_with_keys
from shared.operating.settings import Settings
from shared.operating.start import UNAVAILABLE, USAGE, Wrong, read, refused, settings_of

AWAY = (PyMongoError, AMQPError, Unconfirmed, ConnectionError, TimeoutError)
Doing = Coroutine[Any, Any, int]


def command(
    words: Sequence[str],
    *,
    doc: str,
    able: Callable[[], Awaitable[int]],
    doing: Callable[[Sequence[str]], Doing | None],
) -> int:
    """Run one; the exit code. `doing` gives what is to be done, or None for words it does not know."""
    match list(words):
        case ["--help"] | ["-h"]:
            sys.stdout.write(f"{doc}\n")
            return 0
        case ["--check"]:
            return asyncio.run(_checked(able))
    found = doing(words)
    if found is None:
        sys.stderr.write(f"{doc}\n")
        return USAGE
    try:
        return asyncio.run(_run(found))
    except AWAY as error:  # its text may quote an address with a password
        sys.stderr.write(f"the store or the broker does not answer ({type(error).__name__})\n")
        return UNAVAILABLE


def with_settings(doc: str, kind: type[Settings]) -> str:
    """What a command says of itself, and of the settings that it shares with its service."""
    return f"{doc.strip()}\n\n{settings_of(kind)}"


async def able(name: str, kind: type[Settings]) -> int:
    """Whether a command with the settings of a service could run; the exit code."""
    try:
        settings = read(kind)
        if found := wrong_with_keys(settings.auth_jwks):
            raise Wrong([f"AUTH_JWKS: {found}"])
    except Wrong as wrong:
        return refused(name, wrong)
    return UNAVAILABLE if await check(name, settings) else 0


async def _checked(able: Callable[[], Awaitable[int]]) -> int:
    return await able()


async def _run(doing: Doing) -> int:
    return await doing
