"""`verify …`: exit 0 what was claimed is proven, 1 tampering is proven, 2 can't tell."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from services.audit.log.checkpoints import Checkpoint, TrustedKey, read_proof
from services.audit.log.notes import BadNote
from services.audit.reports.gaps import gaps_of
from services.audit.verify.court import check_report
from services.audit.verify.earlier import same_log
from services.audit.verify.exported import check_export, full_entries
from services.audit.verify.filtered import is_whole, misfit
from services.audit.verify.proven import check_consistency, check_same
from services.audit.verify.signed import checkpoint_of, keys_of
from services.audit.verify.sources import MOST_OF_REPORT, bytes_of, source_of
from services.audit.verify.tallied import check_tallies
from services.audit.verify.verdicts import (
    CANNOT_VERIFY,
    TAMPERED,
    VERIFIED,
    CannotVerify,
    Misused,
    Tampered,
)
from services.audit.verify.watching import check_newest, getter, sender, watch, witnessing
from services.audit.verify.witnesses import Quorum, new_cosigner, notes_in
from services.audit.verify.words import tell

TOKEN = "TRAIL_TOKEN"  # noqa: S105 - the name of the variable


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. What was found goes to standard output, why not to error.

    Nothing ends in a traceback: its exit code, 1, is the one that accuses.
    """
    try:
        return _judged(arguments)
    except KeyboardInterrupt:
        why = "it was interrupted"
    except BrokenPipeError:
        # Nobody reads on. Python would fail again when it closes the stream at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CANNOT_VERIFY
    except Exception as error:
        why = f"the verifier failed ({type(error).__name__}); tell who made it"
    tell(sys.stderr, f"cannot verify: {why}")
    return CANNOT_VERIFY


def _judged(arguments: Sequence[str] | None) -> int:
    try:
        options = _parser().parse_args(arguments)
        run: Callable[[argparse.Namespace], str] = options.run
        _tell(f"{options.done}: {run(options)}")
    except Tampered as found:
        for line in found.findings:
            _tell(f"TAMPERED: {line}")
        return TAMPERED
    except Misused as why:
        tell(sys.stderr, f"usage: {why}")
        return CANNOT_VERIFY
    except CannotVerify as why:
        tell(sys.stderr, f"cannot verify: {why}")
        return CANNOT_VERIFY
    return VERIFIED


def _tell(line: str) -> None:
    tell(sys.stdout, line)


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
        added.add_argument("--key", action="append", default=[], help="a verifier key to trust")
        added.add_argument("--keys", action="append", default=[], type=Path, help="a keys.json")
        added.set_defaults(run=run, done="verified")
        return added

    command("checkpoint", _checkpoint, "file")
    proof = command("proof", _proof, "file")
    proof.add_argument("--leaf", type=Path, required=True, help="the entry's exact bytes")
    consistency = command("consistency", _consistency, "old", "new")
    consistency.add_argument("--proof", type=Path, help="as /v1/proofs/consistency answers")
    _of_export(command("export", _export, "path"))
    command("report", _report, "file")
    command("compare", _compare, "a", "b")
    command("gaps", _gaps, "path")
    command("tallies", _tallies, "path")
    _of_watching(command("watch", _watch))
    witness = commands.add_parser("witness-key", help=_witness_key.__doc__)
    witness.add_argument("name", help="such as trail-witness.police.example")
    witness.add_argument("--to", type=Path, required=True, help="a new file, for nobody but you")
    witness.set_defaults(run=_witness_key, done="made")
    return parser


def _of_export(export: _Parser) -> None:
    export.add_argument("--kept", type=Path, help="a checkpoint you kept elsewhere")
    export.add_argument("--previous", type=Path, help="an earlier export, best a full one")
    export.add_argument("--witness", action="append", default=[], help="a witness's verifier key")
    export.add_argument("--quorum", type=int, help="how many of them must have cosigned (all)")
    export.add_argument(
        "--cosigned",
        action="append",
        default=[],
        type=Path,
        help="a cosigned note, or what /v1/cosignatures answers",
    )


def _of_watching(watching: _Parser) -> None:
    watching.add_argument("url")
    watching.add_argument("--keep", type=Path, required=True, help="where to keep the checkpoint")
    watching.add_argument("--every", type=float, default=60.0, help="seconds")
    watching.add_argument("--cosign", type=Path, help="the key of a witness: see `witness-key`")
    watching.add_argument("--cosigned", type=Path, help="where the cosigned checkpoint goes")
    watching.add_argument("--send", action="store_true", help="send it to the log, too")
    watching.add_argument("--once", action="store_true", help="check once and end")


