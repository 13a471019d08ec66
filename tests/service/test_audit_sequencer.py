"""One writer, each event once, in order, whatever arrives and whoever else writes."""

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.audit.log.checkpoints import TrustedKey
from services.audit.log.damage import Damaged
from services.audit.log.head import Fenced
from services.audit.log.keyring import UnknownSigner
from services.audit.log.store import STATE
from services.audit.log.tree import root_of
from shared.clock import now
from shared.messaging.marks import Break
from shared.storage.store import Database
from tests.harness.trails import OTHER_SEED, SEED, OneTrail, a_trail, body, feed, writer


def ids(leaves: list[dict[str, Any]]) -> list[str]:
    return [leaf["event"]["id"] for leaf in leaves]


async def expire(database: Database) -> None:
    """The writer's lease is over."""
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    await database["state"].update_one({}, {"$set": {"lease_until": long_ago}})


async def test_an_event_delivered_again_and_again_is_one_entry(database: Database) -> None:
    async with a_trail(database) as trail:
        await trail.append(body(1), body(2), offset=0)
        for _ in range(20):
            await trail.append(body(1), body(2), body(2), offset=0)
        restarted = writer(database)
        await database["state"].update_one(
            {}, {"$set": {"lease_until": datetime(2000, 1, 1, tzinfo=UTC)}}
        )
        await restarted.append(body(2), body(1), body(3), offset=2)

        leaves = await restarted.leaves()
        assert ids(leaves) == [f"evt_{n:032d}" for n in (1, 2, 3)]
        found = await restarted.parts.trail.event(leaves[0]["event"]["id"])
        assert found is not None
        assert found["seq"] == 0
        assert (await restarted.parts.trail.state())["offset"] == 4


async def test_the_same_id_with_other_bytes_is_a_conflict_and_the_first_stays(
    database: Database,
) -> None:
    async with a_trail(database) as trail:
        await trail.append(body(1, urgency="immediate"))
        other = body(1, urgency="same_day")
        await trail.append(other, body(2))
        await trail.append(other)
        within = (body(3, urgency="immediate"), body(3, urgency="same_day"))
        await trail.append(*within)

        first, conflict, second, third, again = await trail.leaves()
        assert first["event"]["data"]["urgency"] == "immediate"
        assert ids([second, third]) == [f"evt_{n:032d}" for n in (2, 3)]
        for leaf in (conflict, again):
            assert leaf["event"]["type"] == "trail.conflict"
        assert conflict["event"]["data"]["event_id"] == first["event"]["id"]
        assert conflict["event"]["data"]["sha256"] == hashlib.sha256(other).hexdigest()
        assert len(conflict["event"]["data"]["first_sha256"]) == 64


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xff\x00", "not_json"),
        (body(1).replace(b'"version": 1', b'"version": 1.5'), "float"),
        (body(1).replace(b'"version": 1', b'"version": NaN'), "float"),
        (body(1).replace(b'"version"', b'"id": "x", "version"'), "duplicate_key"),
        (body(1, note="\ud800"), "lone_surrogate"),
        (body(1, note="x" * 70_000), "too_large"),
        (b"[" * 100_000, "not_json"),
        (body(1).replace(b"evt_", b"trail:evt_"), "reserved_id"),
    ],
)
async def test_what_cannot_be_read_is_an_entry_with_its_hash_and_the_feed_moves_on(
    database: Database, raw: bytes, reason: str
) -> None:
    async with a_trail(database) as trail:
        await trail.append(raw, body(2), offset=0)
        await trail.append(raw, offset=0)

        rejected, good = await trail.leaves()
        assert rejected["event"]["type"] == "trail.rejected"
        assert rejected["event"]["data"]["reason"] == reason
        assert rejected["event"]["data"]["sha256"] == hashlib.sha256(raw).hexdigest()
        assert good["event"]["id"] == f"evt_{2:032d}"


