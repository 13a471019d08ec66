"""A table (CSV) of referrals: each line stands alone. Pure."""

import csv
import io
from collections.abc import Iterator, Sequence

from services.referral.imports.census import Row
from services.referral.imports.columns import Document, put

MAX_COLUMNS = 200


# A cell may hold ends of lines. One whose quotes never end costs its own line, and no other.
MAX_LINES_OF_ROW = 500


def read_table(body: bytes) -> Iterator[Row]:
    """The referrals of a table, one a row; the first row names the columns, and is line 1. A row that
    is no UTF-8 or has more cells than there are columns is its own fault alone."""
    lines = body.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    names: list[str] | None = None
    for number, cells in _rows(lines):
        if names is None:
            names = [cell.strip() for cell in cells or ()]
            if fault := _wrong_with(names):
                yield Row(number, None, fault)
                return
        elif cells is None or len(cells) > len(names):
            yield Row(number, None, "not_a_line")
        else:
            yield Row(number, _document(dict(zip(names, cells, strict=False))))


def _rows(lines: Sequence[bytes]) -> Iterator[tuple[int, list[str] | None]]:
    """Each row with the number of its first line; None for one that can't be read."""
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        length = _length(lines, at)
        yield at + 1, _cells(b"\n".join(lines[at : at + length])) if length else None
        at += length or 1


def _length(lines: Sequence[bytes], at: int) -> int:
    """Of how many lines a row is: until its quotes are even; none where they never are."""
    quotes = 0
    for length, line in enumerate(lines[at : at + MAX_LINES_OF_ROW], start=1):
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            return length
    return 0


def _wrong_with(names: list[str]) -> str:
    if not names or len(names) > MAX_COLUMNS or not all(names):
        return "no_columns"
    return "column_twice" if len(set(names)) != len(names) else ""


def _cells(raw: bytes) -> list[str] | None:
    try:
        text = io.StringIO(raw.decode("utf-8"), newline="")
        rows = list(csv.reader(text, strict=True))
    except (csv.Error, UnicodeDecodeError):
        return None
    return rows[0] if len(rows) == 1 else None


def _document(cells: dict[str, str]) -> Document:
    found: Document = {}
    for name, cell in cells.items():
        if cell.strip():
            put(found, name, cell.strip())
    return found
