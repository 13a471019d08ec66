"""A list of workers as CSV, read line by line; a faulty line never costs the others. Pure.

Columns by name, in any order; lists are separated by spaces or semicolons; empty means the
default. `revision` is needed to change a worker who is there: the one the list was made from.
"""

import csv
import re
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from services.allocation.caseload.worker import WorkerEntry
from services.allocation.documents import Code

LISTS = frozenset({"areas", "qualifications", "specialisms", "languages", "times"})
COLUMNS = frozenset(
    {
        *("worker_id", "revision", "hub_id", "worker_role", "host_setting", "host_agency_id"),
        *("cap", "active", "experience_months", "fte_percent", "non_case_percent"),
        *("newly_qualified_from", "name", *LISTS),
    }
)
NEEDED = ("worker_id", "hub_id", "worker_role", "areas", "host_setting")
MAX_LINES = 5000
# An entry with all that it may hold fits three times.
MAX_LINE = 50_000
REVISION = re.compile(r"[0-9]{1,15}", re.ASCII)
_ids: TypeAdapter[str] = TypeAdapter(Code)


@dataclass(frozen=True)
class Line:
    """A line of the file (the header is line 1): an entry, or its faults as `column: code`."""

    number: int
    worker_id: str | None
    entry: WorkerEntry | None
    revision: int | None
    faults: tuple[str, ...]


def read_workers(text: str, most: int = MAX_LINES) -> tuple[list[Line], tuple[str, ...]]:
    """The lines, and the faults of the file itself; with any of those there are no lines.

    A line ends where the text does, also within quotes: one stray quote can't swallow good lines.
    """
    first, *rest = text.removeprefix("\ufeff").split("\n")
    names = [name.strip() for name in _cells(first) or ()]
    faults = [f"{name}: column_missing" for name in NEEDED if name not in names]
    # A column we don't know is named by its place: its text could be anything.
    faults += [f"column {i}: unknown" for i, name in enumerate(names, 1) if name not in COLUMNS]
    if len(set(names)) != len(names):
        faults.append("header: column_twice")
    filled = [(number, line) for number, line in enumerate(rest, 2) if line.strip()]
    if len(filled) > most:
        faults.append("file: too_many_lines")
    if faults:
        return [], tuple(faults)
    seen: set[str] = set()
    return [_line(number, names, _cells(line), seen) for number, line in filled], ()


def _cells(line: str) -> list[str] | None:
    """The cells of one line; None for one that is too long, or no CSV (RFC 4180)."""
    if len(line) > MAX_LINE:
        return None
    try:
        return next(csv.reader([line.removesuffix("\r")], strict=True), [])
    except csv.Error:  # a bare carriage return, a quote that doesn't end
        return None


def _line(number: int, names: list[str], cells: list[str] | None, seen: set[str]) -> Line:
    if cells is None:
        return Line(number, None, None, None, ("line: not_csv",))
    if len(cells) != len(names):
        return Line(number, None, None, None, ("line: wrong_number_of_cells",))
    given = {name: cell.strip() for name, cell in zip(names, cells, strict=True) if cell.strip()}
    worker_id, raw_revision = given.pop("worker_id", ""), given.pop("revision", "")
    faults: list[str] = []
    revision = int(raw_revision) if REVISION.fullmatch(raw_revision) else None
    if raw_revision and revision is None:
        faults.append("revision: not_a_number")
    try:
        _ids.validate_python(worker_id)
    except ValidationError:
        faults.append("worker_id: string_pattern_mismatch")
    if worker_id in seen:
        faults.append("worker_id: twice_in_this_file")
    seen.add(worker_id)
    fields = {
        name: cell.replace(";", " ").split() if name in LISTS else cell
        for name, cell in given.items()
    }
    entry = None
    try:
        entry = WorkerEntry.model_validate(fields)
    except ValidationError as error:
        faults += [f"{e['loc'][0] if e['loc'] else 'line'}: {e['type']}" for e in error.errors()]
    if faults:
        return Line(number, None, None, None, tuple(faults))
    return Line(number, worker_id, entry, revision, ())
