"""Commands of an operator on the trail's store: rebuild the search fields, thaw a frozen trail."""

import sys
from collections.abc import Sequence

from pymongo import AsyncMongoClient

from services.audit.app import AuditSettings, Parts, parts_of
from services.audit.integrity.faults import Fault
from services.audit.integrity.selfcheck import fields_hold
from services.audit.log.damage import Damaged
from services.audit.log.leaf import instant
from services.audit.log.store import STATE
from services.audit.search.fields import search_from
from shared.clock import now
from shared.events.trail import TrailThawed
from shared.ids import derived_id
from shared.messaging.memory import MemoryBus
from shared.messaging.relay import Relay
from shared.operating.commands import able, command, with_settings
from shared.operating.runner import Platform, mongo
from shared.operating.start import read_or_end
from shared.origin import Origin

WORDS = {
    "rebuild": "Restore the search fields of the trail from its leaves.",
    "thaw": "Check the whole trail; if it is sound, let signing go on.",
}
OLD_INDEX = "fields.at_1"  # a time is found by its place now


def main(word: str, rest: Sequence[str]) -> int:
    """Run `rebuild` or `thaw`; the exit code."""
    return command(
        rest,
        doc=with_settings(f"`python -m services.audit {word}`. {WORDS[word]}", AuditSettings),
        able=lambda: able("the audit service", AuditSettings),
        doing=lambda rest: None if rest else _run(word),
    )


async def _run(word: str) -> int:
    settings = read_or_end(AuditSettings)
    client = mongo(settings.mongo_url.get_secret_value())
    try:
        parts = parts_of(settings, _platform(client, settings))
        if word == "rebuild":
            restored = await rebuild(parts)
            sys.stdout.write(f"restored the search fields of {restored} entries\n")
            return 0
        return await _thaw(parts)
    finally:
        await client.close()


def _platform(client: "AsyncMongoClient[dict[str, object]]", settings: AuditSettings) -> Platform:
    # No bus: what is written here waits in its outbox, and the running service publishes it.
    database = client[settings.mongo_database or "hub_audit"]

    async def probe() -> None:
        await client.admin.command("ping")

    return Platform(database, Relay("audit", MemoryBus(database["none"], probe)))


async def rebuild(parts: Parts) -> int:
    """Write again the search fields that differ from what the leaf says; how many did.

    Also drops the index of an older version: the service's own user may drop none.
    """
    if OLD_INDEX in await parts.trail.entries.index_information():
        await parts.trail.entries.drop_index(OLD_INDEX)
    size = (await parts.trail.state())["size"]
    restored = 0
    async for document in parts.trail.scan({}, size):
        if not fields_hold(document):
            fields = search_from(document["leaf"])
            await parts.trail.entries.update_one(
                {"_id": document["_id"]}, {"$set": {"fields": fields}}
            )
            restored += 1
    return restored


async def thaw(parts: Parts) -> list[Damaged]:
    """Check the whole trail; if it is sound, let signing go on, as an event. The faults otherwise."""

    async def found(_: Damaged) -> None:
        return None

    result = await parts.check.once(parts.ring.trusted, found)
    if result.faults:
        return result.faults
    state = await parts.trail.state()
    frozen = state["frozen"]
    if frozen is None:
        return []
    fault = Fault(
        id=derived_id("thaw", instant(now())),
        code=frozen["code"],
        seq=frozen["seq"],
        frozen=False,
        found_at=now(),
    )
    event = TrailThawed(code=fault.code, seq=fault.seq, checked=result.checked)
    await parts.faults.add(fault, event, by=Origin("operator:command", "operator"))
    await parts.trail.states.update_one(
        {"_id": STATE, "frozen": frozen}, {"$set": {"frozen": None}}
    )
    return []


async def _thaw(parts: Parts) -> int:
    faults = await thaw(parts)
    for fault in faults:
        sys.stderr.write(f"{fault.code} at {fault.at}\n")
    if faults:
        return 1
    sys.stdout.write("the trail is sound; signing goes on\n")
    return 0
