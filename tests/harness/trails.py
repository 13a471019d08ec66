"""A trail of this test alone: its parts wired as `app.py` wires them, fed by hand; and its auditor."""

import asyncio
import base64
import contextlib
import hashlib
import io
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from services.audit.app import AuditSettings, Parts, parts_of
from services.audit.exports.export import Export
from services.audit.exports.files import files_of
from services.audit.integrity.selfcheck import HARMLESS, Result
from services.audit.log.damage import Damaged
from services.audit.verify.cli import main as verify_main
from shared.clock import Clock, now
from shared.events.catalogue import event_types
from shared.ids import new_id
from shared.messaging.bus import Bus, Entry, Message
from shared.messaging.relay import Relay
from shared.operating.runner import Platform
from shared.storage.store import Database
from tests.golden.__main__ import sample

SEED, OTHER_SEED = (base64.b64encode(bytes([n]) * 32).decode() for n in (7, 8))


def settings(seed: str = SEED, old: str | None = None, lease: float = 15.0) -> AuditSettings:
    """As an operator sets them; nothing is read from outside."""
    return AuditSettings(
        environment="development",
        amqp_url=SecretStr("memory:"),
        mongo_url=SecretStr("mongodb://none"),
        auth_jwks="none",
        auth_issuer="none",
        auth_account_key=SecretStr(SEED),
        audit_signing_key=SecretStr(seed),
        audit_old_signing_key=SecretStr(old) if old else None,
        audit_check_rate=1_000_000,
        audit_lease=lease,
    )


def body(number: int, *, subject: str = "", version: int = 1, **data: Any) -> bytes:
    """An event as a producer sends it: `data` over a sample of its type. The same number gives the
    same bytes."""
    event_type = data.pop("type", "referral.received")
    whole = {**_sample(event_type), "referral_id": f"ref_{number}"}
    if "agency_id" in whole:
        whole["agency_id"] = "ag_school"
    event = {
        "specversion": "1.0",
        "id": f"evt_{number:032d}",
        "source": "/services/referral",
        "type": event_type,
        "subject": subject or f"ref_{number}",
        "time": "2026-03-02T09:30:00.000Z",
        "datacontenttype": "application/json",
        "dataschema": f"urn:hub-and-spoke:{event_type}:1",
        "correlationid": f"ref_{number}",
        "version": version,
        "actor": data.pop("actor", "agency:ag_school"),
        "actorrole": data.pop("actorrole", "agency"),
        "data": {**whole, **data},
    }
    return json.dumps(event).encode()


@cache
def _sample(event_type: str) -> dict[str, Any]:
    data = event_types().get(event_type)
    return json.loads(sample(data).body())["data"] if data else {"agency_id": "ag_school"}


def feed(*bodies: bytes, offset: int | None = None) -> list[Entry]:
    """A batch of the feed; offsets count up from `offset`."""
    return [
        Entry(
            Message(id=f"m{n}", type="t", stream="s", body=raw),
            None if offset is None else offset + n,
            hashlib.sha256(raw).hexdigest(),
        )
        for n, raw in enumerate(bodies)
    ]


@dataclass
class OneTrail:
    """A writer on a database, and what an auditor does about it."""

    parts: Parts
    database: Database

    async def append(self, *bodies: bytes, offset: int | None = None) -> None:
        await self.parts.sequencer.append(feed(*bodies, offset=offset))

    async def grow(self, start: int, stop: int) -> None:
        """Events start … stop-1, in batches as the feed gives them."""
        for first in range(start, stop, 256):
            await self.append(*(body(n) for n in range(first, min(stop, first + 256))))

    async def sign(self) -> bytes:
        """Sign; the newest note."""
        await self.parts.signer.sign()
        newest = await self.parts.trail.newest()
        assert newest is not None
        return newest.note.encode()

    async def check(self) -> Result:
        """One pass of the self-check, acting on what it finds as the service does."""

        async def found(damage: Damaged) -> None:
            await self.parts.signer.freeze(damage, stop_signing=damage.code not in HARMLESS)

        return await self.parts.check.once(self.parts.ring.trusted, found)

    async def leaves(self) -> list[dict[str, Any]]:
        """Every entry that counts, parsed, in order; fails where the order has a hole."""
        size = (await self.parts.trail.state())["size"]
        documents = [d async for d in self.parts.trail.scan({}, size)]
        assert [d["seq"] for d in documents] == list(range(size))
        return [json.loads(d["leaf"]) for d in documents]

    @property
    def key(self) -> str:
        """The verifier key an auditor keeps."""
        return str(self.parts.ring.active[0].verifier)

    async def export(self, folder: Path, *, previous: int | None = None, **asked: str) -> Path:
        """Fetch an export into a folder, unpacked."""
        newest = await self.parts.trail.newest()
        assert newest is not None
        export = Export(
            id=new_id("exp"),
            asked_by="auditor:one",
            purpose="inspection",
            asked_at=now(),
            size=newest.size,
            filter=asked,
            previous=previous,
        )
        async for name, content in files_of(self.parts.trail, self.parts.ring, export):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder


class Deaf:
    """A bus nobody is on: what is sent waits in its outbox."""

    ready = False


def writer(
    database: Database,
    clock: Clock = now,
    *,
    seed: str = SEED,
    old: str | None = None,
    lease: float = 15.0,
    same: OneTrail | None = None,
) -> OneTrail:
    """A process's parts on this database. Two of them are two processes; `same` is this one before
    a restart."""
    from services.audit.log.sequencer import Sequencer

    bus: Any = Deaf()
    chosen = settings(seed, old, lease)
    parts = parts_of(chosen, Platform(database, Relay("audit", bus)))
    sequencer = Sequencer(
        parts.trail,
        parts.signer,
        lease=timedelta(seconds=lease),
        clock=clock,
        writer_id=same.parts.sequencer.writer_id if same else None,
    )
    return OneTrail(Parts(**{**vars(parts), "sequencer": sequencer}), database)


@asynccontextmanager
async def a_trail(database: Database, count: int = 0) -> AsyncIterator[OneTrail]:
    """A prepared trail with `count` entries, signed if there are any."""
    trail = writer(database)
    await trail.parts.prepare()
    await trail.grow(0, count)
    if count:
        await trail.sign()
    yield trail


@dataclass(frozen=True)
class Verdict:
    """What the verifier said and its exit code."""

    code: int
    said: str


def verify(*arguments: str | Path) -> Verdict:
    """Run the verifier as the command does, within this process."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = verify_main([str(a) for a in arguments])
    return Verdict(code, said.getvalue())


async def program(*arguments: str | Path, file: Path | None = None) -> Verdict:
    """Run the verifier as a process: `python -m services.audit verify`, or the one file."""
    start: Sequence[str] = ("-I", "-S", str(file)) if file else ("-m", "services.audit", "verify")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *start,
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    with contextlib.suppress(ProcessLookupError):
        said, _ = await asyncio.wait_for(process.communicate(), 60)
    return Verdict(process.returncode or 0, said.decode())


__all__ = ["Bus", "OneTrail", "Verdict", "a_trail", "body", "feed", "program", "verify", "writer"]
