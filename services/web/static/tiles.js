// Where the trail gives no proof, one made here of its tiles (C2SP tlog-tiles): 256 hashes each, of every
// eighth level of the tree. One file with proof.js before it.

const WIDTH = 256;

// A reader of the roots of perfect subtrees in the tree of that size. `fetched` gives a tile by its path.
function nodesOf(size, fetched) {
  const held = new Map();
  const tile = (level, place) => {
    const width = Math.min(WIDTH, Math.floor(size / WIDTH ** level) - place * WIDTH);
    const digits = String(place).padStart(Math.ceil(String(place).length / 3) * 3, "0").match(/.{3}/g);
    const path = [level, ...digits.map((three, at) => at + 1 < digits.length ? `x${three}` : three)].join("/");
    const whole = width === WIDTH ? path : `${path}.p/${width}`;
    if (!held.has(whole)) held.set(whole, fetched(whole));
    return held.get(whole);
  };
  return async (level, index) => {
    const count = 2 ** (level % 8);
    const [place, from] = [Math.floor(index * count / WIDTH), index * count % WIDTH];
    const bytes = await tile(Math.floor(level / 8), place);
    let hashes = Array.from({ length: count }, (_, at) => bytes.slice((from + at) * HASH, (from + at + 1) * HASH));
    if (!hashes.every(isHash)) throw new CantTell("the tile that the trail gave is cut off");
    while (hashes.length > 1) hashes = await Promise.all(hashes.filter((_, at) => at % 2 === 0).map((left, at) => nodeHash(left, hashes[2 * at + 1])));
    return hashes[0];
  };
}

// The root of a range, from those of its perfect subtrees, the largest first.
async function rangeHash([start, end], node) {
  const found = [];
  while (start < end) {
    const leaves = largestPowerBelow(end - start + 1);
    found.push(await node(Math.log2(leaves), start / leaves));
    start += leaves;
  }
  let total = found.pop();
  while (found.length) total = await nodeHash(found.pop(), total);
  return total;
}

// For an entry that the trail gives no proof of: what the sealed tree has at its place. Raises always: `Wrong`
// where that is shown to be another entry.
export async function contradicted(seq, raw, checkpoint, fetched) {
  const node = nodesOf(checkpoint.size, fetched);
  const sealedHash = await node(0, seq);
  const path = [];
  for (const range of inclusionRanges(seq, checkpoint.size)) path.push(await rangeHash(range, node));
  const known = await includes(seq, checkpoint.size, sealedHash, path, checkpoint.root);
  if (known && !same(sealedHash, await leafHash(raw))) throw new Wrong(`entry ${seq} is not what was sealed: the sealed tree has another hash at its place`);
  throw new CantTell(`the trail gives no proof of entry ${seq}: it says itself that it is damaged here`);
}
