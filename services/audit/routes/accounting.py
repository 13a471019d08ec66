"""Accounts over the trail: disclosures, gaps, integrity. Each scans at most one pass, bounded."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.audit.domain.disclosures import Disclosure, disclosure_of
from services.audit.domain.gaps import GapFinder
from services.audit.routes.asking import Question, TheAudit
from services.audit.selfcheck import Result
from shared.tokens import only

MOST = 10_000

router = APIRouter(tags=["trail"])


class DisclosuresView(BaseModel):
    """The accounting of disclosures from the trail of `size`. `more`: there are further lines."""

    size: int
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
    gaps: list[GapView]


class FaultView(BaseModel):
    """What was found, and at which entry (or size, for a checkpoint)."""

    code: str
    seq: int


class PassView(BaseModel):
    """One pass of the self-check."""

    started_at: datetime
    finished_at: datetime | None
    checked: int
    faults: list[FaultView]


class IntegrityView(BaseModel):
    """`sound` until a fault is found. `frozen` says why nothing is signed, if so."""

    sound: bool
    size: int
    frozen: dict[str, Any] | None
    finished: PassView | None
    running: PassView | None


@router.get("/v1/subjects/{subject_id}/disclosures")
async def get_subject_disclosures(question: Question, subject_id: str) -> DisclosuresView:
    """Who shared what about this young person with whom, on which ground; what was withheld and
    why; who looked, who was refused, and who asked the trail."""
    told = {"subject_id": subject_id}
    await question.auditor_only("disclosures", told)
    referrals = await _referrals(question, subject_id)
    any_of = [{"fields.subject_id": subject_id}, {"fields.referral_id": {"$in": referrals}}]
    any_of.append({"fields.asked": {"$in": [subject_id, *referrals]}})
    return await _disclosures(question, told, {"$or": any_of})


@router.get("/v1/trail/agencies/{agency_id}/disclosures")
async def get_agency_disclosures(question: Question, agency_id: str) -> DisclosuresView:
    """What this agency shared, was told, was refused or looked at."""
    told = {"agency": agency_id}
    await question.auditor_only("disclosures", told)
    any_of = [{"fields.agency": agency_id}, {"fields.recipient": agency_id}]
    return await _disclosures(question, told, {"$or": any_of})


async def _referrals(question: Question, subject_id: str) -> list[str]:
    found = question.audit.trail.entries.find(
        {"fields.subject_id": subject_id}, {"fields.referral_id": 1}
    )
    return sorted({str(d["fields"]["referral_id"]) async for d in found})[:1000]


async def _disclosures(
    question: Question, told: Mapping[str, str], where: dict[str, Any]
) -> DisclosuresView:
    size = (await question.newest()).size
    cursor = question.audit.trail.entries.find({**where, "seq": {"$lt": size}}).sort("seq", 1)
    lines: list[Disclosure] = []
    async for document in cursor:
        leaf = json.loads(document["leaf"])
        line = disclosure_of(document["seq"], leaf["event"], leaf["recorded_at"])
        if line is not None:
            lines.append(line)
        if len(lines) > MOST:
            break
    await question.answered("disclosures", told, count=len(lines[:MOST]), size=size)
    return DisclosuresView(size=size, disclosures=lines[:MOST], more=len(lines) > MOST)


@router.get("/v1/trail/gaps")
async def get_gaps(
    question: Question, start: Annotated[int, Query(ge=0, alias="first")] = 0
) -> GapsView:
    """Which numbered events of an aggregate never arrived, or came late."""
    await question.auditor_only("gaps", {"first": str(start)})
    size = (await question.newest()).size
    finder = GapFinder()
    async for document in question.audit.trail.scan({}, size, start=start):
        finder.add(document["seq"], json.loads(document["leaf"])["event"])
    gaps = [GapView(**vars(gap)) for gap in finder.gaps()]
    await question.answered("gaps", {"first": str(start)}, count=len(gaps), size=size)
    return GapsView(size=size, gaps=gaps)


@router.get("/v1/trail/integrity", dependencies=[only("auditor", "operator", "hub_manager")])
async def get_integrity(audit: TheAudit) -> IntegrityView:
    """What the continuous self-check of this process has found."""
    state = await audit.trail.state()
    check = audit.check
    faults = [p.faults for p in (check.running, check.finished) if p is not None]
    return IntegrityView(
        sound=state["frozen"] is None and not any(faults),
        size=state["size"],
        frozen=state["frozen"],
        finished=_pass(check.finished),
        running=_pass(check.running),
    )


def _pass(result: Result | None) -> PassView | None:
    if result is None:
        return None
    faults = [FaultView(code=f.code, seq=f.at) for f in result.faults]
    return PassView(
        started_at=result.started_at,
        finished_at=result.finished_at,
        checked=result.checked,
        faults=faults,
    )
