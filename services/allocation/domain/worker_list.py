"""A list of workers as CSV, read line by line; a faulty line never costs the others. Pure.

Columns by name, in any order; lists are separated by spaces or semicolons; empty means the
default. `revision` is needed to change a worker who is there: the one the list was made from.
"""

import csv
import io
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from services.allocation.domain.hubs import Code
from services.allocation.domain.workers import WorkerEntry

LISTS = frozenset({"areas", "qualifications", "specialisms", "languages", "times"})
COLUMNS = frozenset(
    {
        *("worker_id", "revision", "hub_id", "worker_role", "host_setting", "host_agency_id"),
        *("cap", "active", "experience_months", "fte_percent", "non_case_percent"),
        *("newly_qualified_from", *LISTS),
    }
)
NEEDED = ("worker_id", "hub_id", "worker_role", "areas", "host_setting")
MAX_LINES = 5000
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
    """The lines, and the faults of the file itself; with any of those there are no lines."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    names = [name.strip() for name in reader.fieldnames or ()]
    faults = [f"{name}: column_missing" for name in NEEDED if name not in names]
    # A column we don't know is named by its place: its text could be anything.
    faults += [f"column {i}: unknown" for i, name in enumerate(names, 1) if name not in COLUMNS]
    if len(set(names)) != len(names):
        faults.append("header: column_twice")
    if faults:
        return [], tuple(faults)
    reader.fieldnames = names
    lines: list[Line] = []
    seen: set[str] = set()
    for row in reader:
        if len(lines) == most:
            return [], ("file: too_many_lines",)
        lines.append(_line(reader.line_num, row, seen))
    return lines, ()


def _line(number: int, row: dict[str, str | None], seen: set[str]) -> Line:
    if None in row or None in row.values():
        return Line(number, None, None, None, ("line: wrong_number_of_cells",))
    cells = {name: (cell or "").strip() for name, cell in row.items()}
    given = {name: cell for name, cell in cells.items() if cell}
    worker_id, raw_revision = given.pop("worker_id", ""), given.pop("revision", "")
    faults: list[str] = []
    revision = int(raw_revision) if raw_revision.isascii() and raw_revision.isdigit() else None
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
