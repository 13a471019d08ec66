"""Send a file of referrals to the API.

    python -m services.referral.imports FILE
    python -m services.referral.imports --validate-only FILE
    python -m services.referral.imports --help

FILE is a table (CSV) or the children in need census (XML) of any size; docs/import.md says how it is
read. It is sent in batches to API_URL (as https://referrals.example) with the access token of your
agency in API_TOKEN. With --validate-only nothing of it is stored: each line is answered what it would be.
Without API_URL nothing is sent: the referrals are written as they would be, a JSON line each.

Each line of what is written is the answer to one referral, by its line in the file; the last one is the
report. Sent again, a file doubles nothing: after an error just do so. Exit codes: 0 all taken, 1 some
refused or the file is broken, 64 the words are wrong, 69 the API does not answer as it should.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from services.referral.imports.census import Row, read_census
from services.referral.imports.report import Counting
from services.referral.imports.table import read_table
from shared.operating.start import UNAVAILABLE, USAGE
from shared.rules.values import MOST_BYTES

ONLY = "--validate-only"
PIECE = 1 << 16
# A token goes nowhere in the clear, nor where an answer sends it.
SAFE = ("https://", "http://127.0.0.1:", "http://localhost:")
# As a batch takes.
MOST_LINES = 1000
# The whole answer of a batch of 1,000.
PATIENCE = 600


def main(words: Sequence[str]) -> int:
    """Run it; the exit code."""
    if list(words) in (["--help"], ["-h"]):
        sys.stdout.write(f"{__doc__}\n")
        return 0
    only, files = list(words[:1]) == [ONLY], [word for word in words if word != ONLY]
    if len(files) != 1 or len(words) != 1 + only or not Path(files[0]).is_file():
        sys.stderr.write(f"{__doc__}\n")
        return USAGE
    rows = rows_of(Path(files[0]))
    url = os.environ.get("API_URL", "").rstrip("/")
    if not url:
        return _write(rows, sys.stdout)
    if not url.startswith(SAFE):
        sys.stderr.write("API_URL: https, or this machine\n")
        return USAGE
    try:
        to = f"{url}/v1/referrals/batch{'?validate_only=true' if only else ''}"
        return _send(rows, to, os.environ.get("API_TOKEN", ""), sys.stdout)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        code = error.code if isinstance(error, urllib.error.HTTPError) else type(error).__name__
        sys.stderr.write(f"the API does not take it ({code}); send the same file again later\n")
        return UNAVAILABLE


def rows_of(path: Path) -> Iterator[Row]:
    """The rows of a file: XML is read piece by piece."""
    with path.open("rb") as file:
        start = file.read(PIECE).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] == b"<" or start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return read_census(_pieces(path))
    return read_table(path.read_bytes())


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def _write(rows: Iterable[Row], out: TextIO) -> int:
    broken = False
    for row in rows:
        broken |= row.document is None
        fault = {"line": row.line, "fault": row.fault}
        out.write(json.dumps(row.document if row.document is not None else fault) + "\n")
    return int(broken)


def _send(rows: Iterable[Row], url: str, token: str, out: TextIO) -> int:
    counting = Counting()
    for batch in _batches(rows):
        for answer in _answers(batch, url, token):
            counting.count(answer)
            out.write(json.dumps(answer) + "\n")
    report = counting.report()
    out.write(json.dumps({"report": report.model_dump()}) + "\n")
    return int(report.refused > 0)


def _batches(rows: Iterable[Row]) -> Iterator[list[tuple[Row, bytes]]]:
    """As many rows as one request may have; one that is too large stands alone, and is refused."""
    batch: list[tuple[Row, bytes]] = []
    size = 0
    for row in rows:
        line = b"" if row.document is None else json.dumps(row.document).encode() + b"\n"
        if batch and (size + len(line) > MOST_BYTES or len(batch) == MOST_LINES):
            yield batch
            batch, size = [], 0
        batch.append((row, line))
        size += len(line)
    if batch:
        yield batch


def _answers(batch: Sequence[tuple[Row, bytes]], url: str, token: str) -> Iterator[dict[str, Any]]:
    """The answer to each row, by its line in the file."""
    for row, line in batch:
        if not line:
            yield {"line": row.line, "status": 422, "code": row.fault}
    sent = [(row, line) for row, line in batch if line]
    if sum(len(line) for _, line in sent) > MOST_BYTES:
        yield {"line": sent[0][0].line, "status": 413, "code": "content_too_large"}
    elif sent:
        body = b"".join(line for _, line in sent)
        for answer in _posted(body, url, token):
            yield {**answer, "line": sent[answer["line"] - 1][0].line}


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _posted(body: bytes, url: str, token: str) -> Iterator[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310
    with urllib.request.build_opener(_Stay).open(request, timeout=PATIENCE) as answer:
        for line in answer:
            yield json.loads(line)
