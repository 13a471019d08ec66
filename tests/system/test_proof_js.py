"""The browser's proof against the trail's own trees, keys and notes: it agrees with them, and nothing of
which one byte was changed is ever green.
"""

import base64
import hashlib
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest_asyncio
from playwright.async_api import Page

from services.audit.log.checkpoints import Checkpoint, TrustedKey, open_checkpoint
from services.audit.log.notes import BadKey, BadNote, VerifierKey
from services.audit.log.signing import SigningKey
from services.audit.log.tiles import HEIGHT, WIDTH, tiles_at
from services.audit.log.tree import (
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    proof_of,
    root_of,
)
from tests.harness.browser import browsing
from tests.harness.vectors import vectors
from tests.unit.test_audit_tree import LEAVES, REFERENCE, ROOTS, many, reader

HERE = "http://127.0.0.1:1/"
STATIC = Path("services/web/static")
PROOF = "\n".join((STATIC / name).read_text("utf-8") for name in ("proof.js", "tiles.js"))
ORIGIN = "trail.example/log"
SIZES = (*range(1, 18), 31, 32, 33, 64, 100)
LARGER = (255, 256, 257, 1000)
Case = dict[str, Any]
JUDGE = """async cases => {
  const proof = await import("/proof.js");
  const raw = text => Uint8Array.from(text.match(/../g) ?? [], byte => parseInt(byte, 16));
  const verdict = error => {
    if (error instanceof proof.Wrong) return "wrong";
    if (error instanceof proof.CantTell) return "unknown";
    throw error;
  };
  const judges = {
    leaf: async one => proof.hex(await proof.leafHash(raw(one.raw))),
    inclusion: one => proof.includes(one.index, one.size, raw(one.leaf), one.path.map(raw), raw(one.root)),
    inclusions: one => proof.inclusionLength(one.index, one.size),
    consistency: one => proof.grows(one.first, one.second, raw(one.old), raw(one.root), one.path.map(raw)),
    consistencies: one => proof.consistencyLength(one.first, one.second),
    tiles: async one => {
      const checkpoint = { size: one.size, root: raw(one.root) };
      try { await proof.contradicted(one.index, one.raw, checkpoint, async path => raw(one.tiles[path])); }
      catch (error) { return verdict(error); }
    },
    note: async one => {
      try {
        const keys = await Promise.all(one.keys.map(given => proof.keyOf(...given)));
        const found = await proof.openCheckpoint(one.note, keys);
        return [found.origin, found.size, proof.hex(found.root)];
      } catch (error) { return verdict(error); }
    },
  };
  const said = [];
  for (const one of cases) said.push(await judges[one.judge](one));
  return said;
}"""


@pytest_asyncio.fixture(scope="module")
async def page() -> AsyncIterator[Page]:
    """A page that has the script, and nothing else."""
    async with browsing() as browser:
        found = await browser.new_page()
        await found.route(
            f"{HERE}proof.js",
            lambda route: route.fulfill(body=PROOF, content_type="text/javascript"),
        )
        await found.route(HERE, lambda route: route.fulfill(body="", content_type="text/html"))
        await found.goto(HERE)
        yield found


async def judged(page: Page, cases: Sequence[Case]) -> list[Any]:
    found: list[Any] = await page.evaluate(JUDGE, list(cases))
    assert len(found) == len(cases) > 0
    return found


def hexes(hashes: Sequence[bytes]) -> list[str]:
    return [one.hex() for one in hashes]


def flipped(value: str, chance: random.Random) -> str:
    """The same with one bit changed."""
    raw = bytearray.fromhex(value)
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    return raw.hex()


def changed(case: Case, names: Sequence[str], chance: random.Random) -> Iterator[Case]:
    """The same case with one byte changed, in each of its parts; and with a path of another length."""
    for name in names:
        yield {**case, name: flipped(case[name], chance)}
    path: list[str] = case["path"]
    for place, one in enumerate(path):
        yield {**case, "path": [*path[:place], flipped(one, chance), *path[place + 1 :]]}
        yield {**case, "path": [*path[:place], one[:-2], *path[place + 1 :]]}
    if path:
        yield {**case, "path": path[:-1]}
    yield {**case, "path": [*path, "00" * 32]}
    yield longer(case, [name for name in names if name != "leaf"])


def longer(case: Case, roots: Sequence[str]) -> Case:
    """The same under a root of its own, one step higher than a tree of that size goes."""
    higher = {name: node_hash(bytes(32), bytes.fromhex(case[name])).hex() for name in roots}
    return {**case, **higher, "path": [*case["path"], "00" * 32]}


