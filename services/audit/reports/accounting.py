"""Accounts over the trail: disclosures, gaps, integrity. Each scans at most one pass, bounded."""

import json
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.audit.access import hidden_from_asker, may_ask
from services.audit.reports.disclosures import Disclosure, disclosure_of, invalidated_by, rested
from services.audit.reports.gaps import Gap, GapFinder
from services.audit.reports.subjects import keys_about, referrals_of
from services.audit.search.checked import SearchFields
from services.audit.search.held import found_by
from services.audit.trail_query import Question, RecordedRoute, TrailQuery
from shared.rules.values import Number

MOST = 10_000

router = APIRouter(tags=["trail"], route_class=RecordedRoute)


class DisclosuresView(BaseModel):
    """The accounting of disclosures from the trail of `size`. `more`: there are further lines."""

    size: int
    complete_for: str
    search_fields: SearchFields
    disclosures: list[Disclosure]
    more: bool


class GapView(BaseModel):
    """A version that had not arrived at `opened_at` (seq), and came at `closed_at`, or never."""

    source: str
    subject: str
    missing: int
    opened_at: int
    closed_at: int | None


class GapsView(BaseModel):
    """Aggregates whose versions are not contiguous: open gaps first."""

    size: int
    complete_for: str
    gaps: list[GapView]


@router.get("/v1/subjects/{subject_id}/disclosures", dependencies=[may_ask("report_on_all")])
async def get_subject_disclosures(question: Question, subject_id: str) -> DisclosuresView:
    """Who shared what about this young person with whom, on which ground; what was withheld and
    why; who looked, who was refused, and who asked the trail."""
    size = (await question.newest()).size
    referrals = await referrals_of(question.audit.trail, subject_id, size)
    return await _disclosures(question, keys_about(subject_id, referrals))


@router.get("/v1/trail/agencies/{agency_id}/disclosures", dependencies=[may_ask("report_on_all")])
async def get_agency_disclosures(question: Question, agency_id: str) -> DisclosuresView:
    """What this agency shared, was told, was refused or looked at."""
    return await _disclosures(question, [f"agency:{agency_id}", f"recipient:{agency_id}"])


async def _disclosures(question: TrailQuery, keys: list[str]) -> DisclosuresView:
    size = (await question.newest()).size
    hidden = await hidden_from_asker(question)
    lines: list[Disclosure] = []
    left_out = 0
    async for document in question.audit.trail.with_any(keys, size):
        found = found_by(document)
        if found.isdisjoint(keys):
            left_out += 1
            continue
        if not hidden.isdisjoint(found):
            continue  # the auditor is marked as unsafe for this young person
        leaf = json.loads(document["leaf"])
        line = disclosure_of(document["seq"], leaf["event"], leaf["recorded_at"])
        if line is not None:
            lines.append(line)
        if len(lines) > MOST:
            break
    told = rested(lines[:MOST], await _invalid(question, size))
    await question.answered(count=len(told), size=size)
    fields = question.audit.check.search_fields(left_out)
    return DisclosuresView(
        size=size,
        complete_for=await question.complete_for(size, fields=fields),
        search_fields=fields,
        disclosures=told,
        more=len(lines) > MOST,
    )


async def _invalid(question: TrailQuery, size: int) -> set[str]:
    """Every consent that was found never to have counted: few, for they were mistakes."""
    keys = ["type:consent.invalidated", "type:consent.reviewed"]
    found = question.audit.trail.with_any(keys, size)
    events = [json.loads(document["leaf"])["event"] async for document in found]
    return {consent_id for event in events if (consent_id := invalidated_by(event))}


@router.get("/v1/trail/gaps", dependencies=[may_ask("report_on_all")])
async def get_trail_gaps(
    question: Question, start: Annotated[Number, Query(alias="first")] = 0
) -> GapsView:
    """Which numbered events of an aggregate never arrived, or came late."""
    size = (await question.newest()).size
    gaps = [GapView(**vars(gap)) for gap in await _gaps(question, start, size)]
    await question.answered(count=len(gaps), size=size)
    return GapsView(size=size, complete_for=await question.complete_for(size), gaps=gaps)


async def _gaps(question: TrailQuery, start: int, size: int) -> list[Gap]:
    """The gaps, but for those of young people for whom the asker is marked as unsafe."""
    hidden, unseen = await hidden_from_asker(question), set[tuple[str, str]]()
    finder = GapFinder()
    async for document in question.audit.trail.scan({}, size, start=start):
        event = json.loads(document["leaf"])["event"]
        finder.add(document["seq"], event)
        if hidden and not hidden.isdisjoint(found_by(document)):
            unseen.add((str(event.get("source")), str(event.get("subject"))))
    return [gap for gap in finder.gaps() if (gap.source, gap.subject) not in unseen]
