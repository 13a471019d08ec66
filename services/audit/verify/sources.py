"""Where the files of an export are read from: a folder or the tar it came as. And other files."""

import hashlib
import json
import tarfile
from pathlib import Path

from services.audit.domain.checkpoints import Checkpoint, OutOfRange, TrustedKey, open_checkpoint
from services.audit.domain.notes import BadKey, BadNote, UnknownKey, VerifierKey
from services.audit.verify.verdicts import CannotVerify, Misused, Tampered


class Folder:
    """An unpacked export."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """Every file's name, sorted, with forward slashes."""
        files = (p for p in self._path.rglob("*") if p.is_file())
        return sorted(p.relative_to(self._path).as_posix() for p in files)

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None where it lacks."""
        path = self._path / name
        return path.read_bytes() if path.is_file() else None


class Tar:
    """An export as it was fetched."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with tarfile.open(path, "r:") as tar:
                self._places = {m.name: (m.offset_data, m.size) for m in tar if m.isfile()}
        except (OSError, tarfile.TarError):
            raise Misused(f"{path} is neither a folder nor a tar") from None

    def names(self) -> list[str]:
        """Every file's name, sorted."""
        return sorted(self._places)

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None where it lacks."""
        if name not in self._places:
            return None
        start, size = self._places[name]
        with self._path.open("rb", buffering=0) as tar:
            tar.seek(start)
            return tar.read(size)


class Digested:
    """An export that remembers the digests of files as they were read: each is read once."""

    def __init__(self, source: "Source") -> None:
        self._source = source
        self._digests: dict[str, str] = {}

    def names(self) -> list[str]:
        """Every file's name, sorted."""
        return self._source.names()

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None where it lacks."""
        raw = self._source.read(name)
        if raw is not None:
            self._digests[name] = hashlib.sha256(raw).hexdigest()
        return raw

    def digest(self, name: str) -> str | None:
        """SHA-256 (hex) of a file, as it was when it was read; None where it lacks."""
        if name not in self._digests:
            self.read(name)
        return self._digests.get(name)


Source = Folder | Tar | Digested


def source_of(path: Path) -> Source:
    """The export at a path. Raises `Misused` when there is none."""
    return Folder(path) if path.is_dir() else Tar(path)


def bytes_of(path: Path) -> bytes:
    """A file's bytes. Raises `Misused` when it can't be read."""
    try:
        return path.read_bytes()
    except OSError:
        raise Misused(f"{path} can't be read") from None


def keys_of(texts: list[str], files: list[Path]) -> list[TrustedKey]:
    """The keys to trust: verifier keys as given, and files as `GET /v1/keys` answers, kept by you."""
    try:
        keys = [TrustedKey(VerifierKey.parse(text)) for text in texts]
        for path in files:
            for entry in json.loads(bytes_of(path))["keys"]:
                key = VerifierKey.parse(entry["verifier_key"])
                keys.append(TrustedKey(key, entry.get("first", 0), entry.get("last")))
    except (BadKey, ValueError, KeyError, TypeError):
        raise Misused("a key is not written as keys are") from None
    if not keys:
        raise Misused("name the key to trust: --key or --keys")
    return keys


def checkpoint_of(raw: bytes, keys: list[TrustedKey], what: str) -> Checkpoint:
    """The checkpoint in a note. Raises `CannotVerify` when no key that counts signed it, and
    `Tampered` when a key that counts is named with a signature it never made."""
    try:
        return open_checkpoint(raw, keys)
    except UnknownKey:
        raise CannotVerify(f"{what}: no trusted key has signed it") from None
    except OutOfRange:
        raise CannotVerify(f"{what}: signed by a key that doesn't count at its size") from None
    except BadNote as error:
        text = f"{what}: {error}"
        if "signature is wrong" in str(error):
            raise Tampered(text) from None
        raise CannotVerify(text) from None