def _keys(options: argparse.Namespace) -> list[TrustedKey]:
    return keys_of(options.key, options.keys)


def _read(path: Path, options: argparse.Namespace) -> Checkpoint:
    return checkpoint_of(bytes_of(path), _keys(options), str(path))


def _checkpoint(options: argparse.Namespace) -> str:
    """That a trusted key signed this checkpoint."""
    found = _read(options.file, options)
    return (
        f"a trusted key signed this checkpoint of {found.origin}: {found.size} entries, "
        f"root {found.root.hex()}; no entry was read"
    )


def _proof(options: argparse.Namespace) -> str:
    """That a leaf is in the log, by a tlog-proof."""
    try:
        proof = read_proof(bytes_of(options.file))
    except BadNote as error:
        raise CannotVerify(f"{options.file}: {error}") from None
    sealed = checkpoint_of(proof.note.encode(), _keys(options), str(options.file))
    if not is_whole(proof, sealed.size):
        raise CannotVerify(f"{options.file}: not a whole proof for {sealed.size} entries")
    if found := misfit(proof.index, sealed, bytes_of(options.leaf), proof.path):
        raise Tampered(*found)
    return f"this is entry {proof.index} of the {sealed.size} that {sealed.origin} sealed"


def _consistency(options: argparse.Namespace) -> str:
    """That NEW only adds to OLD."""
    old, new = _read(options.old, options), _read(options.new, options)
    same_log(old, new)
    if old.size > new.size:
        raise Misused("OLD is larger than NEW; if the log shows NEW today, it was cut: see `watch`")
    if old.size in (0, new.size):
        check_same(old, new)
    elif options.proof is None:
        raise CannotVerify("a proof is needed: --proof")
    else:
        check_consistency(old, new, bytes_of(options.proof))
    return f"the {new.size} entries begin with the {old.size} sealed before; no entry was read"


def _export(options: argparse.Namespace) -> str:
    """Every entry of an export, full or filtered."""
    keys = _keys(options)
    kept = _read(options.kept, options) if options.kept else None
    previous = source_of(options.previous) if options.previous else None
    quorum = Quorum.of(options.witness, options.quorum, keys)
    cosigned = [note for path in options.cosigned for note in notes_in(bytes_of(path))]
    return check_export(source_of(options.path), keys, kept, previous, quorum, cosigned)


def _report(options: argparse.Namespace) -> str:
    """A report on one young person (HTML or CSV): its entries, its lines, and the file as it is."""
    return check_report(bytes_of(options.file, MOST_OF_REPORT), _keys(options))


def _compare(options: argparse.Namespace) -> str:
    """Two checkpoints of one size: different roots prove a split view."""
    one, other = _read(options.a, options), _read(options.b, options)
    same_log(one, other)
    if one.size != other.size:
        raise CannotVerify(f"sizes {one.size} and {other.size}: use `consistency`")
    check_same(one, other)
    return f"both checkpoints seal the same {one.size} entries; no entry was read"


def _gaps(options: argparse.Namespace) -> str:
    """Numbered events that never arrived, in a full export that verifies. Open gaps: exit 2."""
    size, entries = full_entries(source_of(options.path), _keys(options))
    found = gaps_of(entries)
    for gap in found:
        state = f"closed by entry {gap.closed_at}" if gap.closed_at is not None else "open"
        _tell(
            f"{gap.source} {gap.subject}: {gap.missing} missing at entry {gap.opened_at}, {state}"
        )
    if still := sum(gap.closed_at is None for gap in found):
        raise CannotVerify(f"{still} numbered events never arrived, of {size} entries read")
    return f"no open gaps, {len(found)} closed, in all {size} entries, each as sealed"


def _tallies(options: argparse.Namespace) -> str:
    """That each event which a service says it has sent is an entry. One that lacks: exit 2."""
    return check_tallies(full_entries(source_of(options.path), _keys(options))[1])


def _watch(options: argparse.Namespace) -> str:
    """Keep the newest checkpoint and check each later one, and cosign it: be a witness."""
    get, keys = getter(options.url, os.environ.get(TOKEN, "")), _keys(options)
    send = sender(options.url, os.environ.get(TOKEN, "")) if options.send else None
    then = witnessing(options.cosign, options.cosigned, send)

    def check() -> str:
        return check_newest(get, keys, options.keep, then)

    if not options.once:
        watch(check, options.every, _tell)
    return check()


def _witness_key(options: argparse.Namespace) -> str:
    """Make the key of a witness: the secret into a file, the public half for those who demand it."""
    return f"who demands you as a witness needs {new_cosigner(options.name, options.to).verifier}"


if __name__ == "__main__":
    sys.exit(main())
