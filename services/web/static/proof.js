// Checks the trail in this browser: what is green here, this file has computed itself. The rules are those
// of the offline verifier (services/audit/verify): RFC 9162 trees, C2SP signed notes and checkpoints.

export class Wrong extends Error {} // it does not fit: shown red
export class CantTell extends Error {} // neither can be told: shown grey

const HASH = 32;
const LARGEST_NOTE = 1_000_000;
const MOST_SIGNATURES = 100;
const OUR_ID = /[a-z]{2,5}_[0-9a-f]{32}/g;
const encoder = new TextEncoder();

// --- bytes

const joined = (...parts) => {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) { all.set(part, at); at += part.length; }
  return all;
};
const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);
const isHash = (value) => value instanceof Uint8Array && value.length === HASH;
const isWhole = (value) => Number.isSafeInteger(value) && value >= 0;
const half = (value) => Math.floor(value / 2); // shifts have 32 bits only

export const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

// Base64 written the one canonical way (RFC 4648, 3.5); null for anything else.
export function decoded(text) {
  try {
    const raw = atob(text);
    return btoa(raw) === text ? Uint8Array.from(raw, (char) => char.charCodeAt(0)) : null;
  } catch { return null; }
}

const hashesOf = (texts) => {
  const found = Array.isArray(texts) ? texts.map((text) => typeof text === "string" ? decoded(text) : null) : [null];
  if (!found.every(isHash)) throw new CantTell("the proof that the trail gave is not one");
  return found;
};

async function sha256(bytes) {
  if (!globalThis.crypto?.subtle) throw new CantTell("this browser computes no hashes on this page: it needs https");
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

// --- trees (RFC 9162, 2.1)

export const leafHash = (raw) => sha256(joined([0], typeof raw === "string" ? encoder.encode(raw) : raw));
export const nodeHash = (left, right) => sha256(joined([1], left, right));

const largestPowerBelow = (size) => {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
};

// The ranges of leaves whose roots lead from a leaf to the root.
function inclusionRanges(index, size) {
  const ranges = [];
  for (let [start, end] = [0, size]; end - start > 1;) {
    const middle = start + largestPowerBelow(end - start);
    ranges.unshift(index < middle ? [middle, end] : [start, middle]);
    if (index < middle) end = middle; else start = middle;
  }
  return ranges;
}

// How many hashes that takes.
export const inclusionLength = (index, size) => inclusionRanges(index, size).length;

// How many hashes show that one tree extends another; of equal ones and the empty one, none.
export function consistencyLength(first, second) {
  if (first === 0 || first === second) return 0;
  let [start, end, whole, count] = [0, second, true, 0];
  for (; first !== end; count += 1) {
    const middle = start + largestPowerBelow(end - start);
    if (first <= middle) end = middle; else { start = middle; whole = false; }
  }
  return whole ? count : count + 1;
}

// RFC 9162, 2.1.3.2.
export async function includes(index, size, leaf, path, root) {
  if (!isWhole(index) || !isWhole(size) || index >= size || ![leaf, root, ...path].every(isHash)) return false;
  let [place, last, computed] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return false;
    if (place % 2 || place === last) {
      computed = await nodeHash(sibling, computed);
      while (place && place % 2 === 0) { place = half(place); last = half(last); }
    } else {
      computed = await nodeHash(computed, sibling);
    }
    place = half(place);
    last = half(last);
  }
  return last === 0 && same(computed, root);
}

// RFC 9162, 2.1.4.2, for 0 < first < second.
export async function grows(first, second, oldRoot, newRoot, path) {
  if (!isWhole(first) || !isWhole(second) || first < 1 || first >= second) return false;
  if (![oldRoot, newRoot, ...path].every(isHash)) return false;
  const isPower = largestPowerBelow(first + 1) === first;
  const rest = isPower ? [oldRoot, ...path] : [...path];
  if (!rest.length) return false;
  let [place, last] = [first - 1, second - 1];
  while (place % 2) { place = half(place); last = half(last); }
  let [before, after] = [rest[0], rest[0]];
  for (const sibling of rest.slice(1)) {
    if (last === 0) return false;
    if (place % 2 || place === last) {
      before = await nodeHash(sibling, before);
      after = await nodeHash(sibling, after);
      while (place && place % 2 === 0) { place = half(place); last = half(last); }
    } else {
      after = await nodeHash(after, sibling);
    }
    place = half(place);
    last = half(last);
  }
  return last === 0 && same(before, oldRoot) && same(after, newRoot);
}

// --- signed notes (C2SP signed-note) and checkpoints (C2SP tlog-checkpoint)

const isName = (name) => name !== "" && !/[\s+]/u.test(name);

// A verifier key `name+id+key`, and the sizes for which it counts.
export async function keyOf(text, first = 0, last = null) {
  const [, name, id, encoded] = /^([^+]*)\+([^+]*)\+(.*)$/u.exec(text.trim()) ?? [];
  const raw = decoded(encoded ?? "");
  if (!isName(name ?? "") || raw?.length !== 33 || raw[0] !== 1) throw new CantTell("that is no key of a trail: name+id+key, Ed25519");
  const its = (await sha256(joined(encoder.encode(`${name}\n`), raw))).slice(0, 4);
  if (hex(its) !== id) throw new CantTell("the id in that key does not belong to it");
  return { text: text.trim(), name, id, public: raw.slice(1), first, last };
}

async function madeBy(key, signature, bytes) {
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key.public, { name: "Ed25519" }, false, ["verify"]);
  } catch (error) {
    if (error.name === "NotSupportedError") throw new CantTell("this browser can't check Ed25519 signatures: use a newer one, or the offline verifier");
    return false;
  }
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature, bytes);
}

