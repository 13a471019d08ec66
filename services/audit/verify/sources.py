"""Where the files of an export are read from: a folder or the tar it came as.

Only what is listed can be read, by the name under which it is listed: no name in a manifest leads
to a file outside, on any system.
"""

import hashlib
import os
import tarfile
from pathlib import Path

from services.audit.verify.verdicts import CannotVerify, Misused

MOST = 64 << 20  # bytes; the largest file but the manifest, a bundle, has 16.8 million
MOST_OF_MANIFEST = 1 << 30
MOST_OF_REPORT = 1 << 30  # 10,000 lines of up to 65,535 bytes, and their proofs


class Folder:
    """An unpacked export. Raises `CannotVerify` when it can't be listed."""

    def __init__(self, path: Path) -> None:
        def failed(error: OSError) -> None:
            raise CannotVerify(f"a folder in {path} can't be read") from error

        self._paths: dict[str, Path] = {}
        for folder, _, files in os.walk(path, onerror=failed):
            for file in files:
                found = Path(folder) / file
                self._paths[found.relative_to(path).as_posix()] = found

    def names(self) -> list[str]:
        """Every file's name, sorted, with forward slashes."""
        return sorted(self._paths)

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None where it lacks. Raises `CannotVerify` when it can't be read."""
        path = self._paths.get(name)
        return None if path is None else read_up_to(path, most_of(name), name)


class Tar:
    """An export as it was fetched. Raises `CannotVerify` for what is no tar, or holds a name twice."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[str, tuple[int, int]] = {}
        try:
            with tarfile.open(path, "r:") as tar:
                for member in tar:
                    if not member.isdir():
                        self._add(member)
        except CannotVerify:
            raise
        except Exception:  # a tar that somebody made up fails in many ways
            raise CannotVerify(f"{path} is neither a folder nor a plain tar") from None

    def _add(self, member: tarfile.TarInfo) -> None:
        name = member.name.removeprefix("./")
        if not member.isreg() or member.issparse():
            raise CannotVerify(f"{name} in the tar is no plain file")
        if name in self._places:
            raise CannotVerify(f"{name} is in the tar twice")
        self._places[name] = member.offset_data, member.size

    def names(self) -> list[str]:
        """Every file's name, sorted."""
        return sorted(self._places)

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None where it lacks. Raises `CannotVerify` when it is too large."""
        if name not in self._places:
            return None
        start, size = self._places[name]
        if size > most_of(name):
            raise CannotVerify(f"{name} is too large")
        try:
            with self._path.open("rb", buffering=0) as tar:
                tar.seek(start)
                return tar.read(size)
        except OSError:
            raise CannotVerify(f"{name} can't be read") from None


class Digested:
    """An export that remembers the digests of files as they were first read."""

    def __init__(self, source: "Source") -> None:
        self._source = source
        self._digests: dict[str, str] = {}

    def names(self) -> list[str]:
        """Every file's name, sorted."""
        return self._source.names()

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None where it lacks. Raises `CannotVerify` when it was read before and
        was other than now."""
        raw = self._source.read(name)
        if raw is not None:
            digest = hashlib.sha256(raw).hexdigest()
            if self._digests.setdefault(name, digest) != digest:
                raise CannotVerify(f"{name} was changed while it was read")
        return raw

    def digest(self, name: str) -> str | None:
        """SHA-256 (hex) of a file, as it was when it was read; None where it lacks."""
        if name not in self._digests:
            self.read(name)
        return self._digests.get(name)


Source = Folder | Tar | Digested


def source_of(path: Path) -> Source:
    """The export at a path. Raises `CannotVerify` when there is none."""
    return Folder(path) if path.is_dir() else Tar(path)


def needed(source: Source, name: str) -> bytes:
    """A file's bytes. Raises `CannotVerify` where it lacks."""
    raw = source.read(name)
    if raw is None:
        raise CannotVerify(f"{name} is missing")
    return raw


def most_of(name: str) -> int:
    """The bytes that a file of an export may have."""
    return MOST_OF_MANIFEST if name == "manifest.json" else MOST


def read_up_to(path: Path, most: int, what: str) -> bytes:
    """A file's bytes. Raises `CannotVerify` when it can't be read or has more than `most`."""
    try:
        with path.open("rb") as file:
            raw = file.read(most + 1)
    except OSError:
        raise CannotVerify(f"{what} can't be read") from None
    if len(raw) > most:
        raise CannotVerify(f"{what} is too large")
    return raw


def bytes_of(path: Path, most: int = MOST) -> bytes:
    """The bytes of a file that was named in the command. Raises `Misused` when it can't be read."""
    try:
        return read_up_to(path, most, str(path))
    except CannotVerify as why:
        raise Misused(str(why)) from None
