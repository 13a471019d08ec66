"""A report for a court, held by the verifier: no byte of it can change, no line says what its entry
does not, and nothing that somebody made up ends in a traceback or in an accusation."""

import asyncio
import base64
import csv
import html
import io
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import astuple, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.court.form import COLUMNS, ReportLine, csv_line, in_london
from services.audit.court.legend import CATEGORIES, GROUNDS, REASONS, legend
from services.audit.court.writing import Format, written
from services.audit.log.leaf import canonical, instant
from services.audit.log.signing import SigningKey
from services.audit.log.tree import inclusion_ranges, proof_of
from services.audit.verify.court import CHANGED, check_report
from services.audit.verify.verdicts import CannotVerify, Tampered
from shared.rules.known import Category, GroundKind, Reason
from tests.harness.exports import KEY, ORIGIN, RING, SIZE, STRANGER, note, reader
from tests.harness.trails import verify

SUBJECT, OTHER = f"sub_{'1' * 32}", f"wk_{'2' * 32}"
AT = "2026-07-02T09:30:00.000Z"
FORMS: tuple[Format, ...] = ("html", "csv")
PLACES = (5, 100, 299)
LEAVES = tuple(
    canonical(
        {
            "event": {
                "actor": "worker:wk_1",
                "data": {"subject_id": SUBJECT, "words": "=1+1 <b>&amp;</b> é\n\"'"},
                "id": f"evt_{n}",
                "type": "record.viewed",
            },
            "recorded_at": AT,
        }
    )
    for n in range(SIZE)
)


def line(seq: int) -> ReportLine:
    path = proof_of(inclusion_ranges(seq, SIZE), reader(LEAVES))
    return ReportLine(
        entry=str(seq),
        recorded_at=AT,
        in_london="2026-07-02 10:30:00 BST",
        event="record.viewed",
        by="worker:wk_1",
        says=f"worker wk_1 viewed existence of {SUBJECT} & <more>.",
        leaf=LEAVES[seq].decode(),
        proof=" ".join(base64.b64encode(one).decode() for one in path),
    )


LINES = tuple(line(seq) for seq in PLACES)
ABOUT: dict[str, Any] = {
    "form": 1,
    "subject_id": SUBJECT,
    "referral_ids": ["ref_1"],
    "from": None,
    "to": None,
    "size": SIZE,
    "lines": len(LINES),
    "complete_for": "All.",
    "made_at": AT,
    "asked_by": "auditor:usr_1",
    "purpose": "court_order",
}


def report(
    form: Format,
    lines: tuple[ReportLine, ...] = LINES,
    /,
    *,
    key: SigningKey = KEY,
    checkpoint: bytes = note(SIZE, LEAVES),
    **about: Any,
) -> bytes:
    """A report as the trail would write it, signed."""

    async def each() -> AsyncIterator[ReportLine]:
        for one in lines:
            yield one

    async def whole() -> bytes:
        told = {**ABOUT, "lines": len(lines), **about}
        pieces = written(form, told, checkpoint.decode(), each(), key.name, [key])
        return b"".join([piece async for piece in pieces])

    return asyncio.run(whole())


REPORTS = {form: report(form) for form in FORMS}


def said_of(raw: bytes) -> tuple[str, str]:
    """How it ends, and in which words."""
    try:
        return "verified", check_report(raw, RING)
    except Tampered as found:
        return "tampered", "\n".join(found.findings)
    except CannotVerify as why:
        return "cannot", str(why)


@pytest.mark.parametrize("form", FORMS)
def test_a_report_verifies_and_says_what_of_it_is_proven(form: Format, tmp_path: Path) -> None:
    (tmp_path / "report").write_bytes(REPORTS[form])

    said = verify("report", tmp_path / "report", "--key", str(KEY.verifier))

    assert said.code == 0
    assert said.said.startswith("verified: 3 of 3 entries in the report are in the trail of 300")
    assert "no line was left out is not proven" in said.said


@pytest.mark.parametrize("form", FORMS)
def test_a_report_without_a_line_verifies_as_such(form: Format) -> None:
    assert said_of(report(form, ()))[1].startswith("0 of 0 entries")


