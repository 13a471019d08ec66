"""Whether what a service needs answers, one line for each: `--check`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import aio_pika

from shared.operating.runner import mongo
from shared.operating.settings import Settings
from shared.web.issuer_keys import Keys

SECONDS = 10


async def check(name: str, settings: Settings) -> int:
    """Print what answers and what does not; how many do not."""
    return await tried(
        name,
        {
            "store": ("MONGO_URL", partial(_store, settings)),
            "broker": ("AMQP_URL", partial(_broker, settings)),
            "issuer": ("AUTH_JWKS", partial(_issuer, settings)),
        },
    )


async def tried(name: str, probes: Mapping[str, tuple[str, Callable[[], Awaitable[None]]]]) -> int:
    """The same for these: what it is, the setting that names it, and what raises where it is away."""
    failed = 0
    sys.stdout.write(f"ok     settings of {name}\n")
    for what, (setting, probe) in probes.items():
        try:
            async with asyncio.timeout(SECONDS):
                await probe()
        except Exception as error:  # its text may quote an address with a password
            failed += 1
            sys.stdout.write(f"wrong  {what}: {setting} does not answer ({type(error).__name__})\n")
        else:
            sys.stdout.write(f"ok     {what}\n")
    return failed


async def _store(settings: Settings) -> None:
    async with mongo(settings.mongo_url.get_secret_value()) as client:
        database = client[settings.mongo_database] if settings.mongo_database else client.admin
        await database.command("ping")


async def _broker(settings: Settings) -> None:
    connection = await aio_pika.connect(settings.amqp_url.get_secret_value(), timeout=SECONDS)
    await connection.close()


async def _issuer(settings: Settings) -> None:
    await Keys(settings.auth_jwks, settings.auth_issuer).get()
