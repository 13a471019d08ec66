"""List, replay and discard dead letters: `python -m shared.operating.dead_letters list | show ID |
replay ID | discard ID | --check`.

With AMQP_URL: those of RabbitMQ. Without: those of the embedded network under ./data, which
handles a replayed one while it runs. Bodies hold codes and ids only; reasons never quote a record.
What is discarded here is in no entry: `POST /v1/dead-letters/ID/discard` says who did it, and why.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from shared.messaging.bus import Bus, DeadLetter
from shared.messaging.memory import MemoryBus
from shared.messaging.rabbit import RabbitBus
from shared.messaging.topology import Topology
from shared.operating.checking import SECONDS
from shared.operating.commands import Doing, command
from shared.operating.kinds import broker_at
from shared.operating.runner import mongo
from shared.operating.settings import SECRETS
from shared.operating.start import UNAVAILABLE, Wrong, refused


def main(words: Sequence[str]) -> int:
    """Run one command. The exit code: 0 done, 1 nothing found, and those of `start`."""
    return command(words, doc=(__doc__ or "").strip(), able=_able, doing=_doing)


def _doing(words: Sequence[str]) -> Doing | None:
    match list(words):
        case ["list"]:
            return _list()
        case ["show", message_id]:
            return _show(message_id)
        case ["replay", message_id]:
            return _replay(message_id)
        case ["discard", message_id]:
            return _discard(message_id)
    return None


async def _list() -> int:
    letters = await _bus().dead_letters()
    sys.stdout.writelines(f"{line(letter)}\n" for letter in letters)
    return 0


async def _show(message_id: str) -> int:
    found = [x for x in await _bus().dead_letters(10_000) if x.message_id == message_id]
    sys.stdout.writelines(f"{line(x)}\n{x.body.decode(errors='replace')}\n" for x in found)
    return 0 if found else 1


async def _replay(message_id: str) -> int:
    count = await _bus().replay(message_id)
    sys.stdout.write(f"{count} given back to their queues\n")
    return 0 if count else 1


async def _discard(message_id: str) -> int:
    count = await _bus().discard(message_id)
    sys.stdout.write(f"{count} discarded\n")
    return 0 if count else 1


async def _able() -> int:
    bus, where = _bus(), "AMQP_URL" if _url() else "DATA_DIR"
    try:
        async with asyncio.timeout(SECONDS):
            await bus.dead_letters(1)
    except Exception as error:  # its text may quote an address with a password
        sys.stdout.write(f"wrong  {where} does not answer ({type(error).__name__})\n")
        return UNAVAILABLE
    sys.stdout.write(f"ok     {where}\n")
    return 0


def _url() -> str:
    """From the environment, or from the file that an image is given."""
    file = SECRETS / "amqp_url"
    return os.environ.get("AMQP_URL") or (file.read_text("utf-8").strip() if file.is_file() else "")


def line(letter: DeadLetter) -> str:
    """One dead letter on one line."""
    since = letter.since.isoformat(timespec="seconds") if letter.since else "?"
    return f"{since}  {letter.queue}  {letter.type}  {letter.message_id}  {letter.reason}"


def _bus() -> Bus:
    async def probe() -> None:
        return None

    if url := _url():
        prefix = os.environ.get("BUS_PREFIX", "")
        try:
            return RabbitBus(broker_at(url), "deadletters", probe, Topology(prefix=prefix))
        except ValueError as error:
            sys.exit(refused("this command", Wrong([f"AMQP_URL: {error}"])))
    address = Path(os.environ.get("DATA_DIR", "data")) / "store.address"
    if not address.exists():
        said = "AMQP_URL: is missing; or start the embedded network with `make run` first"
        sys.exit(refused("this command", Wrong([said])))
    return MemoryBus(mongo(address.read_text("utf-8"))["hub_bus"]["dead_letters"], probe)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