async def test_a_clock_that_jumps_back_is_held_and_the_leaf_says_so(database: Database) -> None:
    at = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    times = {"now": at}
    trail = writer(database, clock=lambda: times["now"])
    await trail.parts.prepare()
    await trail.append(body(1))
    times["now"] = at - timedelta(hours=1)
    await trail.append(body(2))
    times["now"] = at + timedelta(seconds=1)
    await trail.append(body(3))

    one, two, three = await trail.leaves()
    assert "clock" not in one
    assert "clock" not in three
    assert two["clock"] == "held"
    assert one["recorded_at"] == two["recorded_at"] < three["recorded_at"]
    restarted = writer(database, clock=lambda: at - timedelta(days=1))
    await database["state"].update_one({}, {"$set": {"lease_until": at - timedelta(days=2)}})
    await restarted.append(body(4))
    assert (await restarted.leaves())[-1]["recorded_at"] == three["recorded_at"]


async def test_entries_left_behind_by_a_crash_roll_forward_and_no_old_size_is_signed_again(
    database: Database,
) -> None:
    async with a_trail(database, 250) as trail:
        before = await trail.parts.trail.newest()
        # As after a kill between the entries (and the tile they fill) and the state.
        state = await database["state"].find_one({"_id": STATE})
        await trail.grow(250, 260)
        await database["state"].replace_one({"_id": STATE}, state or {})
        await database["state"].update_one(
            {}, {"$set": {"lease_until": datetime(2000, 1, 1, tzinfo=UTC)}}
        )

        restarted = writer(database)
        await restarted.append(body(260), body(255))
        await restarted.sign()

        assert ids(await restarted.leaves()) == [f"evt_{n:032d}" for n in range(261)]
        notes = await restarted.parts.trail.checkpoints_from(0)
        assert [c.size for c in notes] == [250, 261]
        assert notes[0] == before
        assert not (await restarted.check()).faults


async def test_half_a_batch_rolls_forward_and_the_rest_follows(database: Database) -> None:
    async with a_trail(database, 3) as trail:
        state = await database["state"].find_one({"_id": STATE})
        await trail.append(body(3), body(4))
        await database["state"].replace_one({"_id": STATE}, {**(state or {}), "holder": None})

        restarted = writer(database)
        await restarted.append(body(3), body(4), body(5), body(6))

        assert ids(await restarted.leaves()) == [f"evt_{n:032d}" for n in range(7)]


async def left_behind(database: Database, trail: OneTrail, *bodies: bytes) -> OneTrail:
    """The entries of these bodies, as after a kill between them and the state; the next writer."""
    state = await database["state"].find_one({"_id": STATE})
    await trail.append(*bodies, offset=3)
    await database["state"].replace_one({"_id": STATE}, {**(state or {}), "holder": None})
    return writer(database)


async def test_what_a_crash_left_counts_once_the_stream_has_given_it_again_however_it_is_cut(
    database: Database,
) -> None:
    async with a_trail(database) as trail:
        await trail.append(*(body(n) for n in range(3)), offset=0)
        conflict = body(1, urgency="same_day")
        restarted = await left_behind(database, trail, body(3), body(2), conflict, b"[", body(4))

        assert len(await restarted.leaves()) == 3
        await restarted.append(body(3), offset=3)
        assert len(await restarted.leaves()) == 4, "what was not given yet waits"
        again = writer(database, same=restarted)  # at the worst moment
        await again.append(body(2), conflict, offset=4)
        await again.append(b"[", body(4), body(5), offset=6)
        await again.sign()

        kinds = [leaf["event"]["type"].removeprefix("referral.") for leaf in await again.leaves()]
        assert kinds[3:] == ["received", "trail.conflict", "trail.rejected", "received", "received"]
        assert (await again.parts.trail.state())["offset"] == 8
        assert not (await again.check()).faults


async def test_an_entry_that_no_service_emitted_is_not_adopted_and_not_sealed(
    database: Database,
) -> None:
    """Written behind the size with rights on the database alone: it has its place and its hash."""
    async with a_trail(database) as trail:
        await trail.append(*(body(n) for n in range(3)), offset=0)
        await trail.sign()
        forged = await left_behind(database, trail, body(7))

        with pytest.raises(Damaged, match="entry_not_emitted at 3"):
            await forged.append(body(3), offset=3)
        await forged.parts.signer.sign()

        assert (await forged.parts.trail.state())["size"] == 3
        assert [c.size for c in await forged.parts.trail.checkpoints_from(0)] == [3]
        fault = await database["faults"].find_one({})
        assert fault is not None
        assert (fault["code"], fault["seq"]) == ("entry_not_emitted", 3)
        await database["entries"].delete_one({"seq": 3})  # by the operator
        await forged.append(body(3), offset=3)
        assert ids(await forged.leaves()) == [f"evt_{n:032d}" for n in range(4)]


