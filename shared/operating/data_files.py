"""Data files of a service: read whole when it starts, or refused with every fault and its line."""

import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)
Where = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"))*)\s*=")
_PART = re.compile(r"[\w-]+|\"[^\"]*\"|'[^']*'")
_TEXT_OR_COMMENT = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'|#.*")


class Fault(NamedTuple):
    """What is wrong, and with which value: `where` is its path of keys and positions in the file.

    `near` is the faulty text itself, where it stands somewhere within a list.
    """

    where: Where
    what: str
    near: str | None = None


class DataFileFaults(ValueError):
    """A data file that can't be used, with every fault at once, each as `file:line: where: what`."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = list(faults)
        super().__init__("\n".join(self.faults))


Check = Callable[[dict[str, Any]], Iterable[Fault]]


def read_toml(path: Path, model: type[M], *checks: Check) -> M:
    """The file as that model. Raises `DataFileFaults` that names the line of every fault.

    The checks get the document as it is in the file, also if the model refuses it: so a misspelt
    field does not hide what else is wrong.
    """
    text = path.read_text("utf-8")
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataFileFaults([_not_toml(path, text, error)]) from None
    faults: list[Fault] = []
    found = None
    try:
        found = model.model_validate(raw)
    except ValidationError as error:
        faults = [_fault(details) for details in error.errors()]
    for check in checks:
        faults += check(raw)
    if found is None or faults:
        lines = Lines(text)
        raise DataFileFaults(
            f"{path}:{lines.of(fault)}: {'.'.join(map(str, fault.where))}: {fault.what}"
            for fault in sorted(faults, key=lines.of)
        )
    return found


class Lines:
    """On which line of a TOML text each key and each table begins."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._starts: dict[Where, int] = {}
        self._tables: dict[Where, int] = {}
        table: Where = ()
        depth = 0
        for number, line in enumerate(self._lines, start=1):
            if depth == 0:
                table = self._enter(line, number, table)
            bare = _TEXT_OR_COMMENT.sub("", line)
            depth += sum(bare.count(c) for c in "[{") - sum(bare.count(c) for c in "]}")

    def of(self, fault: Fault) -> int:
        """The line of a fault: of its text if it has one, or of its key, or of the table around."""
        where = fault.where
        while where and where not in self._starts:
            where = where[:-1]
        start = self._starts.get(where, 1)
        if fault.near is None:
            return start
        after = min((n for n in self._starts.values() if n > start), default=len(self._lines) + 1)
        within = range(start, after)
        quoted = (f'"{fault.near}"', f"'{fault.near}'")
        return next((n for n in within if any(q in self._lines[n - 1] for q in quoted)), start)

    def _enter(self, line: str, number: int, table: Where) -> Where:
        if header := _HEADER.match(line):
            name = self._resolved(_parts(header[2]))
            if header[1] == "[[":
                self._starts.setdefault(name, number)
                self._tables[name] = self._tables.get(name, -1) + 1
                name = (*name, self._tables[name])
            self._starts[name] = number
            return name
        if key := _KEY.match(line):
            self._starts[(*table, *_parts(key[1]))] = number
        return table

    def _resolved(self, parts: Where) -> Where:
        # `[a.b]` after `[[a]]` is about the newest of them.
        name: Where = ()
        for part in parts[:-1]:
            name = (*name, part)
            name = (*name, self._tables[name]) if name in self._tables else name
        return (*name, parts[-1])


def _parts(dotted: str) -> Where:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _fault(details: Any) -> Fault:
    given = details["input"]
    near = given if isinstance(given, str) else None
    return Fault(tuple(details["loc"]), details["msg"], near)


def _not_toml(path: Path, text: str, error: tomllib.TOMLDecodeError) -> str:
    found = re.search(r"at line (\d+)", str(error))
    line = found[1] if found else str(max(1, len(text.splitlines())))
    return f"{path}:{line}: not TOML: {error}"
