"""Which entries, tiles and checkpoints a walk through an export accuses, and of what. Pure.

Only what a signed root proves is said of a single entry. What is only known to lie somewhere is said
of a range.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from services.audit.log.checkpoints import Checkpoint
from services.audit.log.tiles import HEIGHT, WIDTH, Tile, width_at
from services.audit.verify.earlier import Sealed
from services.audit.verify.reading import Reading
from services.audit.verify.verdicts import first_of


@dataclass
class Evidence:
    """What a walk found, before it is known what of it was sealed."""

    sealed: Checkpoint
    differing: dict[int, list[int]] = field(
        default_factory=dict
    )  # places where entry and tile differ
    lacking: list[int] = field(default_factory=list)  # segments whose entries are not all there
    broken: list[str] = field(default_factory=list)
    short: list[Tile] = field(default_factory=list)
    rewritten: list[int] = field(
        default_factory=list
    )  # entries that an earlier export has otherwise
    previous_is_sound: bool = False
    cut: int | None = None  # the largest size sealed in the export, where it is beyond its own


def findings_of(readings: Sequence[Reading], evidence: Evidence) -> list[str]:
    """What is proven to be other than sealed; nothing where all is as sealed, or nothing is known."""
    best = max(readings, key=lambda reading: reading.sealed())
    return [
        *_cut(evidence),
        *evidence.broken,
        *first_of(list(dict.fromkeys(_entries(best, evidence)))),
        *first_of(list(_tiles(best, evidence))),
        *first_of(list(_histories(best, evidence))),
    ]


def _cut(evidence: Evidence) -> Iterator[str]:
    if evidence.cut is not None:
        size = evidence.sealed.size
        yield (
            f"the trail was cut: a checkpoint in the export seals {evidence.cut} entries, "
            f"the export's own {size}; entry {size} and later are gone"
        )


def _entries(best: Reading, evidence: Evidence) -> Iterator[str]:
    """Entries of which a signed root, of this export or of an earlier one, says what stood there."""
    sealed = best.sealed()
    accused = [
        index * WIDTH + place
        for index, places in evidence.differing.items()
        if index in best.by_tile
        for place in places
        if index * WIDTH + place < sealed
    ]
    yield from (f"entry {seq} is not what was sealed" for seq in accused)
    if evidence.previous_is_sound:
        told = set(accused)
        for seq in evidence.rewritten:
            if seq not in told:
                yield f"entry {seq} is not what was sealed when your previous export was made"


def _tiles(best: Reading, evidence: Evidence) -> Iterator[str]:
    sealed = best.sealed()
    for index, places in evidence.differing.items():
        if index not in best.by_tile and index * WIDTH + places[0] < sealed:
            tile = Tile(0, index, width_at(0, index, evidence.sealed.size))
            yield f"{tile.path} was changed; its entries are what was sealed"
    for tile in evidence.short:
        yield f"{tile.path} has another length than {tile.width} hashes"
    for tile in best.other_tiles:
        start = (tile.index * WIDTH) << (HEIGHT * tile.level)
        if (start + (tile.width << (HEIGHT * tile.level))) <= sealed:
            yield f"{tile.path} was changed: it is not made of the hashes below it"


def _histories(best: Reading, evidence: Evidence) -> Iterator[str]:
    """Signed checkpoints that seal something else than what is there."""
    sealed = best.sealed()
    beyond = False
    for one in best.disagreed:
        since = best.sealed(kept=one.kept, below=one.size)
        if one.size <= sealed:
            yield _two_histories(one, since, sealed)
        elif not beyond and not _overlaps(evidence.lacking, since, one.size):
            beyond = True
            # Read by a tile there, the entries themselves may be what was sealed.
            by_tile = _overlaps(best.by_tile, since, one.size)
            yield (
                f"{one.what}, of size {one.size}, seals other entries: one of the entries {since} "
                f"to {one.size - 1}{', or a tile over them,' if by_tile else ''} was changed, "
                "or another history was signed"
            )


def _two_histories(one: Sealed, since: int, sealed: int) -> str:
    rewritten = f": one of the entries {since} to {one.size - 1} was rewritten" if one.kept else ""
    return (
        f"two signed histories: {one.what}, of size {one.size}, seals other entries than "
        f"the checkpoint of {sealed} entries{rewritten}"
    )


def _overlaps(segments: Iterable[int], start: int, end: int) -> bool:
    """Whether one of these segments has entries of this range."""
    return any(start < (index + 1) * WIDTH and index * WIDTH < end for index in segments)
