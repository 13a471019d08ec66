"""Curiosity reports: named patterns, each with its rule."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.audit.access import hidden_from_asker, may_ask
from services.audit.reports.rules import REPORTS, Report, Seen
from services.audit.search.checked import SearchFields
from services.audit.search.fields import BUT
from services.audit.search.held import found_by, is_found
from services.audit.search.spans import Moment, ends, span_of, starts
from services.audit.trail_query import Question, RecordedRoute, TrailQuery
from shared.clock import now
from shared.errors import NotFound

router = APIRouter(tags=["trail"], route_class=RecordedRoute)


class RuleView(BaseModel):
    """A report there is, and its rule in words."""

    name: str
    rule: str


class FindingView(BaseModel):
    """Who, what in words, and the entries (seq) that show it."""

    actor: str
    says: str
    entries: list[int]


class ReportView(BaseModel):
    """What a report found in the trail of `size`. A finding is a question, not a verdict."""

    name: str
    rule: str
    size: int
    complete_for: str
    search_fields: SearchFields
    findings: list[FindingView]


@router.get("/v1/trail/reports", dependencies=[may_ask("report_on_all")])
async def get_reports() -> list[RuleView]:
    """The reports there are."""
    return [RuleView(name=r.name, rule=r.rule) for r in REPORTS.values()]


@router.get("/v1/trail/reports/{name}", dependencies=[may_ask("report_on_all")])
async def get_report(
    question: Question,
    name: str,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
) -> ReportView:
    """One report; `from` and `to` bound what is told, by the time it was recorded."""
    report = REPORTS.get(name)
    if report is None:
        raise NotFound("report")
    return await _found(question, report, Window.of(since, until), span_of(since, until))


@dataclass(frozen=True)
class Window:
    """A span of time: `since` counts, `until` no longer does. None: without end."""

    since: datetime | None
    until: datetime | None

    @staticmethod
    def of(since: datetime | date | None, until: datetime | date | None) -> "Window":
        """The window between two moments or days; the last day is in it."""
        return Window(
            None if since is None else starts(since), None if until is None else ends(until)
        )

    def holds(self, at: datetime) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


async def _found(
    question: TrailQuery, report: Report, window: Window, span: dict[str, str]
) -> ReportView:
    size = (await question.newest()).size
    findings, fields = await _findings(question, report, size, window)
    await question.answered(count=len(findings), size=size)
    return ReportView(
        name=report.name,
        rule=report.rule,
        size=size,
        complete_for=await question.complete_for(size, span, fields),
        search_fields=fields,
        findings=findings,
    )


async def _findings(
    question: TrailQuery, report: Report, size: int, window: Window
) -> tuple[list[FindingView], SearchFields]:
    """What the report finds in the whole trail, of which an entry lies in the window."""
    entries, fields = await _entries(question, report, size)
    within = {entry.seq for entry in entries if window.holds(entry.at)}
    findings = [
        FindingView(actor=found.actor, says=found.says, entries=list(found.entries))
        for found in report.find(entries, now())
        if within.intersection(found.entries)
    ]
    return findings, fields


async def _entries(
    question: TrailQuery, report: Report, size: int
) -> tuple[list[Seen], SearchFields]:
    hidden = await hidden_from_asker(question)
    where = {"type": list(report.types), **({BUT: hidden} if hidden else {})}
    found, left_out = list[Seen](), 0
    async for document in question.audit.trail.scan(where, size):
        if not is_found(found_by(document), where):
            left_out += 1
            continue
        leaf = json.loads(document["leaf"])
        at = datetime.fromisoformat(leaf["recorded_at"])
        found.append(Seen(document["seq"], at, leaf["event"]))
    return found, question.audit.check.search_fields(left_out)