def inclusion(leaves: list[bytes], index: int) -> Case:
    *path, root = proof_of(
        [*inclusion_ranges(index, len(leaves)), (0, len(leaves))], reader(leaves)
    )
    case = {"judge": "inclusion", "index": index, "size": len(leaves)}
    return {**case, "leaf": leaves[index].hex(), "path": hexes(path), "root": root.hex()}


def consistency(leaves: list[bytes], first: int) -> Case:
    read, second = reader(leaves), len(leaves)
    old, root = proof_of([(0, first), (0, second)], read)
    path = proof_of(consistency_ranges(first, second), read)
    case = {"judge": "consistency", "first": first, "second": second}
    return {**case, "old": old.hex(), "root": root.hex(), "path": hexes(path)}


async def test_leaves_and_trees_are_those_of_the_reference(page: Page) -> None:
    leaves = [{"judge": "leaf", "raw": leaf} for leaf in LEAVES]
    assert await judged(page, leaves) == hexes(REFERENCE)

    proofs = [inclusion(REFERENCE[:size], index) for size in range(1, 9) for index in range(size)]
    assert [one["root"] for one in proofs] == [ROOTS[one["size"] - 1] for one in proofs]
    assert all(await judged(page, proofs))


async def test_every_entry_of_a_tree_is_included_and_none_with_one_byte_changed(page: Page) -> None:
    chance = random.Random(1)
    places = [(size, index) for size in SIZES for index in range(size)]
    places += [(size, chance.randrange(size)) for size in LARGER for _ in range(5)]
    trees = {size: many(size) for size in {*SIZES, *LARGER}}
    right = [inclusion(trees[size], index) for size, index in places]
    picked = chance.sample(right, 150)
    wrong = [one for case in picked for one in changed(case, ("leaf", "root"), chance)]
    other = [{**one, "index": one["index"] ^ 1} for one in right if one["size"] > 1]
    larger = [{**one, "size": one["size"] * 2} for one in right]
    nothing = {**right[0], "leaf": "", "root": ""}

    assert all(await judged(page, right))
    assert not any(await judged(page, [*wrong, *other, *larger, nothing]))
    lengths = [{**one, "judge": "inclusions"} for one in right]
    assert await judged(page, lengths) == [len(one["path"]) for one in right]


async def test_every_earlier_tree_is_extended_and_none_with_one_byte_changed(page: Page) -> None:
    chance = random.Random(2)
    places = [(size, first) for size in SIZES[1:] for first in range(1, size)]
    places += [(size, chance.randrange(1, size)) for size in LARGER for _ in range(5)]
    trees = {size: many(size) for size in {*SIZES, *LARGER}}
    right = [consistency(trees[size], first) for size, first in places]
    picked = chance.sample(right, 150)
    wrong = [one for case in picked for one in changed(case, ("old", "root"), chance)]

    larger = [{**one, "second": one["second"] * 2} for one in right]

    assert all(await judged(page, right))
    assert not any(await judged(page, [*wrong, *larger]))
    lengths = [{**one, "judge": "consistencies"} for one in right]
    assert await judged(page, lengths) == [len(one["path"]) for one in right]
    assert await judged(
        page, [{**lengths[0], "first": 0}, {**lengths[0], "first": 7, "second": 7}]
    ) == [0, 0]


def under_tiles(size: int, index: int, said: str) -> Case:
    """An entry that says this, in the trail of "entry 0", "entry 1" and so on, as its tiles have them."""
    leaves = [leaf_hash(f"entry {number}".encode()) for number in range(size)]
    read = reader(leaves)
    tiles = {
        tile.path.removeprefix("tile/"): b"".join(
            read((HEIGHT * tile.level, tile.index * WIDTH + at)) for at in range(tile.width)
        ).hex()
        for tile in tiles_at(size)
    }
    case = {"judge": "tiles", "size": size, "index": index, "raw": said, "tiles": tiles}
    return {**case, "root": root_of(leaves).hex()}


async def test_of_an_entry_without_a_proof_the_tiles_tell_whether_it_was_changed(
    page: Page,
) -> None:
    chance = random.Random(4)
    places = [(size, chance.randrange(size)) for size in (1, 2, 7, 255, 256, 257, 300, 512, 700)]
    forged = [under_tiles(size, index, "another entry") for size, index in places]
    as_sealed = [under_tiles(size, index, f"entry {index}") for size, index in places]
    of_other_tiles = [{**one, "root": flipped(one["root"], chance)} for one in forged]

    assert set(await judged(page, forged)) == {"wrong"}
    assert set(await judged(page, as_sealed)) == {"unknown"}
    assert set(await judged(page, of_other_tiles)) == {"unknown"}


