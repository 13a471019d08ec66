// The "Check" button. One file with proof.js before it (services/web/app.py): a page loads three files at most.
// What is kept, is kept in this browser, under the name of the trail: its key, and a checkpoint.
(() => {
  const place = document.querySelector("[data-proof]");
  if (!place) return;
  const part = (name) => place.querySelector(`[data-${name}]`);
  const purpose = encodeURIComponent(place.dataset.purpose);
  const KEYS = "trail-keys ";
  const CHECKPOINT = "trail-checkpoint ";
  const AT_ONCE = 4;
  const STATES = { ok: "Checked", wrong: "Does not fit", unknown: "Can’t tell", plain: "Not compared" };

  class Damaged extends CantTell {}

  async function bytes(path) {
    let answer;
    try {
      answer = await fetch(`/trail/data/${path}`, { redirect: "error", cache: "no-store" });
    } catch { throw new CantTell("the trail can’t be reached, or you are no longer signed in"); }
    if (answer.status === 409) throw new Damaged("the trail gives no proof: it says itself that it is damaged here");
    if (!answer.ok) throw new CantTell(`the trail does not answer this (${answer.status})`);
    return new Uint8Array(await answer.arrayBuffer());
  }
  async function ask(path) {
    const raw = await bytes(path);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
    } catch { throw new CantTell("the trail’s answer can’t be read"); }
  }
  async function asked(path) {
    const text = await ask(path);
    try { return JSON.parse(text); } catch { throw new CantTell("the trail’s answer can’t be read"); }
  }

  // --- what is kept

  const read = (name) => { try { return JSON.parse(localStorage.getItem(name)); } catch { return null; } };
  const write = (name, value) => localStorage.setItem(name, JSON.stringify({ ...value, since: new Date().toISOString() }));
  const origins = () => Object.keys(localStorage).filter((name) => name.startsWith(KEYS)).map((name) => name.slice(KEYS.length));
  const day = (since) => new Date(since).toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
  const opened = (kept) => Promise.all(kept.keys.map((one) => keyOf(one.verifier_key, one.first, one.last)));

  // The keys to trust: those kept; where there are none yet, those that the trail names, which is said.
  async function trusted() {
    const [origin] = origins();
    if (origin !== undefined) return { origin, ...read(KEYS + origin), first: false };
    const told = await asked("keys");
    if (!Array.isArray(told.keys) || !told.keys.length) throw new CantTell("the trail names no key");
    return { origin: told.origin, keys: told.keys, from: "here", first: true };
  }

  const whence = (kept) => kept.from === "you"
    ? `which you gave on ${day(kept.since)}`
    : `which this browser ${kept.first ? "takes from this site now, for the first time, and keeps" : `took from this site on ${day(kept.since)}`}. Compare it with the one in your network’s agreement: a site that lies could have shown another`;

  // --- telling

  function line(state, text, to = part("said")) {
    const said = document.createElement(to.tagName === "UL" ? "li" : "p");
    said.className = `verdict ${state}`;
    const begin = document.createElement("strong");
    begin.textContent = `${STATES[state]}: `;
    said.append(begin, `${text}.`);
    to.append(said);
  }
  const stateOf = (error) => error instanceof Wrong ? "wrong" : "unknown";
  const wordsOf = (error) => error instanceof Wrong || error instanceof CantTell ? error.message : "something else went wrong in this browser";

  function evidence(...notes) {
    const box = document.createElement("pre");
    box.className = "raw";
    box.textContent = notes.join("\n");
    part("evidence").replaceChildren("Keep both of these checkpoints: together they are the evidence. Copy them to somebody else, then ask the operator.", box);
    part("evidence").hidden = false;
  }

  // --- the checks

  async function checkpoint() {
    const kept = await trusted();
    const newest = await openCheckpoint(await ask("checkpoint"), await opened(kept));
    if (newest.origin !== kept.origin) throw new CantTell("the checkpoint is of another trail than the one whose key you keep");
    if (kept.first) write(KEYS + kept.origin, { keys: kept.keys, from: "here" });
    line("ok", `the checkpoint of ${newest.size} entries, root ${hex(newest.root)}, is signed by the key ${newest.key.name}+${newest.key.id}, ${whence(kept)}`);
    return newest;
  }

  // `newest` is kept instead once it is shown to extend what was kept. Not so: the old one stays.
  async function sinceKept(newest) {
    const held = read(CHECKPOINT + newest.origin);
    if (!held) {
      write(CHECKPOINT + newest.origin, { note: newest.note });
      line("plain", `you kept no checkpoint, so nothing older was compared. This one, of ${newest.size} entries, is kept in this browser from now on`);
      return;
    }
    try {
      const older = await openCheckpoint(held.note, await opened(read(KEYS + newest.origin)));
      const said = await extended(older, newest, (first, second) => asked(`consistency?first=${first}&second=${second}`));
      line("ok", `${said}. Kept on ${day(held.since)}`);
      const still = read(CHECKPOINT + newest.origin)?.note === held.note; // no other window was quicker
      if (still && newest.size > older.size) write(CHECKPOINT + newest.origin, { note: newest.note });
    } catch (error) {
      if (error instanceof Wrong) evidence(held.note, newest.note);
      throw error;
    }
  }

  async function entry(item, newest) {
    const seq = Number(item.dataset.seq);
    const here = document.querySelector("main [data-raw]");
    const raw = here ? here.textContent : (await asked(`entries/${seq}?purpose=${purpose}`)).raw;
    if (seq >= newest.size) throw new CantTell("it is not sealed yet: check again in a moment");
    if (typeof raw !== "string") throw new CantTell("you may not see what was sealed of it");
    try {
      await included(seq, raw, newest, await asked(`inclusion?seq=${seq}&size=${newest.size}`));
    } catch (error) {
      if (!(error instanceof Damaged)) throw error;
      await contradicted(seq, raw, newest, (path) => bytes(`tile/${path}`));
    }
    const says = item.querySelector(".says").textContent;
    shown({ seq, at: item.dataset.at, type: item.dataset.type, says, story: place.dataset.story }, raw);
  }

  async function judged(item, newest) {
    try {
      await entry(item, newest);
      line("ok", `entry ${item.dataset.seq} is in the trail of ${newest.size} entries, exactly as it was sealed`, item);
      return "ok";
    } catch (error) {
      line(stateOf(error), wordsOf(error), item);
      return stateOf(error);
    }
  }

  async function entries(newest) {
    const items = [...document.querySelectorAll("#entries > li")];
    const states = [];
    while (states.length < items.length) {
      const next = items.slice(states.length, states.length + AT_ONCE);
      states.push(...await Promise.all(next.map((item) => judged(item, newest))));
    }
    const count = (state) => states.filter((one) => one === state).length;
    const all = `of the ${items.length} entries on this page`;
    if (count("ok")) line("ok", `${count("ok")} ${all} are in the trail of ${newest.size} entries, exactly as they were sealed, each by its own proof. That none was left out is not checked`);
    if (count("wrong")) line("wrong", `${count("wrong")} ${all} do not fit: each says so below`);
    if (count("unknown")) line("unknown", `${count("unknown")} ${all}: each says why below`);
  }

  async function tried(step, ...given) {
    try { return await step(...given); } catch (error) { line(stateOf(error), wordsOf(error)); return null; }
  }

  async function check() {
    part("check").disabled = true;
    part("said").replaceChildren();
    part("evidence").hidden = true;
    for (const old of document.querySelectorAll("#entries .verdict")) old.remove();
    const newest = await tried(checkpoint);
    if (newest) {
      await tried(sinceKept, newest);
      await tried(entries, newest);
    }
    const states = [...part("said").children].map((said) => said.classList[1]);
    part("said").dataset.state = ["wrong", "unknown", "ok"].find((state) => states.includes(state)) ?? "unknown";
    part("check").disabled = false;
    show();
  }

  // --- what the auditor gives

  function show() {
    const [origin] = origins();
    part("key").value = origin === undefined ? "" : read(KEYS + origin).keys.map((one) => one.verifier_key).join("\n");
    part("kept").value = origin === undefined ? "" : read(CHECKPOINT + origin)?.note ?? "";
  }

  async function keep() {
    const said = part("keeping");
    try {
      const keys = await Promise.all(part("key").value.split("\n").filter((text) => text.trim()).map((text) => keyOf(text)));
      if (!keys.length || keys.some((key) => key.name !== keys[0].name)) throw new CantTell("give the key of the trail, or the keys of one trail");
      const note = part("kept").value;
      const its = note.trim() ? await openCheckpoint(note.endsWith("\n") ? note : `${note}\n`, keys) : null;
      forget();
      write(KEYS + keys[0].name, { keys: keys.map((key) => ({ verifier_key: key.text, first: 0, last: null })), from: "you" });
      if (its) write(CHECKPOINT + its.origin, { note: its.note });
      said.textContent = its ? `Kept: your key, and the checkpoint of ${its.size} entries.` : "Kept: your key.";
    } catch (error) { said.textContent = `Not kept: ${wordsOf(error)}.`; }
  }
  function forget() {
    for (const name of Object.keys(localStorage)) if (name.startsWith(KEYS) || name.startsWith(CHECKPOINT)) localStorage.removeItem(name);
  }

  part("check").addEventListener("click", check);
  part("keep").addEventListener("click", keep);
  part("forget").addEventListener("click", () => { forget(); show(); part("keeping").textContent = "Nothing is kept now."; });
  part("without").hidden = true;
  part("with").hidden = false;
  show();
})();
