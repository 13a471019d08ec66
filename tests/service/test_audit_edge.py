"""The right edge that the state carries: proofs come from it and full tiles alone, and are right
even where somebody has written another edge into the state."""

import base64
import random
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI

from services.audit.log import proofs
from services.audit.log import routes as tiles
from services.audit.log.damage import Damaged
from services.audit.log.edge import Edge
from services.audit.log.store import STATE
from services.audit.log.tiles import tiles_at
from services.audit.log.tree import (
    consistency_ranges,
    extends,
    includes,
    inclusion_ranges,
    leaf_hash,
    root_of,
)
from shared.storage.store import Database, Document
from shared.web.access import knowing, nobody
from shared.web.problems import install
from shared.web.tokens import Caller, caller
from tests.harness.trails import OneTrail, a_trail, body, verify, writer

COUNT = 700


@pytest_asyncio.fixture
async def trail(database: Database) -> AsyncIterator[OneTrail]:
    async with a_trail(database, COUNT) as made:
        yield made


async def hashes_of(trail: OneTrail) -> list[bytes]:
    size = (await trail.parts.trail.state())["size"]
    return [bytes(d["leaf_hash"]) async for d in trail.parts.trail.scan({}, size)]


async def set_state(trail: OneTrail, change: Document) -> None:
    await trail.database["state"].update_one({"_id": STATE}, change)


async def holds(trail: OneTrail, hashes: list[bytes], seq: int, size: int, state: Document) -> bool:
    """Whether a proof for this entry, and one from that size on, lead to the roots of these hashes."""
    path = await trail.parts.trail.tree.proof(inclusion_ranges(seq, size), size, state)
    first = seq + 1
    grown = await trail.parts.trail.tree.proof(consistency_ranges(first, size), size, state)
    roots = root_of(hashes[:first]), root_of(hashes[:size])
    included = includes(seq, size, hashes[seq], path, roots[1])
    return included and extends(first, size, *roots, grown)


async def test_the_state_carries_the_edge_of_its_size(database: Database) -> None:
    async with a_trail(database) as trail:
        sizes = (0, 1, 255, 256, 257, 511, 512)
        for before, size in pairwise(sizes):
            await trail.grow(before, size)
            state = await trail.parts.trail.state()

            assert state["size"] == size
            assert state["edge"] == (await trail.parts.trail.tree.edge(size)).packed(), size


async def test_proofs_and_tiles_of_every_size_need_the_state_and_full_tiles_only(
    trail: OneTrail,
) -> None:
    hashes = await hashes_of(trail)
    await trail.database["entries"].delete_many({})
    state = await trail.parts.trail.state()

    for size in {*range(1, COUNT, 41), 255, 256, 257, 511, 512, 513, COUNT}:
        seq = random.randrange(size)
        assert await holds(trail, hashes, seq, size, state), (seq, size)
        for tile in tiles_at(size):
            start = tile.index * 256
            content = await trail.parts.trail.tree.tile(tile, state)
            if tile.level == 0:
                assert content == b"".join(hashes[start : start + tile.width])


async def test_a_reader_that_is_overtaken_still_proves_what_it_began_with(
    database: Database,
) -> None:
    async with a_trail(database, 250) as trail:
        before = await trail.parts.trail.state()
        await trail.grow(250, COUNT)
        hashes, after = await hashes_of(trail), await trail.parts.trail.state()

        for state in (before, after):
            for seq in (0, 100, 249):
                assert await holds(trail, hashes, seq, 250, state)


def _flipped(raw: bytes) -> bytes:
    return raw[:-1] + bytes([raw[-1] ^ 1])


@pytest.mark.parametrize("level", [0, 1])
async def test_an_edited_edge_is_told_of_freezes_nothing_and_no_proof_comes_from_it(
    trail: OneTrail, level: int
) -> None:
    hashes = await hashes_of(trail)
    edge: list[bytes] = (await trail.parts.trail.state())["edge"]
    edge[level] = _flipped(edge[level])
    await set_state(trail, {"$set": {"edge": edge}})
    state = await trail.parts.trail.state()

    for seq in (0, 300, COUNT - 1):
        assert await holds(trail, hashes, seq, COUNT, state)
    assert [(f.code, f.at) for f in (await trail.check()).faults] == [("edge_edited", COUNT)]
    assert (await trail.parts.trail.state())["frozen"] is None
    await trail.append(body(COUNT))
    assert not (await trail.check()).faults
    assert await trail.sign()


async def test_an_edited_root_is_told_of_and_no_export_is_made_from_it(
    trail: OneTrail, tmp_path: Path
) -> None:
    """Also where the edge was made to fit: an export computes both from the entries."""
    edge = Edge.unpacked(COUNT, (await trail.parts.trail.state())["edge"])
    edge.levels[0][-1] = bytes(32)
    await set_state(trail, {"$set": {"root": edge.root()}})
    assert [f.code for f in (await trail.check()).faults] == ["root_edited"]
    await set_state(trail, {"$set": {"edge": edge.packed()}})

    export = await trail.export(tmp_path, referral_id="ref_7")
    verdict = verify("export", export, "--key", trail.key)

    assert verdict.code == 0, verdict.said
    assert [f.code for f in (await trail.check()).faults] == ["root_edited"]
    assert (await trail.parts.trail.state())["frozen"] is None


