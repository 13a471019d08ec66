"""What a report says beside its lines, as a page and as a table. Pure."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from services.audit.court.form import COLUMNS, HTML_BEGINS, csv_line, html_part, html_text
from services.audit.court.legend import legend
from services.audit.log.leaf import canonical

STYLE = (
    "body{font:16px/1.5 Georgia,serif;color:#1b1b1b;background:#fff;margin:2rem auto;max-width:70rem;"
    "padding:0 1rem}h1{font-size:1.5rem}h2{font-size:1.15rem}table{border-collapse:collapse;width:100%}"
    "th,td{border-top:1px solid #bbb;padding:.4rem;text-align:left;vertical-align:top}"
    "pre{font-size:.75rem;white-space:pre-wrap;overflow-wrap:anywhere}summary{color:#444}"
    "@media print{body{margin:0;font-size:11pt}tr{break-inside:avoid}details{display:none}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"
)
GUIDE = (
    "Each line is one entry of the network's audit trail: something was shared, withheld, looked at,"
    " refused, permitted, forbidden, taken back or asked. The sentence is the trail's own.",
    "Times are the network's own, in UTC, and below that as clocks in London showed them (GMT, or BST"
    " in summer).",
    "Agencies, workers and young people stand here by their ids, people who signed in by an account"
    " (usr_...). The trail holds no names; who an id is, the network's operator can tell.",
    "To check this file you need Python 3.11 or newer, the verifier verify_trail.py, and the trail's"
    " public keys as you, or somebody you trust, kept them (keys.json). Take neither from this file.",
    "Type: python verify_trail.py report FILE --keys keys.json",
    "Exit code 0: each entry is proven to be in the trail as it was sealed, every line says what its"
    " entry says, and nothing of this file was changed since the trail made and signed it. 1, with lines"
    " that begin with TAMPERED: one of these is proven to be false. 2: it can't be told.",
    "It does not prove that an event is true, that no line was left out, or the exact time. What was"
    " left out shows in a full export of the trail (docs/auditing.md).",
    "Keep the file as it was sent. A print is for reading; what a browser or a spreadsheet saves anew is"
    " another file, and is told as changed.",
)


def page_head(about: Mapping[str, Any]) -> bytes:
    """All of the page up to its first line."""
    guide = "\n".join(f"<li>{html_text(one)}</li>" for one in GUIDE)
    facts = "\n".join(
        f"<dt>{html_text(name)}</dt><dd>{html_text(said)}</dd>" for name, said in _facts(about)
    )
    head = "".join(f"<th>{name}</th>" for name in ("Entry", "Recorded", "Event", "By", "What"))
    return (
        f'{HTML_BEGINS.decode()}<html lang="en-GB"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>Report on {html_text(about['subject_id'])}</title>\n<style>{STYLE}</style></head><body>\n"
        f"<h1>What the trail holds about {html_text(about['subject_id'])}</h1>\n<dl>\n{facts}\n</dl>\n"
        f"<h2>How to read and check this report</h2>\n<ol>\n{guide}\n</ol>\n"
        f"<h2>Lines</h2>\n<table><thead>\n<tr>{head}</tr>\n</thead><tbody>\n"
    ).encode()


def page_foot(about: Mapping[str, Any], checkpoint: str) -> bytes:
    """All of the page behind its last line, up to the signature."""
    words = "\n".join(
        f"<dt>{html_text(word)}</dt><dd>{html_text(meaning)}</dd>" for word, meaning in legend()
    )
    return (
        f"</tbody></table>\n<h2>What the words mean</h2>\n<dl>\n{words}\n</dl>\n"
        "<h2>For the verifier</h2>\n"
        f"{html_part('about', canonical(about).decode())}\n"
        f"{html_part('checkpoint', checkpoint)}"
    ).encode()


def table_head(about: Mapping[str, Any], checkpoint: str) -> bytes:
    """All of the table up to its first line."""
    words = (f"{word}: {meaning}" for word, meaning in legend())
    lines = [("about", canonical(about).decode()), *(("guide", one) for one in (*GUIDE, *words))]
    return "".join(
        csv_line(cells) for cells in (*lines, ("checkpoint", checkpoint), COLUMNS)
    ).encode()


def _facts(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    window = " ".join(f"{word} {about[word]}" for word in ("from", "to") if about[word])
    return [
        ("Referrals", ", ".join(about["referral_ids"]) or "none"),
        ("Time", f"{window or 'all'}; made at {about['made_at']}"),
        ("Asked by", f"{about['asked_by']}, purpose {about['purpose']}"),
        ("Complete for", about["complete_for"]),
        ("Lines", str(about["lines"]) if about["lines"] else "none: the trail holds no such entry"),
    ]
