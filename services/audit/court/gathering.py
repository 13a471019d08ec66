"""What a report is made of: the places of its lines first, then each entry with its proof. Reads only."""

import base64
import json
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from services.audit.court.form import ReportLine, in_london
from services.audit.log.damage import Damaged
from services.audit.log.store import Signed, Trail
from services.audit.log.tree import inclusion_ranges
from services.audit.reports.disclosures import disclosure_of
from services.audit.reports.subjects import keys_about
from services.audit.search.held import found_by
from services.audit.search.sentences import sentence
from shared.errors import Refused

MOST_LINES = 10_000


@dataclass(frozen=True)
class Gathered:
    """The places of a report's lines in the trail; `left_out` were found by an edited copy only."""

    places: tuple[int, ...]
    left_out: int


async def gather(
    trail: Trail,
    subject_id: str,
    referral_ids: Collection[str],
    span: Mapping[str, str],
    size: int,
    hidden: frozenset[str],
    most: int = MOST_LINES,
) -> Gathered:
    """Every entry about this young person that is a line, without those that are hidden from who asks.

    An entry of one of the referrals that names other young people only is about those. Raises
    `Refused` beyond `most`.
    """
    keys, own = keys_about(subject_id, referral_ids), f"subject_id:{subject_id}"
    places, left_out = list[int](), 0
    start, stop = await trail.span(span, 0, size)
    async for document in trail.with_any(keys, stop, start=start):
        found = found_by(document)
        if found.isdisjoint(keys):
            left_out += 1
        elif hidden.isdisjoint(found) and _is_about(found, own) and _is_line(document):
            places.append(document["seq"])
        if len(places) > most:
            raise Refused(
                "too_many_lines",
                f"More than {most} lines: ask for a part of the time, with `from` and `to`.",
            )
    return Gathered(tuple(places), left_out)


async def lines_of(
    trail: Trail, places: Collection[int], sealed: Signed
) -> AsyncIterator[ReportLine]:
    """Each line with its proof, in order, one in memory at a time. What the store holds is told as it
    is: judging it is the verifier's work. Raises `Damaged` for an entry that is gone."""
    state = await trail.state()
    for seq in places:
        document = await trail.entry(seq)
        if document is None:
            raise Damaged("entry_missing", seq)
        try:
            path = await trail.tree.proof(inclusion_ranges(seq, sealed.size), sealed.size, state)
        except Damaged:
            path = []  # the verifier says that the proof is not whole
        yield _line(document, path)


def _line(document: Mapping[str, Any], path: Collection[bytes]) -> ReportLine:
    leaf = json.loads(document["leaf"])
    event, at = leaf["event"], leaf["recorded_at"]
    return ReportLine(
        entry=str(document["seq"]),
        recorded_at=at,
        in_london=in_london(at),
        event=event["type"],
        by=str(event.get("actor")),
        says=sentence(event),
        leaf=bytes(document["leaf"]).decode(),
        proof=" ".join(base64.b64encode(value).decode() for value in path),
    )


def _is_about(found: Collection[str], own: str) -> bool:
    named = [key for key in found if key.startswith("subject_id:")]
    return not named or own in named


def _is_line(document: Mapping[str, Any]) -> bool:
    leaf = json.loads(document["leaf"])
    return disclosure_of(document["seq"], leaf["event"], leaf["recorded_at"]) is not None
