"""A report as it is sent: piece by piece, and at its end the trail's signature over all before."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import astuple
from typing import Any, Literal

from services.audit.court.form import ReportLine, csv_end, csv_line, html_end, text_to_sign
from services.audit.court.page import page_foot, page_head, table_head
from services.audit.log.notes import Signs, sign_note

Format = Literal["html", "csv"]
MEDIA: Mapping[Format, str] = {"html": "text/html", "csv": "text/csv"}


def format_of(named: Format | None, accepted: str) -> Format:
    """What is asked for: by its name, or by `Accept`; a page where neither says."""
    return named or ("csv" if MEDIA["csv"] in accepted else "html")


async def written(
    form: Format,
    about: Mapping[str, Any],
    checkpoint: str,
    lines: AsyncIterator[ReportLine],
    origin: str,
    keys: Sequence[Signs],
) -> AsyncIterator[bytes]:
    """The file. Cut off anywhere, it has no signature, and verifies as nothing."""
    digest = hashlib.sha256()
    pieces = _page(about, checkpoint, lines) if form == "html" else _table(about, checkpoint, lines)
    async for piece in pieces:
        digest.update(piece)
        yield piece
    note = sign_note(text_to_sign(origin, about["size"], digest.digest()), keys)
    yield html_end(note) if form == "html" else csv_end(note)


async def _page(
    about: Mapping[str, Any], checkpoint: str, lines: AsyncIterator[ReportLine]
) -> AsyncIterator[bytes]:
    yield page_head(about)
    async for line in lines:
        yield line.html().encode() + b"\n"
    yield page_foot(about, checkpoint)


async def _table(
    about: Mapping[str, Any], checkpoint: str, lines: AsyncIterator[ReportLine]
) -> AsyncIterator[bytes]:
    # The last line's end belongs to the signature.
    before = table_head(about, checkpoint)
    async for line in lines:
        yield before
        before = csv_line(astuple(line)).encode()
    yield before.removesuffix(b"\r\n")
