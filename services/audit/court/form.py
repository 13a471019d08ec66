"""A report as a file, HTML or CSV: how a line of it is written and read back. Pure; the offline
verifier has it, too.

The trail signs all bytes before the signature, which ends the file.
"""

import base64
import csv
import html
import io
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

COLUMNS = ("entry", "recorded_at", "in_london", "event", "by", "says", "leaf", "proof")
SIGNED_AS = re.compile(r"report of (\S+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n", re.ASCII)
HTML_BEGINS = b"<!doctype html>\n"
IN_HTML, IN_CSV = b'\n<pre id="signature">', b"\r\nsignature,"
HTML_ENDS = b"</pre>\n</body></html>\n"
_PART = re.compile(r'<pre id="(about|checkpoint)">([^<]*)</pre>')
_LINE_IN_HTML = re.compile(
    r"<tr><td>([^<]*)</td><td><time>([^<]*)</time><br>([^<]*)</td><td>([^<]*)</td><td>([^<]*)</td>"
    r"<td>([^<]*)<details><summary>Entry and proof</summary><pre>([^<]*)</pre><pre>([^<]*)</pre>"
    r"</details></td></tr>"
)
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


@dataclass(frozen=True)
class ReportLine:
    """One line: an entry, what a reader is shown of it, its leaf's exact text, and the hashes of its
    inclusion proof, in base64, one behind the other."""

    entry: str
    recorded_at: str
    in_london: str
    event: str
    by: str
    says: str
    leaf: str
    proof: str

    def html(self) -> str:
        """As a row of the table."""
        seq, at, london, event, by, says, leaf, proof = (html_text(one) for one in astuple(self))
        return (
            f"<tr><td>{seq}</td><td><time>{at}</time><br>{london}</td><td>{event}</td><td>{by}</td>"
            f"<td>{says}<details><summary>Entry and proof</summary><pre>{leaf}</pre>"
            f"<pre>{proof}</pre></details></td></tr>"
        )


@dataclass(frozen=True)
class ReportFile:
    """A report that was read. Nothing in it is trusted yet."""

    about: str
    checkpoint: str
    lines: tuple[ReportLine, ...]


def text_to_sign(origin: str, size: int, digest: bytes) -> str:
    """What the trail signs of a report: no checkpoint, for no key's name has a space in it."""
    return f"report of {origin}\n{size}\n{base64.b64encode(digest).decode()}\n"


def html_text(text: str) -> str:
    """Text in HTML, without a line of its own."""
    return html.escape(text).replace("\n", "&#10;").replace("\r", "&#13;")


def html_part(name: str, text: str) -> str:
    """What the verifier finds by its name."""
    return f'<pre id="{name}">{html_text(text)}</pre>'


def csv_line(cells: Sequence[str]) -> str:
    """A line of CSV (RFC 4180); what a spreadsheet would compute has an apostrophe before it."""
    out = io.StringIO()
    csv.writer(out).writerow([f"'{one}" if one.startswith(_FORMULA) else one for one in cells])
    return out.getvalue()


def in_london(recorded_at: str) -> str:
    """A time of an entry as clocks in London show it; since 1996 summer time is from the last Sunday
    of March to that of October, 01:00 UTC (SI 2002/262). Raises `ValueError` for what is no time."""
    at = datetime.strptime(recorded_at, "%Y-%m-%dT%H:%M:%S.%fZ")  # noqa: DTZ007 - it is UTC
    summer = _last_sunday(at.year, 3) <= at < _last_sunday(at.year, 10)
    shown = at + timedelta(hours=summer)
    return f"{shown.isoformat(' ', 'seconds')} {'BST' if summer else 'GMT'}"


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1)  # noqa: DTZ001 - as above
    return last - timedelta(days=(last.weekday() + 1) % 7)


def signed_part(raw: bytes) -> tuple[bytes, bytes]:
    """What is signed of a file, and the note that signs it. Raises `ValueError` for no whole report."""
    if raw.startswith(HTML_BEGINS):
        body, mark, end = raw.rpartition(IN_HTML)
        note = html.unescape(end.removesuffix(HTML_ENDS).decode("utf-8"))
        whole = html_end(note)
    else:
        body, mark, end = raw.rpartition(IN_CSV)
        cells = _cells(f"signature,{end.decode('utf-8')}")
        note = cells[0][1] if len(cells) == 1 and len(cells[0]) == 2 else ""
        whole = csv_end(note)
    if not mark or body + whole != raw:
        raise ValueError("not a whole report")
    return body, note.encode()


def html_end(note: str) -> bytes:
    """What stands behind the signed part of a page."""
    return IN_HTML + html_text(note).encode() + HTML_ENDS


def csv_end(note: str) -> bytes:
    """What stands behind the signed part of a table."""
    return b"\r\n" + csv_line(["signature", note]).encode()


def read_report(body: bytes) -> ReportFile:
    """The signed part of a report. Raises `ValueError` for what is written in another way than we do."""
    text = body.decode("utf-8")
    return _of_html(text) if body.startswith(HTML_BEGINS) else _of_csv(text)


def _of_html(text: str) -> ReportFile:
    parts, lines = dict[str, str](), list[ReportLine]()
    for one in text.split("\n"):
        if part := _PART.fullmatch(one):
            if part[1] in parts:
                raise ValueError("a part twice")
            parts[part[1]] = html.unescape(part[2])
        elif one.lstrip().startswith("<tr") and "<th>" not in one:
            line = _LINE_IN_HTML.fullmatch(one)
            read = ReportLine(*map(html.unescape, line.groups())) if line else None
            if read is None or read.html() != one:
                raise ValueError("a line that is none")
            lines.append(read)
    if len(parts) != 2:
        raise ValueError("a part is missing")
    return ReportFile(parts["about"], parts["checkpoint"], tuple(lines))


def _of_csv(text: str) -> ReportFile:
    parts, lines, seen = dict[str, str](), list[ReportLine](), False
    for cells in _cells(text):
        if seen:
            lines.append(ReportLine(*cells))
        elif cells == list(COLUMNS):
            seen = True
        else:
            name, said = cells
            if name != "guide" and name in parts:
                raise ValueError("a part twice")
            parts[name] = said
    if not seen or parts.keys() != {"about", "guide", "checkpoint"}:
        raise ValueError("a part is missing")
    return ReportFile(parts["about"], parts["checkpoint"], tuple(lines))


def _cells(text: str) -> list[list[str]]:
    """The cells of each line. Raises `ValueError`, also for a line of another length than ours."""
    try:
        found = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        raise ValueError("not CSV") from None
    if any(len(cells) not in (2, len(COLUMNS)) for cells in found):
        raise ValueError("a line of another length")
    return [[one.removeprefix("'") for one in cells] for cells in found]
