"""What the auditor has from before, against which an export is held: checkpoints, an earlier export."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.audit.log.checkpoints import Checkpoint, TrustedKey
from services.audit.log.edge import Edge
from services.audit.log.tiles import Tile, split_hashes, width_at
from services.audit.verify.signed import checkpoint_of, json_of
from services.audit.verify.sources import Source, needed
from services.audit.verify.verdicts import CannotVerify, Tampered


@dataclass(frozen=True)
class Sealed:
    """A signed checkpoint, where it is from, and whether the auditor kept it elsewhere."""

    checkpoint: Checkpoint
    what: str
    kept: bool

    @property
    def size(self) -> int:
        """How many entries it seals."""
        return self.checkpoint.size


class Earlier:
    """A checkpoint kept elsewhere, and an earlier export: its checkpoints, and its tiles, which name
    an entry that was rewritten since, if they are what its own checkpoint sealed."""

    def __init__(
        self,
        keys: list[TrustedKey],
        kept: Checkpoint | None,
        previous: Source | None,
        cosigned: Sequence[Checkpoint] = (),
    ) -> None:
        self.sealed: list[Sealed] = []
        self.listed: list[Sealed] = []  # of these, those that the earlier export lists
        if kept is not None:
            self.sealed.append(Sealed(kept, "the checkpoint you kept", True))
        self.sealed += [Sealed(one, "a cosigned checkpoint", True) for one in cosigned]
        self._previous, self._size, self._root = previous, 0, b""
        self._edge = Edge()
        if previous is not None:
            found = checkpoint_of(needed(previous, "checkpoint"), keys, "your previous export")
            self._size, self._root = found.size, found.root
            self.sealed.append(Sealed(found, "the checkpoint of your previous export", True))
            what = "in your previous export"
            self.listed = [Sealed(c, what, True) for c in checkpoints_in(previous, keys, what)]
            self.sealed += self.listed

    def held(self) -> list[Sealed]:
        """The checkpoint kept, cosigned ones, and the earlier export's own."""
        return self.sealed[: len(self.sealed) - len(self.listed)]

    def check_size(self, sealed: Checkpoint) -> None:
        """Raises `Tampered` where more was sealed before than this checkpoint seals, or another
        history of the same size."""
        for one in self.sealed:
            same_log(one.checkpoint, sealed)
            if one.size > sealed.size:
                raise Tampered(
                    f"the trail was cut: {one.what} seals {one.size} entries, this later export's "
                    f"{sealed.size}; entry {sealed.size} and later are gone"
                )
            if one.size == sealed.size and one.checkpoint.root != sealed.root:
                raise Tampered(
                    f"two signed histories of {one.size} entries: {one.what} and the export's; "
                    "both notes are the evidence"
                )

    def differing(self, index: int, hashes: list[bytes]) -> list[int]:
        """The entries of this tile that the earlier export has otherwise. Call for each tile in
        order; what it tells counts only if `is_sound` afterwards."""
        width = width_at(0, index, self._size)
        raw = self._previous.read(Tile(0, index, width).path) if self._previous and width else None
        if raw is None or len(raw) != 32 * width or self._edge.size != index * 256:
            return []
        stored = split_hashes(raw)
        self._edge.push(stored)
        pairs = zip(stored, hashes, strict=False)
        return [index * 256 + place for place, (was, now) in enumerate(pairs) if was != now]

    def is_sound(self) -> bool:
        """Whether the earlier export's tiles are what its own checkpoint sealed."""
        return self._edge.size == self._size and self._edge.root() == self._root


def same_log(one: Checkpoint, other: Checkpoint) -> None:
    """Raises `CannotVerify` for checkpoints of two logs: one says nothing of the other."""
    if one.origin != other.origin:
        raise CannotVerify(f"checkpoints of two logs: {one.origin} and {other.origin}")


def checkpoints_in(source: Source, keys: list[TrustedKey], what: str) -> Iterator[Checkpoint]:
    """Every checkpoint listed in an export, each signed, each larger than the one before."""
    last = -1
    for name in source.names():
        if name.startswith("checkpoints/"):
            for line in needed(source, name).splitlines():
                found = _listed_checkpoint(line, keys, f"{name} {what}")
                if found.size <= last:
                    raise CannotVerify(f"{name} {what} is not in order at size {found.size}")
                last = found.size
                yield found


def _listed_checkpoint(line: bytes, keys: list[TrustedKey], what: str) -> Checkpoint:
    try:
        stated = json_of(line)
        note, size = stated["note"].encode(), stated["size"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CannotVerify(f"{what}: a line is no checkpoint") from None
    found = checkpoint_of(note, keys, what)
    if size != found.size or isinstance(size, bool):
        raise CannotVerify(f"{what}: a line says another size than its checkpoint, {found.size}")
    return found
