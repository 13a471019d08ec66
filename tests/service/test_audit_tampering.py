"""Somebody with every right on the database changes the trail. Who notices, and what they can name.

An auditor kept a checkpoint, and the verifier key, somewhere else. Everything the database holds
may be rewritten, with the trail's own code even, and with its stolen key.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from services.audit.integrity.commands import rebuild, thaw
from services.audit.log.checkpoints import Checkpoint
from services.audit.log.damage import Damaged
from services.audit.log.edge import Edge
from services.audit.log.tree import leaf_hash
from services.audit.search.fields import search_from
from shared.storage.store import Database
from tests.harness.trails import OneTrail, Verdict, a_trail, body, verify, writer

COUNT = 300
VICTIM = 100
FORGED = (
    b'{"event":{"correlationid":"x","id":"forged","type":"referral.received"},'
    b'"recorded_at":"2026-03-02T09:30:00.000Z"}'
)


@pytest_asyncio.fixture
async def trail(database: Database) -> AsyncIterator[OneTrail]:
    async with a_trail(database) as made:
        for size in (90, 150, 280, COUNT):
            await made.grow((await made.parts.trail.state())["size"], size)
            await made.sign()
        yield made


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept"


async def keep(trail: OneTrail, kept: Path) -> None:
    newest = await trail.parts.trail.newest()
    assert newest is not None
    kept.write_text(newest.note)  # noqa: ASYNC240 - a few hundred bytes


async def judged(trail: OneTrail, kept: Path, tmp_path: Path, name: str = "later") -> Verdict:
    """What the auditor's verifier says of a fresh export."""
    folder = await trail.export(tmp_path / name)
    return verify("export", folder, "--key", trail.key, "--kept", kept)


async def codes(trail: OneTrail) -> list[tuple[str, int]]:
    return [(fault.code, fault.at) for fault in (await trail.check()).faults]


async def edit(trail: OneTrail, seq: int = VICTIM, **fields: Any) -> None:
    await trail.database["entries"].update_one({"seq": seq}, {"$set": fields})


async def edit_all_layers(trail: OneTrail, leaves: list[bytes], state: bool = True) -> Edge:
    """Write these leaves and everything computed from them, as the trail itself would."""
    edge, database = Edge(), trail.database
    for seq, leaf in enumerate(leaves):
        await database["entries"].update_one(
            {"seq": seq}, {"$set": {"leaf": leaf, "leaf_hash": leaf_hash(leaf)}}
        )
        for tile in edge.push([leaf_hash(leaf)]):
            await database["tiles"].update_one(
                {"level": tile.level, "index": tile.index},
                {"$set": {"hashes": tile.hashes, "root": tile.root}},
            )
    if state:
        written = {"root": edge.root(), "edge": edge.packed()}
        await database["state"].update_one({}, {"$set": written})
    return edge


async def stored_leaves(trail: OneTrail) -> list[bytes]:
    return [bytes(d["leaf"]) async for d in trail.parts.trail.scan({}, COUNT)]


async def frozen(trail: OneTrail) -> bool:
    return (await trail.parts.trail.state())["frozen"] is not None


async def test_an_untouched_trail_verifies(trail: OneTrail, kept: Path, tmp_path: Path) -> None:
    await keep(trail, kept)
    await trail.grow(COUNT, COUNT + 50)
    await trail.sign()

    verdict = await judged(trail, kept, tmp_path)

    assert verdict.code == 0, verdict.said
    assert f"all {COUNT + 50} entries" in verdict.said
    assert await codes(trail) == []
    assert not await frozen(trail)


async def test_an_edited_leaf_is_named(trail: OneTrail, kept: Path, tmp_path: Path) -> None:
    await keep(trail, kept)
    await edit(trail, leaf=FORGED)

    verdict = await judged(trail, kept, tmp_path)

    assert (verdict.code, f"entry {VICTIM} is not what was sealed" in verdict.said) == (1, True)
    assert ("leaf_edited", VICTIM) in await codes(trail)
    assert await frozen(trail)


async def test_an_edited_leaf_fails_its_own_proof(trail: OneTrail, tmp_path: Path) -> None:
    await edit(trail, leaf=FORGED)

    folder = await trail.export(tmp_path / "one", referral_id=f"ref_{VICTIM}")
    verdict = verify("export", folder, "--key", trail.key)

    assert verdict.code == 1
    assert f"entry {VICTIM} is not what was sealed" in verdict.said


