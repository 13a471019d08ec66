"""List and replay dead letters: `python -m shared.operating.dead_letters list | show ID | replay ID`.

With AMQP_URL: those of RabbitMQ. Without: those of the embedded network under ./data, which
handles a replayed one while it runs. Bodies hold codes and ids only; reasons never quote a record.
"""

import asyncio
import os
import sys
from pathlib import Path

from shared.messaging.bus import Bus, DeadLetter
from shared.messaging.memory import MemoryBus
from shared.messaging.rabbit import RabbitBus
from shared.messaging.topology import Topology
from shared.operating.kinds import broker_at
from shared.operating.runner import mongo


async def main(words: list[str]) -> int:
    """Run one command. Returns the exit code: 0 done, 1 nothing found, 2 usage."""
    match words:
        case ["list"]:
            letters = await _bus().dead_letters()
            sys.stdout.writelines(f"{line(letter)}\n" for letter in letters)
            return 0
        case ["show", message_id]:
            found = [x for x in await _bus().dead_letters(10_000) if x.message_id == message_id]
            sys.stdout.writelines(f"{line(x)}\n{x.body.decode(errors='replace')}\n" for x in found)
            return 0 if found else 1
        case ["replay", message_id]:
            count = await _bus().replay(message_id)
            sys.stdout.write(f"{count} given back to their queues\n")
            return 0 if count else 1
        case _:
            sys.stderr.write((__doc__ or "") + "\n")
            return 2


def line(letter: DeadLetter) -> str:
    """One dead letter on one line."""
    since = letter.since.isoformat(timespec="seconds") if letter.since else "?"
    return f"{since}  {letter.queue}  {letter.type}  {letter.message_id}  {letter.reason}"


def _bus() -> Bus:
    async def probe() -> None:
        return None

    if url := os.environ.get("AMQP_URL"):
        prefix = os.environ.get("BUS_PREFIX", "")
        try:
            return RabbitBus(broker_at(url), "deadletters", probe, Topology(prefix=prefix))
        except ValueError as error:
            raise SystemExit(f"AMQP_URL: {error}") from None
    address = Path(os.environ.get("DATA_DIR", "data")) / "store.address"
    if not address.exists():
        raise SystemExit("Set AMQP_URL, or start the embedded network with `make run` first.")
    return MemoryBus(mongo(address.read_text("utf-8"))["hub_bus"]["dead_letters"], probe)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