@pytest.mark.parametrize("form", FORMS)
def test_no_byte_of_a_report_can_change(form: Format) -> None:
    raw = REPORTS[form]
    ended = set()
    for place in {*range(0, len(raw), 17), *range(len(raw) - 400, len(raw))}:
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        outcome = said_of(changed)[0]
        ended.add(outcome)
        assert outcome != "verified", (place, raw[place - 20 : place + 20])

    assert ended == {"tampered", "cannot"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.replace(b"viewed existence of", b"viewed health of", 1),
        lambda raw: raw.replace(b"2026-07-02T09:30:00.000Z", b"2026-07-03T09:30:00.000Z"),
        lambda raw: raw.replace(b"worker:wk_1", b"worker:wk_9"),
        lambda raw: raw.replace(b"court_order", b"inspection"),
        lambda raw: raw.replace(b"python verify_trail.py", b"python something_else.py"),
        lambda raw: re.sub(rb"(?m)^(<tr><td>)?100\b.*?\r?\n(?=(<tr><td>)?299\b)", b"", raw, flags=re.DOTALL),
    ],
)  # fmt: skip
def test_a_changed_word_or_line_is_told(form: Format, change: Callable[[bytes], bytes]) -> None:
    changed = change(REPORTS[form])

    outcome, said = said_of(changed)

    assert changed != REPORTS[form]
    assert outcome == "tampered"
    assert said.startswith(CHANGED)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", [one.name for one in fields(ReportLine)])
def test_a_line_that_the_trail_itself_signed_is_held_against_its_entry(
    form: Format, name: str
) -> None:
    """Who has the signing key, and would have a court read something else than the entry says."""
    other = {
        "entry": "101",
        "recorded_at": "2026-07-02T09:30:00.001Z",
        "in_london": "2026-07-02 09:30:00 GMT",
        "event": "record.refused",
        "by": "worker:wk_2",
        "says": f"worker {OTHER} viewed it.",
        "leaf": LEAVES[100].decode().replace("wk_1", "wk_2"),
        "proof": LINES[0].proof,
    }
    forged = replace(LINES[1], **{name: other[name]})

    outcome, said = said_of(report(form, (LINES[0], forged, LINES[2])))

    about_entry = "entry 101" if name == "entry" else "entry 100"
    assert outcome in ("tampered", "cannot")
    assert about_entry in said if outcome == "tampered" else "whole proof" in said
    assert outcome == "tampered" or name == "proof"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("about", "lines", "why"),
    [
        ({"form": 2}, LINES, "of a form that this verifier doesn't know"),
        ({"size": SIZE + 1}, LINES, "signed for another checkpoint"),
        ({"lines": 4}, LINES, "says 4 lines and has 3"),
        ({}, LINES[::-1], "not in the order of the trail"),
        ({}, (LINES[0], LINES[0]), "not in the order of the trail"),
        ({}, (replace(LINES[0], proof=""),), "without a whole proof"),
        ({}, (replace(LINES[0], proof="x"),), "without a whole proof"),
        ({}, (replace(LINES[0], entry="005"),), "without a whole proof"),
        ({"subject_id": "sub_2"}, LINES, "entry 5 is not what the report says to be about"),
        ({"from": "2027-01-01T00:00:00.000Z"}, LINES, "entry 5 is not what the report says"),
        ({"lines": "3"}, LINES, "not written as reports are"),
    ],
)
def test_what_a_report_says_of_itself_is_held_against_it(
    form: Format, about: dict[str, Any], lines: tuple[ReportLine, ...], why: str
) -> None:
    outcome, said = said_of(report(form, lines, **about))

    assert (outcome, why in said) == ("cannot", True), said


@pytest.mark.parametrize("form", FORMS)
def test_a_key_that_is_not_trusted_proves_nothing(form: Format) -> None:
    assert said_of(report(form, key=STRANGER))[0] != "verified"
    checkpoint = note(SIZE, LEAVES, STRANGER)
    assert said_of(report(form, checkpoint=checkpoint))[0] != "verified"
    other = note(SIZE - 1, LEAVES)
    assert said_of(report(form, checkpoint=other))[0] == "cannot"