async def test_a_leaf_edited_with_its_hash_contradicts_the_tile_and_nothing_more_is_signed(
    trail: OneTrail, kept: Path, tmp_path: Path
) -> None:
    await keep(trail, kept)
    await edit(trail, leaf=FORGED, leaf_hash=leaf_hash(FORGED))

    assert ("leaf_hash_edited", VICTIM) in await codes(trail)
    await trail.append(body(COUNT))
    assert await trail.parts.signer.sign() is None
    verdict = await judged(trail, kept, tmp_path)
    assert verdict.code == 1
    assert f"entry {VICTIM} is not what was sealed" in verdict.said


async def test_a_late_entry_edited_with_its_hash_stops_the_signer_by_itself(
    trail: OneTrail, kept: Path, tmp_path: Path
) -> None:
    """No tile holds it yet: the root at the newest checkpoint differs."""
    await keep(trail, kept)
    await edit(trail, COUNT - 1, leaf=FORGED, leaf_hash=leaf_hash(FORGED))
    await trail.append(body(COUNT))

    with pytest.raises(Damaged, match="root_differs_from_checkpoint"):
        await trail.parts.signer.sign()

    assert await frozen(trail)
    verdict = await judged(trail, kept, tmp_path)
    assert verdict.code == 1
    assert verdict.said == f"TAMPERED: entry {COUNT - 1} is not what was sealed\n"


async def test_edited_up_to_the_state_it_contradicts_the_stored_checkpoints(
    trail: OneTrail, kept: Path, tmp_path: Path
) -> None:
    await keep(trail, kept)
    previous = await trail.export(tmp_path / "previous")
    leaves = await stored_leaves(trail)
    leaves[VICTIM] = FORGED
    await edit_all_layers(trail, leaves)

    with pytest.raises(Damaged, match="root_differs_from_checkpoint"):
        await writer(trail.database).parts.signer.sign()
    assert ("root_differs_from_checkpoint", 150) in await codes(trail)
    verdict = await judged(trail, kept, tmp_path)
    assert verdict.code == 1
    assert "one of the entries 90 to 149 was changed" in verdict.said
    folder = tmp_path / "later"
    exact = verify("export", folder, "--key", trail.key, "--kept", kept, "--previous", previous)
    assert f"entry {VICTIM} is not what was sealed" in exact.said


async def rewrite_history(trail: OneTrail) -> None:
    """Everything edited, and every checkpoint signed again with the stolen key."""
    leaves = await stored_leaves(trail)
    leaves[VICTIM] = FORGED
    await edit_all_layers(trail, leaves)
    for signed in await trail.parts.trail.checkpoints_from(0):
        edge = Edge()
        edge.push([leaf_hash(leaf) for leaf in leaves[: signed.size]])
        note = Checkpoint(trail.parts.ring.origin, signed.size, edge.root())
        await trail.database["checkpoints"].update_one(
            {"_id": signed.size},
            {"$set": {"root": edge.root(), "note": note.sign(trail.parts.ring.active)}},
        )
    await trail.database["entries"].update_one(
        {"seq": VICTIM},
        {"$set": {"fields": search_from(FORGED)}},
    )


async def test_all_edited_and_signed_again_with_the_stolen_key_only_a_kept_checkpoint_tells(
    trail: OneTrail, kept: Path, tmp_path: Path
) -> None:
    await keep(trail, kept)
    previous = await trail.export(tmp_path / "previous")
    await rewrite_history(trail)
    await trail.append(body(900))
    with pytest.raises(Damaged):  # the running process remembers the right edge
        await trail.sign()
    await trail.database["state"].update_one({}, {"$set": {"frozen": None, "holder": None}})
    await trail.database["entries"].delete_many({"seq": {"$gte": COUNT}})
    await edit_all_layers(trail, await stored_leaves(trail))
    await trail.database["state"].update_one({}, {"$set": {"size": COUNT}})
    trail = writer(trail.database)
    await trail.grow(COUNT, COUNT + 10)
    await trail.sign()

    assert await codes(trail) == []
    folder = await trail.export(tmp_path / "later", previous=COUNT)
    assert verify("export", folder, "--key", trail.key).code == 0
    told = verify("export", folder, "--key", trail.key, "--kept", kept)
    assert told.code == 1
    assert f"of size {COUNT}, seals other entries" in told.said
    now = tmp_path / "now"
    now.write_text((folder / "checkpoint").read_text())
    proof = folder / "consistency.json"
    grown = verify("consistency", kept, now, "--proof", proof, "--key", trail.key)
    assert grown.code == 1
    assert "is not shown to extend" in grown.said
    exact = verify("export", folder, "--key", trail.key, "--kept", kept, "--previous", previous)
    assert f"entry {VICTIM} is not what was sealed" in exact.said


