"""Curiosity reports: named patterns, each with its rule."""

import json
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.audit.domain.leaf import instant
from services.audit.domain.reports import REPORTS, Report, Seen
from services.audit.routes.asking import Question
from shared.clock import now
from shared.errors import NotFound
from shared.tokens import only

router = APIRouter(tags=["trail"])


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
    findings: list[FindingView]


@router.get("/v1/trail/reports", dependencies=[only("auditor")])
async def get_reports() -> list[RuleView]:
    """The reports there are."""
    return [RuleView(name=r.name, rule=r.rule) for r in REPORTS.values()]


@router.get("/v1/trail/reports/{name}")
async def get_report(
    question: Question,
    name: str,
    since: Annotated[datetime | None, Query(alias="from")] = None,
    until: Annotated[datetime | None, Query(alias="to")] = None,
) -> ReportView:
    """One report; `from` and `to` bound what is told, by the time it was recorded."""
    report = REPORTS.get(name)
    if report is None:
        raise NotFound("report")
    told = {"report": name}
    if since:
        told["from"] = instant(since)
    if until:
        told["to"] = instant(until)
    await question.auditor_only("report", told)
    size = (await question.newest()).size
    entries = await _entries(question, report, size)
    findings = [
        FindingView(actor=f.actor, says=f.says, entries=list(f.entries))
        for f in report.find(entries, now())
        if _within(entries, f.entries, since, until)
    ]
    await question.answered("report", told, count=len(findings), size=size)
    return ReportView(name=name, rule=report.rule, size=size, findings=findings)


async def _entries(question: Question, report: Report, size: int) -> list[Seen]:
    where = {"type": {"$in": list(report.types)}}
    found = []
    async for document in question.audit.trail.scan(where, size):
        leaf = json.loads(document["leaf"])
        at = datetime.fromisoformat(leaf["recorded_at"])
        found.append(Seen(document["seq"], at, leaf["event"]))
    return found


def _within(
    entries: list[Seen], seqs: tuple[int, ...], since: datetime | None, until: datetime | None
) -> bool:
    if since is None and until is None:
        return True
    times = [e.at for e in entries if e.seq in seqs]
    return any((since is None or at >= since) and (until is None or at < until) for at in times)