async def test_what_a_crash_left_of_a_stream_that_was_lost_since_is_adopted(
    database: Database,
) -> None:
    async with a_trail(database) as trail:
        await trail.append(*(body(n) for n in range(3)), offset=0)
        restarted = await left_behind(database, trail, body(3), body(4))
        read = await restarted.parts.sequencer.last_read()
        assert read is not None
        for _ in range(2):  # told twice, entered once
            await restarted.parts.sequencer.broken(Break(read, "younger", 0))
        assert await restarted.parts.sequencer.last_read() is None
        await restarted.append(body(5), body(1), offset=0)

        leaves = await restarted.leaves()
        types = [leaf["event"]["type"].partition(".")[0] for leaf in leaves]
        assert types == [*5 * ["referral"], "trail", "referral"]


async def test_a_hole_behind_the_size_stops_the_writer(database: Database) -> None:
    async with a_trail(database, 3) as trail:
        state = await database["state"].find_one({"_id": STATE})
        await trail.append(body(3), body(4))
        await database["state"].replace_one({"_id": STATE}, {**(state or {}), "holder": None})
        await database["entries"].delete_one({"seq": 3})

        with pytest.raises(Damaged, match="entry_missing at 3"):
            await writer(database).append(body(9))


async def test_of_two_writers_the_older_is_fenced_and_nothing_is_sequenced_twice(
    database: Database,
) -> None:
    async with a_trail(database, 3) as older:
        # Paused past its lease, say: another takes over.
        await database["state"].update_one(
            {}, {"$set": {"lease_until": datetime(2000, 1, 1, tzinfo=UTC)}}
        )
        newer = writer(database)
        await newer.append(body(3), body(4))

        await database["state"].update_one(
            {}, {"$set": {"lease_until": now() + timedelta(minutes=1)}}
        )
        late = asyncio.create_task(older.append(body(3), body(5)))
        # It finds its places taken, looks again, and waits for a lease it doesn't get.
        done, _ = await asyncio.wait({late}, timeout=1.0)
        assert not done
        late.cancel()
        await asyncio.gather(late, return_exceptions=True)
        await newer.append(body(5))

        assert ids(await newer.leaves()) == [f"evt_{n:032d}" for n in range(6)]


async def test_a_fenced_writers_stray_entries_are_adopted_once(database: Database) -> None:
    async with a_trail(database, 3) as zombie:
        await database["state"].update_one(
            {}, {"$set": {"lease_until": datetime(2000, 1, 1, tzinfo=UTC)}}
        )
        newer = writer(database)
        assert await newer.parts.sequencer.last_read() is None
        await database["state"].update_one(
            {}, {"$set": {"lease_until": now() + timedelta(minutes=1)}}
        )

        with pytest.raises(Fenced):  # it inserts, then its compare-and-set misses
            await zombie.append(body(3), body(4))
        await newer.append(body(3), body(4), body(5))

        assert ids(await newer.leaves()) == [f"evt_{n:032d}" for n in range(6)]
        await newer.sign()
        assert not (await newer.check()).faults


async def test_two_signers_never_make_two_checkpoints_of_one_size(database: Database) -> None:
    async with a_trail(database, 3) as one:
        await one.append(body(3))
        other = writer(database)

        await asyncio.gather(*(t.parts.signer.sign() for t in (one, other, one, other)))

        sizes = [c.size for c in await one.parts.trail.checkpoints_from(0)]
        assert sizes == [3, 4]


async def test_events_out_of_order_stay_in_the_order_they_came_and_nothing_is_lost(
    database: Database,
) -> None:
    async with a_trail(database) as trail:
        await trail.append(*(body(n, subject="ref_a", version=n) for n in (1, 3, 2)))

        assert ids(await trail.leaves()) == [f"evt_{n:032d}" for n in (1, 3, 2)]