async def test_the_end_taken_away_with_its_checkpoints_is_told_by_the_kept_one(
    trail: OneTrail, kept: Path, tmp_path: Path
) -> None:
    await keep(trail, kept)
    await cut(trail, 280)

    verdict = await judged(trail, kept, tmp_path)

    assert verdict.code == 1
    assert "entry 280 and later are gone" in verdict.said


async def cut(trail: OneTrail, size: int, *, checkpoints: bool = True) -> None:
    edge = await trail.parts.trail.tree.edge(size)
    await trail.database["entries"].delete_many({"seq": {"$gte": size}})
    await trail.database["tiles"].delete_many({"level": 0, "index": {"$gte": size // 256}})
    if checkpoints:
        await trail.database["checkpoints"].delete_many({"_id": {"$gt": size}})
    cut_off = {"size": size, "root": edge.root(), "edge": edge.packed()}
    cut_off["lease_until"] = datetime(2000, 1, 1, tzinfo=UTC)
    await trail.database["state"].update_one({}, {"$set": cut_off})


async def test_the_end_taken_away_but_a_checkpoint_left_stops_the_writer(trail: OneTrail) -> None:
    await cut(trail, 280, checkpoints=False)

    with pytest.raises(Damaged, match="rolled_back"):
        await writer(trail.database).append(body(900))

    assert await frozen(trail)


async def test_a_deleted_entry_is_named(trail: OneTrail, kept: Path, tmp_path: Path) -> None:
    await keep(trail, kept)
    await trail.database["entries"].delete_one({"seq": VICTIM})

    verdict = await judged(trail, kept, tmp_path)

    assert verdict.code == 1
    assert f"entry {VICTIM} is not what was sealed" in verdict.said
    assert await codes(trail) == [("entry_missing", VICTIM)]


async def test_two_swapped_entries_are_both_named(
    trail: OneTrail, kept: Path, tmp_path: Path
) -> None:
    await keep(trail, kept)
    entries = trail.database["entries"]
    await entries.update_one({"seq": 10}, {"$set": {"seq": 10_000}})
    await entries.update_one({"seq": 20}, {"$set": {"seq": 10}})
    await entries.update_one({"seq": 10_000}, {"$set": {"seq": 20}})

    verdict = await judged(trail, kept, tmp_path)

    assert verdict.code == 1
    assert "entry 10 is not" in verdict.said
    assert "entry 20 is not" in verdict.said
    assert await codes(trail) == [("leaf_hash_edited", 10), ("leaf_hash_edited", 20)]


async def test_edited_search_fields_are_reported_and_restored_and_freeze_nothing(
    trail: OneTrail,
) -> None:
    await trail.database["entries"].update_one(
        {"seq": VICTIM}, {"$set": {"fields.keys": ["referral_id:ref_other"]}}
    )
    await trail.database["entries"].update_one({"seq": 7}, {"$unset": {"fields": ""}})

    assert await codes(trail) == [("fields_edited", 7), ("fields_edited", VICTIM)]
    assert not await frozen(trail)
    assert await rebuild(trail.parts) == 2
    assert await codes(trail) == []
    found = await trail.parts.trail.find(
        {"referral_id": f"ref_{VICTIM}"}, start=0, size=COUNT, limit=9
    )
    assert [d["seq"] for d in found] == [VICTIM]


async def test_fields_that_an_older_version_wrote_are_no_fault_and_rebuild_writes_them_anew(
    trail: OneTrail,
) -> None:
    old = {"keys": [f"referral_id:ref_{VICTIM}", "concerns:ag_school"]}
    await trail.database["entries"].update_many(
        {"seq": {"$lte": VICTIM}}, {"$set": {"fields": old}}
    )

    checked = await trail.check()

    assert (checked.faults, checked.outdated) == ([], VICTIM + 1)
    assert not await frozen(trail)
    assert await rebuild(trail.parts) == VICTIM + 1
    assert (await trail.check()).outdated == 0


async def test_an_older_versions_time_field_is_no_fault_and_rebuild_drops_its_index(
    trail: OneTrail,
) -> None:
    entries = trail.database["entries"]
    await entries.update_one({"seq": 7}, {"$set": {"fields.at": "2026-03-02T09:30:00.000Z"}})
    await entries.create_index("fields.at")

    assert await codes(trail) == []
    assert await rebuild(trail.parts) == 0
    assert set(await entries.index_information()) == {"_id_", "seq_1", "fields.keys_1_seq_1"}


async def test_an_edited_or_deleted_tile_is_found_and_stops_the_signer_or_the_check(
    trail: OneTrail,
) -> None:
    tile = await trail.database["tiles"].find_one({"level": 0, "index": 0})
    assert tile is not None
    broken = bytes([tile["hashes"][0] ^ 1]) + tile["hashes"][1:]
    await trail.database["tiles"].update_one({"_id": tile["_id"]}, {"$set": {"hashes": broken}})
    assert ("leaf_hash_edited", 0) in await codes(trail)
    await trail.database["tiles"].update_one(
        {"_id": tile["_id"]}, {"$set": {"hashes": tile["hashes"]}}
    )

    await trail.database["tiles"].delete_one({"_id": tile["_id"]})
    assert ("tile_missing", 0) in await codes(trail)


async def test_an_edited_checkpoint_is_found(trail: OneTrail) -> None:
    await trail.database["checkpoints"].update_one({"_id": 150}, {"$set": {"root": bytes(32)}})
    note = (await trail.database["checkpoints"].find_one({"_id": 280}) or {})["note"]
    await trail.database["checkpoints"].update_one(
        {"_id": 280}, {"$set": {"note": note.replace("280", "281")}}
    )

    assert await codes(trail) == [("checkpoint_edited", 150), ("checkpoint_not_ours", 280)]


async def test_a_frozen_trail_thaws_only_once_it_is_sound_again(trail: OneTrail) -> None:
    good = (await stored_leaves(trail))[VICTIM]
    await edit(trail, leaf=FORGED)
    await trail.check()
    assert ("leaf_edited", VICTIM) in [(f.code, f.at) for f in await thaw(trail.parts)]
    assert await frozen(trail)

    await edit(trail, leaf=good)

    assert await thaw(trail.parts) == []
    assert not await frozen(trail)
    events = [e["body"] async for d in trail.database["faults"].find() for e in d["outbox"]]
    assert sum('"code":"leaf_edited"' in e and "integrity_failed" in e for e in events) == 1
    assert sum("trail.thawed" in e for e in events) == 1


async def test_two_histories_of_one_size_are_signed_evidence_of_a_fork(
    trail: OneTrail, kept: Path, tmp_path: Path
) -> None:
    """An old backup is restored and goes on with other events."""
    await cut(trail, 280)
    other = writer(trail.database)
    await keep(trail, kept)
    shown: list[Path] = []
    for number, name in ((1000, "one"), (2000, "two")):
        await other.append(*(body(n) for n in range(number, number + 5)))
        path = tmp_path / name
        path.write_bytes(await other.sign())
        shown.append(path)
        await cut(other, 280)
        other = writer(trail.database)

    verdict = verify("compare", *shown, "--key", trail.key)

    assert verdict.code == 1
    assert "two signed histories of 285 entries" in verdict.said
    assert verify("compare", shown[0], shown[0], "--key", trail.key).code == 0
    assert verify("compare", shown[0], kept, "--key", trail.key).code == 2


async def test_an_export_changed_on_its_way_is_named(trail: OneTrail, tmp_path: Path) -> None:
    folder = await trail.export(tmp_path / "export")
    arguments = ("export", folder, "--key", trail.key)
    assert verify(*arguments).code == 0
    for name in ("tile/1/000.p/1", "tile/0/000", "keys.json", "tile/entries/000"):
        path = folder / name
        raw = path.read_bytes()
        path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
        assert verify(*arguments).code == 1, name
        path.unlink()
        assert verify(*arguments).code == 2, name
        path.write_bytes(raw)
    (folder / "manifest.json").write_text("{")
    assert verify(*arguments).code == 2
    assert verify("export", folder, "--key", "nonsense").code == 2
    assert verify("export", folder).code == 2