const noNote = (why) => new CantTell(`not a signed checkpoint: ${why}`);

function signatureOf(line) {
  const [, name, encoded] = /^— ([^ ]*) (.*)$/u.exec(line) ?? [];
  const raw = decoded(encoded ?? "");
  if (!isName(name ?? "") || raw === null || raw.length < 5) throw noNote("a line that signs nothing");
  return { name, id: hex(raw.slice(0, 4)), made: raw.slice(4) };
}

function partsOf(note) {
  if (encoder.encode(note).length > LARGEST_NOTE) throw noNote("it is too long");
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note) || !note.endsWith("\n")) throw noNote("it was copied incompletely");
  const gap = note.lastIndexOf("\n\n");
  const lines = gap < 0 ? [] : note.slice(gap + 2, -1).split("\n");
  if (!lines.length || note.length === gap + 2) throw noNote("it has no signature");
  if (lines.length > MOST_SIGNATURES) throw noNote("it has too many signatures");
  return [note.slice(0, gap + 1), lines];
}

function sealed(text) {
  const lines = text.split("\n");
  const root = decoded(lines[2] ?? "");
  if (lines.length < 4 || lines.at(-1) !== "" || !lines.slice(0, -1).every(Boolean)) throw noNote("it has not three lines");
  if (!/^(0|[1-9][0-9]{0,18})$/.test(lines[1]) || !isWhole(Number(lines[1])) || !isHash(root)) throw noNote("its size or its root is none");
  return { origin: lines[0], size: Number(lines[1]), root };
}

// The checkpoint in a note that one of these keys signed, for a size at which it counts. `Wrong` where a key
// is named with a signature that it never made.
export async function openCheckpoint(note, keys) {
  const [text, lines] = partsOf(note);
  const signers = [];
  for (const line of lines) {
    const one = signatureOf(line);
    const key = keys.find((each) => each.name === one.name && each.id === one.id);
    if (!key) continue; // of a witness, or of somebody else: never counted
    if (!(await madeBy(key, one.made, encoder.encode(text)))) throw new Wrong(`the signature in the name of key ${one.name}+${one.id} was not made by it`);
    signers.push(key);
  }
  const found = sealed(text);
  const named = signers.filter((key) => key.name === found.origin);
  if (!named.length) throw new CantTell("it is signed by no key that you keep");
  const counting = named.filter((key) => key.first <= found.size && (key.last === null || found.size <= key.last));
  if (!counting.length) throw new CantTell("it is signed by a key that does not count at its size");
  return { ...found, note, key: counting[0] };
}

// --- what a proof shows

// That the newer checkpoint only adds to the older; says so in words. `ask` gets the proof.
export async function extended(older, newer, ask) {
  if (older.origin !== newer.origin) throw new CantTell(`the checkpoint you keep is of another trail: ${older.origin}`);
  if (newer.size < older.size) throw new Wrong(`the trail was cut: the checkpoint you keep seals ${older.size} entries, the newest one ${newer.size}`);
  if (newer.size === older.size) {
    if (!same(older.root, newer.root)) throw new Wrong(`two signed histories of ${older.size} entries: ${hex(older.root)} and ${hex(newer.root)}`);
    return `it is the checkpoint of ${older.size} entries that you keep`;
  }
  if (older.size === 0) {
    if (!same(older.root, await sha256(new Uint8Array()))) throw new Wrong("a signed checkpoint of no entries has the root of some");
    return "the checkpoint that you keep was of an empty trail";
  }
  const proof = await ask(older.size, newer.size);
  const path = hashesOf(proof?.hashes);
  if (proof.first !== older.size || proof.second !== newer.size) throw new CantTell("the proof is between other sizes");
  if (path.length !== consistencyLength(older.size, newer.size)) throw new CantTell("the proof is not whole");
  if (!(await grows(older.size, newer.size, older.root, newer.root, path))) throw new Wrong(`the trail of ${newer.size} entries does not extend the ${older.size} that you keep: one of the entries 0 to ${older.size - 1} was changed, or the proof was`);
  return `the trail of ${newer.size} entries extends the checkpoint of ${older.size} that you keep: none of those was changed, removed or reordered`;
}

// That these bytes are the entry at that place, as sealed.
export async function included(seq, raw, checkpoint, proof) {
  const path = hashesOf(proof?.hashes);
  if (proof.seq !== seq || proof.size !== checkpoint.size) throw new CantTell("the proof is of something else");
  if (!isWhole(seq) || seq >= checkpoint.size) throw new CantTell("there is no such place in that trail");
  if (path.length !== inclusionLength(seq, checkpoint.size)) throw new CantTell("the proof is not whole");
  if (!(await includes(seq, checkpoint.size, await leafHash(raw), path, checkpoint.root))) throw new Wrong(`entry ${seq} is not what was sealed, or its proof was changed`);
}

// That what a page shows of an entry is in the entry: time, kind, the ids in the sentence.
export function shown(line, raw) {
  const leaf = JSON.parse(raw);
  if (leaf.recorded_at !== line.at || leaf.event.type !== line.type) throw new Wrong(`entry ${line.seq} is as it was sealed, but this page shows another time or kind of it`);
  const other = (line.says.match(OUR_ID) ?? []).find((id) => !raw.includes(id));
  if (other) throw new Wrong(`entry ${line.seq} is as it was sealed, but the sentence here names ${other}, which is not in it`);
  if (line.story && !raw.includes(line.story)) throw new CantTell(`entry ${line.seq} is as it was sealed, but does not name this referral`);
}
