"""`verify …`: exit 0 verified, 1 tampering proven, 2 cannot verify, 3 wrong usage."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from services.audit.domain.checkpoints import Checkpoint, TrustedKey, read_proof
from services.audit.domain.gaps import gaps_of
from services.audit.domain.notes import BadNote
from services.audit.domain.tree import includes, leaf_hash
from services.audit.verify.exported import check_consistency, check_export, entries_in
from services.audit.verify.sources import bytes_of, checkpoint_of, keys_of, source_of
from services.audit.verify.verdicts import (
    CANNOT_VERIFY,
    TAMPERED,
    USAGE,
    VERIFIED,
    CannotVerify,
    Misused,
    Tampered,
)
from services.audit.verify.watching import check_newest, getter, watch

TOKEN = "TRAIL_TOKEN"  # noqa: S105 - the name of the variable


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. What was found goes to standard output, why not to error."""
    try:
        options = _parser().parse_args(arguments)
        run: Callable[[argparse.Namespace], str] = options.run
        _tell(f"verified: {run(options)}")
    except Tampered as found:
        for line in found.findings:
            _tell(f"TAMPERED: {line}")
        return TAMPERED
    except CannotVerify as why:
        sys.stderr.write(f"cannot verify: {why}\n")
        return CANNOT_VERIFY
    except Misused as why:
        sys.stderr.write(f"usage: {why}\n")
        return USAGE
    except KeyboardInterrupt:
        return VERIFIED  # `watch` ends so
    return VERIFIED


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Misused(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="verify", description=__doc__)
    commands = parser.add_subparsers(required=True, parser_class=_Parser)

    def command(name: str, run: Callable[[argparse.Namespace], str], *paths: str) -> _Parser:
        added = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        for path in paths:
            added.add_argument(path, type=Path)
        if name != "gaps":
            added.add_argument("--key", action="append", default=[], help="a verifier key to trust")
            added.add_argument("--keys", action="append", default=[], type=Path, help="a keys.json")
        added.set_defaults(run=run)
        return added

    command("checkpoint", _checkpoint, "file")
    proof = command("proof", _proof, "file")
    proof.add_argument("--leaf", type=Path, required=True, help="the entry's exact bytes")
    consistency = command("consistency", _consistency, "old", "new")
    consistency.add_argument("--proof", type=Path, help="as /v1/proofs/consistency answers")
    export = command("export", _export, "path")
    export.add_argument("--kept", type=Path, help="a checkpoint you kept elsewhere")
    export.add_argument("--previous", type=Path, help="an earlier full export")
    command("compare", _compare, "a", "b")
    command("gaps", _gaps, "path")
    watching = command("watch", _watch)
    watching.add_argument("url")
    watching.add_argument("--keep", type=Path, required=True, help="where to keep the checkpoint")
    watching.add_argument("--every", type=float, default=60.0, help="seconds")
    watching.add_argument("--once", action="store_true", help="check once and end")
    return parser


def _keys(options: argparse.Namespace) -> list[TrustedKey]:
    return keys_of(options.key, options.keys)


def _read(path: Path, options: argparse.Namespace) -> Checkpoint:
    return checkpoint_of(bytes_of(path), _keys(options), str(path))


def _checkpoint(options: argparse.Namespace) -> str:
    """That a trusted key signed this checkpoint."""
    found = _read(options.file, options)
    return f"{found.origin}, {found.size} entries, root {found.root.hex()}"


def _proof(options: argparse.Namespace) -> str:
    """That a leaf is in the log, by a tlog-proof."""
    try:
        proof = read_proof(bytes_of(options.file))
    except BadNote as error:
        raise CannotVerify(f"{options.file}: {error}") from None
    sealed = checkpoint_of(proof.note.encode(), _keys(options), str(options.file))
    leaf = leaf_hash(bytes_of(options.leaf))
    if not includes(proof.index, sealed.size, leaf, proof.path, sealed.root):
        raise Tampered(f"entry {proof.index} is not what was sealed")
    return f"this is entry {proof.index} of {sealed.size}"


def _consistency(options: argparse.Namespace) -> str:
    """That NEW only adds to OLD."""
    old, new = _read(options.old, options), _read(options.new, options)
    _same_log(old, new)
    if old.size > new.size:
        raise Misused("OLD is larger than NEW; if the log shows NEW today, it was cut: see `watch`")
    if old.size == new.size:
        return _same_size(old, new)
    if options.proof is None and old.size:
        raise CannotVerify("a proof is needed: --proof")
    if old.size:
        check_consistency(old, new, bytes_of(options.proof))
    return f"the {new.size} entries begin with the {old.size} sealed before"


def _export(options: argparse.Namespace) -> str:
    """Every entry of an export, full or filtered."""
    keys = _keys(options)
    kept = _read(options.kept, options) if options.kept else None
    previous = source_of(options.previous) if options.previous else None
    return check_export(source_of(options.path), keys, kept, previous)


def _compare(options: argparse.Namespace) -> str:
    """Two checkpoints of one size: different roots prove a split view."""
    one, other = _read(options.a, options), _read(options.b, options)
    _same_log(one, other)
    if one.size != other.size:
        raise CannotVerify(f"sizes {one.size} and {other.size}: use `consistency`")
    return _same_size(one, other)


def _same_log(one: Checkpoint, other: Checkpoint) -> None:
    if one.origin != other.origin:
        raise Misused("these are checkpoints of different logs")


def _same_size(one: Checkpoint, other: Checkpoint) -> str:
    if one.root != other.root:
        raise Tampered(
            f"two signed histories of {one.size} entries: {one.root.hex()} and {other.root.hex()}"
        )
    return f"both seal the same {one.size} entries"


def _gaps(options: argparse.Namespace) -> str:
    """Numbered events that never arrived. Open gaps: exit 2."""
    found = gaps_of(entries_in(source_of(options.path)))
    for gap in found:
        state = f"closed by entry {gap.closed_at}" if gap.closed_at is not None else "open"
        _tell(
            f"{gap.source} {gap.subject}: {gap.missing} missing at entry {gap.opened_at}, {state}"
        )
    if any(gap.closed_at is None for gap in found):
        raise CannotVerify("some numbered events never arrived")
    return f"no open gaps, {len(found)} closed"


def _watch(options: argparse.Namespace) -> str:
    """Keep the newest checkpoint and check each later one: be a witness."""
    get = getter(options.url, os.environ.get(TOKEN, ""))
    if options.once:
        return check_newest(get, _keys(options), options.keep)
    watch(get, _keys(options), options.keep, options.every, _tell)
    return "ended"


if __name__ == "__main__":
    sys.exit(main())
