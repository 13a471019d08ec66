"""What the service notices by itself, and what it can't: the second table of docs/auditing.md. Each row
names the tests that run it; those that are nowhere else are here."""

import ast
import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from services.audit.log.leaf import leaf_of
from services.audit.search.fields import fields_of, search_of
from services.audit.verify.witnesses import Cosigner
from services.audit.witnesses.cosignatures import Cosignatures, Witnesses
from shared.clock import now
from shared.errors import Refused
from shared.storage.store import Database
from tests.harness.template import ROOT
from tests.harness.trails import OneTrail, a_trail, body, verify, writer
from tests.service.test_audit_complete import id_of, looking, missing, tally

POLICE = Cosigner("police.example", bytes([5]) * 32)
COLLECTIONS = ("entries", "tiles", "checkpoints", "state", "keys")


def rows() -> list[tuple[str, list[str]]]:
    """What is done, and the tests that are named for it."""
    text = (ROOT / "docs" / "auditing.md").read_text("utf-8")
    table = text.partition("| what is done, and with what |")[2].partition("\n\n")[0]
    lines = [line.strip("|").split("|") for line in table.splitlines()[2:]]
    return [(cells[0].strip(), re.findall(r"`([\w/]+\.py::\w+)`", cells[-1])) for cells in lines]


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, kinds)}


def test_every_row_of_the_table_is_run_by_the_tests_that_it_names() -> None:
    told = rows()

    assert len(told) > 20
    for what, tests in told:
        assert tests, what
        for one in tests:
            file, _, name = one.partition("::")
            assert name in functions_of(ROOT / "tests" / file), (what, one)


async def copied(database: Database) -> dict[str, list[dict[str, Any]]]:
    """A backup."""
    return {name: await database[name].find().to_list() for name in COLLECTIONS}


async def put_back(database: Database, backup: dict[str, list[dict[str, Any]]]) -> OneTrail:
    """The backup in the database's place, and a process that starts on it."""
    for name, documents in backup.items():
        await database[name].delete_many({})
        if documents:
            await database[name].insert_many(documents)
    await database["state"].update_one({}, {"$set": {"holder": None}})
    return writer(database)


async def test_a_trail_put_back_from_a_backup_contradicts_whoever_saw_more_of_it(
    database: Database, tmp_path: Path
) -> None:
    """It reads the same events again, at other times, and signs sizes that it had signed. By itself it
    sees nothing wrong; a witness, and a checkpoint that was kept, do."""
    async with a_trail(database, 30) as trail:
        backup = await copied(database)
        await trail.grow(30, 50)
        (kept := tmp_path / "kept").write_bytes(await trail.sign())
        restored = await put_back(database, backup)
        cut = verify(
            "export", await restored.export(tmp_path / "cut"), "--key", trail.key, "--kept", kept
        )
        await asyncio.sleep(0.002)  # time has passed: a copy in the same millisecond is no other
        await restored.grow(30, 50)
        await restored.sign()
        later = await restored.export(tmp_path / "later")
        forked = verify("export", later, "--key", trail.key, "--kept", kept)
        witnesses = Witnesses.of([str(POLICE.verifier)], 1)
        ring = restored.parts.ring
        cosigned = Cosignatures(restored.parts.trail, database, witnesses, ring.origin)

        assert (cut.code, "the trail was cut" in cut.said) == (1, True), cut.said
        assert (forked.code, "two signed histories" in forked.said) == (1, True), forked.said
        assert not (await restored.check()).faults
        with pytest.raises(Refused) as refused:
            await cosigned.take(POLICE.cosigned(kept.read_bytes()).decode())
        assert refused.value.code == "another_history"


async def test_an_entry_under_a_state_that_was_moved_on_is_believed(database: Database) -> None:
    """As decision 1301 says: only a signature of each service would end that. A kept checkpoint doesn't
    help either, for nothing that was sealed has changed; no tally names it."""
    trail, _ = await looking(database)
    own = body(1)
    await trail.append(own, tally(2, id_of(own)))
    await trail.sign()
    forged, edge = leaf_of(body(666), now()), await trail.parts.trail.tree.edge(2)
    edge.push([forged.leaf_hash])
    document = {"_id": forged.entry_id, "seq": 2, "leaf": forged.raw, "leaf_hash": forged.leaf_hash}
    fields = search_of(fields_of(forged.event))
    await database["entries"].insert_one({**document, "fields": fields})
    moved = {"size": 3, "root": edge.root(), "edge": edge.packed(), "holder": None}
    await database["state"].update_one({}, {"$set": moved})

    after = writer(database)
    await after.append(body(3))
    await after.sign()

    assert [leaf["event"]["id"] for leaf in await after.leaves()][2] == f"evt_{666:032d}"
    assert not (await after.check()).faults
    assert await missing(trail) == {}


async def test_an_event_that_somebody_else_published_is_believed(database: Database) -> None:
    """Who may publish on the broker may speak as any service; no tally names it."""
    trail, _ = await looking(database)
    own, forged = body(1), body(666)
    await trail.append(own, forged, tally(2, id_of(own)), offset=0)
    await trail.sign()

    assert len(await trail.leaves()) == 3
    assert not (await trail.check()).faults
    assert await missing(trail) == {}