@pytest.mark.parametrize("form", FORMS)
def test_a_signature_of_another_report_or_of_a_checkpoint_is_none(form: Format) -> None:
    raw, other = REPORTS[form], report(form, LINES[:1])
    mark = b'\n<pre id="signature">' if form == "html" else b"\r\nsignature,"
    swapped = raw.rpartition(mark)[0] + mark + other.rpartition(mark)[2]

    assert said_of(swapped) == ("tampered", CHANGED)
    signed = raw.rpartition(mark)[2].replace(b"report of ", b"")
    assert said_of(raw.rpartition(mark)[0] + mark + signed)[0] == "tampered"


@pytest.mark.parametrize("form", FORMS)
def test_a_report_that_was_cut_off_proves_nothing(form: Format) -> None:
    raw = REPORTS[form]
    for end in (0, 1, len(raw) // 2, len(raw) - 40, len(raw) - 1):
        assert said_of(raw[:end])[0] != "verified"


@given(
    start=st.sampled_from([b"", b"<!doctype html>\n", REPORTS["html"], REPORTS["csv"]]),
    pieces=st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.sampled_from(
                [b'\n<pre id="signature">', b"\r\nsignature,", b"</pre>\n</body></html>\n", b'"',
                 b'<pre id="about">{}</pre>\n', b"<tr>", b"\x00", b"[" * 3000, b"\xff", note(),
                 REPORTS["csv"][:900], REPORTS["html"][-900:]]
            ),
        ),
        max_size=6,
    ),
    cut=st.integers(0, 10_000),
)  # fmt: skip
def test_what_somebody_made_up_is_never_believed_and_never_breaks_the_verifier(
    start: bytes, pieces: list[bytes], cut: int
) -> None:
    raw = start[: len(start) - cut % (len(start) + 1)] + b"".join(pieces)
    if raw in REPORTS.values():
        return

    assert said_of(raw)[0] in ("tampered", "cannot")


@given(st.integers(820_454_400, 2_145_830_400))
@settings(max_examples=300)
def test_london_time_is_that_of_the_time_zone_database(second: int) -> None:
    moment = datetime.fromtimestamp(second, UTC)
    for shown in (moment, moment + timedelta(hours=1)):
        there = shown.astimezone(ZoneInfo("Europe/London"))
        assert in_london(instant(shown)) == f"{there:%Y-%m-%d %H:%M:%S %Z}"


def test_a_spreadsheet_computes_nothing() -> None:
    for text in ("=1+1", "+1", "-1", "@x", "\t=1", "'=1"):
        assert next(csv.reader(io.StringIO(csv_line([text])))) == [f"'{text}"]


def test_a_page_runs_nothing_and_loads_nothing() -> None:
    page = REPORTS["html"].decode()

    assert "default-src 'none'" in page
    for one in ("<script", "src=", "href=", "http:", "https:", r"\son\w+=", r"url\("):
        assert not re.search(one, re.sub(r"<td>.*?</td>|<li>.*?</li>|<dd>.*?</dd>", "", page)), one
    assert ORIGIN in page


@pytest.mark.parametrize("form", FORMS)
def test_a_report_explains_every_id_and_code_that_may_stand_in_it(form: Format) -> None:
    explained = {**CATEGORIES, **GROUNDS, **REASONS}
    codes = {*get_args(Category), *get_args(GroundKind), *get_args(Reason)}
    text = report(form, ()).decode()

    assert set(explained) == codes
    for word, meaning in legend():
        assert html.escape(meaning) in text or meaning in text
        assert len(meaning.split()) > 1, word


def test_a_table_has_the_same_lines_as_a_page() -> None:
    read = list(csv.reader(io.StringIO(REPORTS["csv"].decode(), newline="")))
    start = read.index(list(COLUMNS)) + 1

    assert [tuple(cells) for cells in read[start : start + 3]] == [astuple(one) for one in LINES]
    assert [one.html() in REPORTS["html"].decode() for one in LINES] == [True] * 3
