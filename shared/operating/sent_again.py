"""Send again what a service has sent since a time: for a broker, or a consumer's database, that was lost.

`python -m shared.operating.sent_again since TIME`, for the service whose MONGO_URL and
MONGO_DATABASE (in full, as `hub_referral`) are set, while it runs or not; TIME as
2026-11-27T10:00:00Z. The running service publishes; whoever had an event already ignores it. It goes
back as far as SENT_KEPT_DAYS. After a lost broker the trail asks for this by itself.
"""

import sys
from collections.abc import Sequence
from datetime import datetime

from shared.messaging.memory import MemoryBus
from shared.messaging.relay import Relay
from shared.operating.commands import Doing, able, command, with_settings
from shared.operating.runner import mongo
from shared.operating.settings import Settings
from shared.operating.start import Wrong, read_or_end, refused
from shared.operating.tallies import Tallies
from shared.storage.store import Database


def main(words: Sequence[str]) -> int:
    """Run it; the exit code."""
    return command(
        words,
        doc=with_settings(__doc__ or "", Settings),
        able=lambda: able("this command", Settings),
        doing=_doing,
    )


def _doing(words: Sequence[str]) -> Doing | None:
    match list(words):
        case ["since", text] if (since := _time(text)) is not None:
            return _again(since)
    return None


def _time(text: str) -> datetime | None:
    """A moment with its zone; None for anything else."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


async def _again(since: datetime) -> int:
    settings = read_or_end(Settings)
    if not settings.mongo_database:
        said = "MONGO_DATABASE: is missing; it names the service whose events are sent again"
        return refused("this command", Wrong([said]))
    async with mongo(settings.mongo_url.get_secret_value()) as client:
        database = client[settings.mongo_database]
        tallies = await _of(database)
        count = await tallies.again_since(since)
    sys.stdout.write(f"{count} records and events are due again\n")
    return 0


async def _of(database: Database) -> Tallies:
    async def probe() -> None:
        return None

    # No bus: what is due waits in its outbox, and the running service publishes it.
    relay = Relay(database.name, MemoryBus(database["none"], probe))
    tallies = Tallies(database, relay, every=1)
    for name in await database.list_collection_names():
        indexes = await database[name].index_information()
        if name != "sent" and any(index["key"][0][0] == "sent_at" for index in indexes.values()):
            relay.watch(database[name])
    return tallies


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