async def test_tiles_and_roots_are_exact_at_the_edges_of_a_tile(database: Database) -> None:
    async with a_trail(database, 255) as trail:
        tree = trail.parts.trail.tree
        for size in (255, 256, 257):
            await trail.grow(size - 1, size)  # the first of them is there already
            hashes = [bytes(d["leaf_hash"]) async for d in trail.parts.trail.scan({}, size)]
            state = await trail.parts.trail.state()

            assert (len(hashes), state["size"]) == (size, size)
            assert state["root"] == root_of(hashes)
            assert (await tree.edge(size)).root() == root_of(hashes)
            assert (await tree.edge(100)).root() == root_of(hashes[:100])
            assert await database["tiles"].count_documents({}) == size // 256

        # The tile that is full by now does not count yet for a smaller size.
        assert [len(level) for level in (await tree.edge(256 + 1)).levels] == [1, 1]
        assert [len(level) for level in (await tree.edge(200)).levels] == [200]


async def test_a_new_key_signs_beside_the_old_and_then_alone_each_within_its_sizes(
    database: Database,
) -> None:
    async with a_trail(database, 3) as old:
        both = writer(database, seed=OTHER_SEED, old=SEED, same=old)
        await both.append(body(3))
        await both.sign()
        new = writer(database, seed=OTHER_SEED, same=both)
        await new.append(body(4))
        await new.sign()

        keys = {e.verifier_key: (e.first, e.last) for e in await new.parts.ring.entries()}
        assert keys == {old.key: (0, 4), new.key: (4, None)}
        notes = {c.size: c.note for c in await new.parts.trail.checkpoints_from(0)}
        assert [notes[size].count("— ") for size in (3, 4, 5)] == [1, 2, 1]
        assert not (await new.check()).faults
        outbox = [e["body"] async for d in database["keys"].find() for e in d["outbox"]]
        changes = [json.loads(e)["data"]["change"] for e in outbox]
        assert sorted(changes) == ["introduced", "introduced", "retired"]


async def test_a_new_key_that_comes_alone_signs_nothing(database: Database) -> None:
    async with a_trail(database, 3) as trail:
        await trail.append(body(3))

        with pytest.raises(UnknownSigner):
            await writer(database, seed=OTHER_SEED).parts.signer.sign()
        assert [c.size for c in await trail.parts.trail.checkpoints_from(0)] == [3]


async def test_nothing_is_signed_twice_for_one_size_however_often_it_is_tried(
    database: Database,
) -> None:
    async with a_trail(database, 3) as trail:
        first = await database["checkpoints"].find_one({"_id": 3})
        for _ in range(3):
            assert await trail.parts.signer.sign() is None

        assert await database["checkpoints"].find_one({"_id": 3}) == first
        assert await database["checkpoints"].count_documents({}) == 1


async def test_reading_the_feed_again_from_the_start_adds_nothing(database: Database) -> None:
    async with a_trail(database) as trail:
        batch = feed(*(body(n) for n in range(60)), offset=0)
        await trail.parts.sequencer.append(batch[:40])
        await trail.parts.sequencer.append(batch[40:])
        for start in range(0, 60, 20):
            await trail.parts.sequencer.append(batch[start : start + 20])

        assert len(await trail.leaves()) == 60


async def test_a_key_introduced_while_the_self_check_runs_is_no_fault(database: Database) -> None:
    async with a_trail(database, 3) as old:
        before = await old.parts.ring.trusted()
        both = writer(database, seed=OTHER_SEED, old=SEED, same=old)
        await both.append(body(3))
        await both.sign()
        new = writer(database, seed=OTHER_SEED, same=both)
        await new.append(body(4))
        await new.sign()
        answers = [await new.parts.ring.trusted(), before]

        async def trusted() -> list[TrustedKey]:
            return answers.pop()

        async def found(damage: Damaged) -> None:
            raise AssertionError(damage)

        assert not (await new.parts.check.once(trusted, found)).faults
        assert answers == []