def key(number: int, name: str = ORIGIN) -> SigningKey:
    return SigningKey.parse(f"{name}+{base64.b64encode(bytes([number]) * 32).decode()}")


def told(note: str, keys: Sequence[TrustedKey]) -> Any:
    """What the trail's own verifier says of a note, as the script says it."""
    try:
        found = open_checkpoint(note.encode(), keys)
    except BadNote as error:
        return "wrong" if "signature is wrong" in str(error) else "unknown"
    return [found.origin, found.size, found.root.hex()]


def noted(note: str, keys: Sequence[TrustedKey]) -> Case:
    given = [[str(each.key), each.first, each.last] for each in keys]
    return {"judge": "note", "note": note, "keys": given}


async def test_notes_are_judged_as_the_offline_verifier_does_whatever_is_changed(
    page: Page,
) -> None:
    chance, ours, witness = random.Random(3), key(1), key(2, "witness.example")
    checkpoint = Checkpoint(ORIGIN, 1234, leaf_hash(b"root"))
    note = checkpoint.sign([ours, witness])
    trust = [TrustedKey(ours.verifier)]
    notes = [
        *(note, checkpoint.sign([key(3)]), checkpoint.sign([key(1, "other.example")]), ""),
        *(note.replace("1234", size) for size in ("01234", "-1", "1e3", "9" * 20, "٣")),
        *(note[:end] for end in range(0, len(note), 7)),
        *(note[:at] + chance.choice("\n\t +=A9—\x00é") + note[at + 1 :] for at in range(len(note))),
        *(note[:at] + chance.choice("\n A") + note[at:] for at in range(len(note))),
    ]
    notes += [checkpoint.sign([ours] * count) for count in (99, 100, 101)]
    cases = [(one, trust) for one in notes]
    cases += [
        (note, [TrustedKey(ours.verifier, *span)]) for span in ((0, 1233), (1235, None), (5, 1234))
    ]
    cases += [(note, [TrustedKey(key(9).verifier), *trust]), (note, [TrustedKey(witness.verifier)])]

    said = await judged(page, [noted(*one) for one in cases])

    differ = [(one, mine) for one, mine in zip(cases, said, strict=True) if mine != told(*one)]
    assert not differ
    assert {str(one) for one in said} > {"wrong", "unknown"}
    assert said[0] == [ORIGIN, 1234, checkpoint.root.hex()]


async def test_a_key_that_is_none_and_signatures_of_others_are_never_green(page: Page) -> None:
    note = Checkpoint(ORIGIN, 7, leaf_hash(b"root")).sign([key(1)])
    verifier = str(key(1).verifier)
    keys = ["", "a name", verifier[:-1], verifier.replace("+", "-"), f"x{verifier}"]
    keys += [verifier[:at] + "Q" + verifier[at + 1 :] for at in range(len(verifier))]
    cases = [{"judge": "note", "note": note, "keys": [[each]]} for each in keys if each != verifier]

    cases.append(of_another_kind())

    assert set(await judged(page, cases)) == {"unknown"}


def of_another_kind() -> Case:
    """A note and a key that fit in all but what the key is for: cosignatures (C2SP tlog-cosignature)."""
    signing, raw = key(1), b"\x04" + key(1).verifier.public
    its = hashlib.sha256(ORIGIN.encode() + b"\n" + raw).digest()[:4]
    text = Checkpoint(ORIGIN, 7, leaf_hash(b"root")).text()
    made = base64.b64encode(its + signing.private.sign(text.encode())).decode()
    verifier = f"{ORIGIN}+{its.hex()}+{base64.b64encode(raw).decode()}"
    return {"judge": "note", "note": f"{text}\n— {ORIGIN} {made}\n", "keys": [[verifier]]}


async def test_notes_of_others_are_judged_as_the_offline_verifier_does(page: Page) -> None:
    known = [
        (one["msg"], _trusted(one["vkeys"]))
        for one in vectors("signed_note")["open"]
        if "msg" in one
    ]
    cases = [(note, keys) for note, keys in known if keys]

    said = await judged(page, [noted(*one) for one in cases])

    assert said == [told(*one) for one in cases]


def _trusted(texts: Sequence[str]) -> list[TrustedKey]:
    try:
        return [TrustedKey(VerifierKey.parse(text)) for text in texts]
    except BadKey:
        return []
