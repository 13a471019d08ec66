"""What an export says of itself. Nobody signed it: each word is held against what is there."""

from dataclasses import dataclass
from typing import Any

from services.audit.log.checkpoints import Checkpoint, TrustedKey, open_checkpoint
from services.audit.log.notes import BadNote
from services.audit.log.tiles import BadPath, Bundle, Tile, parse_path, width_at
from services.audit.search.complete import complete_for_export
from services.audit.verify.filtered import LEAF, leaf_name, proof_name
from services.audit.verify.proven import read_consistency
from services.audit.verify.signed import UNSAID, json_of, listed_keys, whole_number
from services.audit.verify.sources import Digested, needed
from services.audit.verify.verdicts import CannotVerify

WORDS = ("export", "asked_by", "purpose", "asked_at")
DOUBTFUL = ("edited", "outdated", "left_out")
ALWAYS = {"manifest.json", "checkpoint", "keys.json"}


@dataclass(frozen=True)
class Manifest:
    """A manifest as it should be. What it says may be false."""

    kind: str
    size: int
    filter: dict[str, str]
    previous: int | None
    files: dict[str, str]
    complete_for: str | None = None  # an older version's manifest has none
    doubtful: int = 0  # search fields that the trail itself calls edited, outdated or wrong

    @staticmethod
    def read(source: Digested) -> "Manifest":
        """The manifest of an export. Raises `CannotVerify` when there is none."""
        try:
            raw = json_of(needed(source, "manifest.json"))
            previous = None if raw["previous"] is None else whole_number(raw["previous"])
            size, texts = whole_number(raw["size"]), [raw["kind"], *(raw[word] for word in WORDS)]
            complete = raw.get("complete_for")
            texts += [complete] if "complete_for" in raw else []
            doubtful = doubtful_fields(raw.get("search_fields", {}))
            asked, files = dict(raw["filter"].items()), dict(raw["files"].items())
            if not all(
                isinstance(text, str) for text in (*texts, *asked.values(), *files.values())
            ):
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError):
            raise CannotVerify(
                "manifest.json is not a manifest: was the download cut off?"
            ) from None
        return Manifest(raw["kind"], size, asked, previous, files, complete, doubtful)

    def doubts(self, source: Digested, sealed: Checkpoint, is_full: bool) -> list[str]:
        """Where what it says is not what is there."""
        doubts = []
        if self.kind != ("full" if is_full else "filtered"):
            doubts.append(
                f"the manifest calls this export {self.kind}, but it holds the files of a "
                f"{'full' if is_full else 'filtered'} one"
            )
        if (self.kind == "full") != (not self.filter):
            doubts.append(f"the manifest calls this export {self.kind} and has another filter")
        if self.size != sealed.size:
            doubts.append(f"the manifest says {self.size} entries, the checkpoint {sealed.size}")
        if self.complete_for not in (None, complete_for_export(self.size, self.filter)):
            doubts.append("the manifest says to be complete for something else than its own filter")
        unlisted = set(source.names()) - set(self.files) - {"manifest.json"}
        doubts += [f"{name} is not in the manifest" for name in sorted(unlisted)]
        strange = (name for name in source.names() if not self._is_ours(name, sealed, is_full))
        doubts += [
            f"{name} is no file of such an export: nothing is known of it" for name in strange
        ]
        return doubts + self._doubts_of_growth(source, sealed)

    def _is_ours(self, name: str, sealed: Checkpoint, is_full: bool) -> bool:
        if name in ALWAYS or (name == "consistency.json" and self.previous is not None):
            return True
        if not is_full:
            seq = name[7:-5] if LEAF.fullmatch(name) else name[7:-11]
            return seq.isdecimal() and name in (leaf_name(int(seq)), proof_name(int(seq)))
        try:
            found = parse_path(name)
        except BadPath:
            return name.startswith("checkpoints/")
        level = found.level if isinstance(found, Tile) else 0
        assert isinstance(found, Tile | Bundle)  # noqa: S101 - for the reader
        return found.width == width_at(level, found.index, sealed.size)

    def _doubts_of_growth(self, source: Digested, sealed: Checkpoint) -> list[str]:
        """Where the proof of growth is not from the size that was asked for."""
        raw = source.read("consistency.json")
        if self.previous is None or raw is None:
            return [] if self.previous is None else ["missing: consistency.json"]
        first, second, _ = read_consistency(raw)
        if (first, second) == (self.previous, sealed.size):
            return []
        return [f"the proof of growth is from {first} to {second}, not from {self.previous}"]

    def digests(self, source: Digested) -> tuple[list[str], list[str]]:
        """Files that are other than it says, and files that are missing."""
        changed, missing = [], []
        for name, digest in sorted(self.files.items()):
            found = source.digest(name)
            if found is None:
                missing.append(f"missing: {name}")
            elif found != digest:
                changed.append(f"{name} is not what the manifest says: one of the two was changed")
        return changed, missing


def doubtful_fields(counts: Any) -> int:
    """How many search fields the trail does not vouch for. Raises `ValueError`."""
    found = {name: whole_number(count) for name, count in dict(counts).items()}
    if not found.keys() <= {"checked", *DOUBTFUL}:
        raise ValueError
    return sum(found.get(name, 0) for name in DOUBTFUL)


def doubts_of_keys(
    raw: bytes, note: bytes, sealed: Checkpoint, keys: list[TrustedKey]
) -> list[str]:
    """Where the keys that the export tells are not those that the auditor trusts. Keys that came
    since are no doubt: they are not trusted either."""
    try:
        origin, listed = listed_keys(raw)
    except ValueError as why:
        return [f"keys.json in the export is not a list of keys: {why}"]
    if origin != sealed.origin:
        return [f"keys.json in the export is of {origin}, the checkpoint of {sealed.origin}"]
    try:
        open_checkpoint(note, listed)
    except BadNote:
        return ["keys.json in the export has no key that counts for the export's checkpoint"]
    by_key = {one.key: one for one in listed}
    trusted = [one for one in keys if one.key.name == origin]
    return [
        f"keys.json in the export has a key that you trust for other sizes, or not at all: {one.key}"
        for one in trusted
        if not _is_as_trusted(one, by_key.get(one.key))
    ]


def _is_as_trusted(trusted: TrustedKey, listed: TrustedKey | None) -> bool:
    """A key that was in use when the auditor took it may have been retired since."""
    if listed is None or trusted.first == UNSAID:
        return listed is not None
    return listed.first == trusted.first and trusted.last in (None, listed.last)