async def test_what_has_not_the_form_of_an_edge_is_none(database: Database) -> None:
    async with a_trail(database, 512) as trail:
        hashes = await hashes_of(trail)
        of_one_tile = [b"".join(hashes)]  # its root is the right one even so
        other: list[Any] = [
            None,
            5,
            [],
            [b""],
            [b"x"],
            ["", "x" * 64],
            [b"", b"", b""],
            of_one_tile,
        ]
        for edge in other:
            await set_state(trail, {"$set": {"edge": edge}})

            assert await holds(trail, hashes, 300, 512, await trail.parts.trail.state())


async def test_the_edge_of_a_smaller_tree_is_not_taken_for_this_ones(database: Database) -> None:
    """As an older version leaves it that moves the size on and knows of no edge."""
    async with a_trail(database, 600) as trail:
        edge = (await trail.parts.trail.state())["edge"]
        await trail.grow(600, COUNT)
        await set_state(trail, {"$set": {"edge": edge}})

        state = await trail.parts.trail.state()
        assert await holds(trail, await hashes_of(trail), 650, COUNT, state)


async def test_a_state_without_an_edge_is_read_from_the_evidence_and_gets_one(
    trail: OneTrail,
) -> None:
    hashes = await hashes_of(trail)
    await set_state(trail, {"$unset": {"edge": ""}, "$set": {"holder": None}})
    state = await trail.parts.trail.state()

    assert "edge" not in state
    assert await holds(trail, hashes, 600, COUNT, state)
    assert not (await trail.check()).faults
    await writer(trail.database).append(body(COUNT))
    assert "edge" in await trail.parts.trail.state()
    assert not (await trail.check()).faults


async def ask(trail: OneTrail, path: str) -> httpx2.Response:
    """The routes of proofs and tiles, on this trail."""
    app = FastAPI()
    install(app)
    app.state.audit = trail.parts
    app.dependency_overrides[caller] = lambda: Caller("any", "operator")
    for router in (proofs.router, tiles.router):
        app.include_router(router, dependencies=[knowing(nobody)])
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://trail.example") as http:
        return await http.get(path)


async def edit_tile(trail: OneTrail) -> None:
    tile: Any = await trail.database["tiles"].find_one({"level": 0, "index": 0})
    edited = {"hashes": _flipped(bytes(tile["hashes"]))}
    await trail.database["tiles"].update_one({"_id": tile["_id"]}, {"$set": edited})


async def edit_entry(trail: OneTrail) -> None:
    forged = {"leaf": b"{}", "leaf_hash": leaf_hash(b"{}")}
    await trail.database["entries"].update_one({"seq": 0}, {"$set": forged})


async def delete_tile(trail: OneTrail) -> None:
    await trail.database["tiles"].delete_one({"level": 0, "index": 0})


@pytest.mark.parametrize("damage", [edit_tile, edit_entry, delete_tile])
async def test_a_proof_that_does_not_hold_is_not_handed_out(
    database: Database, damage: Any
) -> None:
    async with a_trail(database, 600) as trail:
        await trail.grow(600, COUNT)
        sizes = ("", "&size=600", "&size=690", f"&size={COUNT}")
        paths = [f"/v1/proofs/inclusion?seq=0{size}" for size in sizes]
        assert {(await ask(trail, path)).status_code for path in paths} == {200}

        await damage(trail)

        for path in paths:
            answer = await ask(trail, path)
            assert (answer.status_code, answer.json()["code"]) == (409, "trail_damaged")


async def test_a_tree_written_again_contradicts_the_checkpoint_and_is_not_proven(
    trail: OneTrail,
) -> None:
    """State, edge and entry agree with each other, and not with what was signed."""
    path = f"/v1/proofs/inclusion?seq={COUNT - 1}"
    assert (await ask(trail, path)).status_code == 200
    await trail.database["entries"].update_one(
        {"seq": COUNT - 1}, {"$set": {"leaf_hash": leaf_hash(b"{}")}}
    )
    edge = await trail.parts.trail.tree.edge(COUNT)
    await set_state(trail, {"$set": {"root": edge.root(), "edge": edge.packed()}})

    assert (await ask(trail, path)).json()["code"] == "trail_damaged"


async def test_a_consistency_proof_is_handed_out_even_where_it_fails_so_that_it_can_be_seen(
    trail: OneTrail,
) -> None:
    hashes = await hashes_of(trail)
    tile: Any = await trail.database["tiles"].find_one({"level": 0, "index": 1})
    edited = {"hashes": bytes(32) + bytes(tile["hashes"])[32:]}
    await trail.database["tiles"].update_one({"_id": tile["_id"]}, {"$set": edited})

    answer = await ask(trail, f"/v1/proofs/consistency?first=257&second={COUNT}")

    path = [base64.b64decode(value) for value in answer.json()["hashes"]]
    assert not extends(257, COUNT, root_of(hashes[:257]), root_of(hashes), path)


async def test_a_tile_that_is_gone_is_damage_and_not_a_fault_of_ours(trail: OneTrail) -> None:
    await delete_tile(trail)

    assert (await ask(trail, "/tile/0/000")).json()["code"] == "trail_damaged"
    assert (await ask(trail, "/tile/0/002.p/100")).status_code == 200
    with pytest.raises(Damaged, match="tile_missing at 0"):
        await trail.parts.trail.tree.proof(
            inclusion_ranges(1, COUNT), COUNT, await trail.parts.trail.state()
        )
