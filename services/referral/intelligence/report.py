"""A report as it is kept: codes and keyed hashes in the clear, words and values sealed. Pure.

Grades: 3×5×2 (College of Policing, APP Intelligence management). Times: `retention.toml`.
"""

from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, computed_field

from services.referral.intelligence.normal import KeyKind, Strength
from shared.errors import Refused
from shared.events.intelligence import (
    Assessment,
    DestructionReason,
    Handling,
    IntelligenceDestroyed,
    IntelligenceReported,
    IntelligenceReviewDue,
    IntelligenceReviewed,
    IntelligenceWithdrawn,
    MentionKind,
    MentionRole,
    ReporterKind,
    ReviewOutcome,
    SourceGrade,
    WithdrawalReason,
)
from shared.storage.records import Change, Record, changed, unchanged

REVIEW_DUE, REPORT_ENDS_DUE = "review_due", "report_ends_due"
ReportStatus = Literal["standing", "withdrawn", "entered_in_error", "destroyed"]
TEXT, CONDITIONS = "text", "conditions"


class Found(BaseModel):
    """What a mention is found by: the id of its node, a keyed hash of the value as it is compared."""

    model_config = ConfigDict(frozen=True)

    node: str
    kind: KeyKind
    strength: Strength


class Mention(BaseModel):
    """Somebody or something that a report names. What it says is sealed under `mention~number`."""

    model_config = ConfigDict(frozen=True)

    number: int
    kind: MentionKind
    role: MentionRole
    found_by: tuple[Found, ...] = ()

    @property
    def sealed_as(self) -> str:
        """Under which name its values are sealed."""
        return f"mention~{self.number}"


class Report(Record):
    """An intelligence report. `status` `destroyed`: nothing sealed is left, and nothing to find it by.

    `unsafe` are the names of those who seem to be mentioned in it: they read nothing of it.
    """

    request_hash: str
    reporter_kind: ReporterKind
    reporter: str
    account: str
    agency_id: str | None
    worker_id: str | None
    area: str
    referral_id: str | None
    source: SourceGrade
    assessment: Assessment
    handling: Handling
    mentions: tuple[Mention, ...] = ()
    status: ReportStatus = "standing"
    unsafe: tuple[str, ...] = ()
    observed_at: datetime | None = None
    reported_at: datetime
    review_at: datetime
    destroyed_at: datetime
    sealed: dict[str, bytes]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def nodes(self) -> list[str]:
        """Everything that it is found by, once: what the index is on."""
        if self.status != "standing":
            return []
        return sorted({found.node for each in self.mentions for found in each.found_by})

    def timers(self) -> dict[str, datetime | None]:
        stands = self.status == "standing"
        return {
            REVIEW_DUE: self.review_at if stands else None,
            REPORT_ENDS_DUE: None if self.status == "destroyed" else self.destroyed_at,
        }


def reported(report: Report, subject_id: str | None) -> IntelligenceReported:
    """The event of a new report."""
    names = set(IntelligenceReported.model_fields) - {
        "report_id",
        "subject_id",
        "mentions",
        "kinds",
    }
    return IntelligenceReported(
        report_id=report.id,
        subject_id=subject_id,
        mentions=len(report.mentions),
        kinds=tuple(sorted({mention.kind for mention in report.mentions})),
        **report.model_dump(include=names),
    )


def withdraw(
    report: Report, reason: WithdrawalReason, at: datetime, kept: timedelta
) -> Change[Report]:
    """Nothing is found by it any more; after a while it is destroyed. The same again changes nothing;
    raises `Refused` for another reason than the first, and once it was destroyed."""
    if report.status == reason:
        return unchanged(report)
    _standing(report)
    until = min(at + kept, report.destroyed_at)
    event = IntelligenceWithdrawn(**_about(report), reason=reason, destroyed_at=until)
    return changed(report, event, status=reason, destroyed_at=until)


def review(
    report: Report, outcome: ReviewOutcome, at: datetime, again: timedelta, kept: timedelta
) -> Change[Report]:
    """It is needed still, and kept from now on as a new one; or it is not, and destroyed at once."""
    _standing(report)
    keep = outcome == "keep"
    review_at, until = (at + again, at + kept) if keep else (report.review_at, at)
    event = IntelligenceReviewed(
        **_about(report), outcome=outcome, review_at=review_at, destroyed_at=until
    )
    status = "standing" if keep else "withdrawn"
    return changed(report, event, status=status, review_at=review_at, destroyed_at=until)


def remind(report: Report, at: datetime, again: timedelta) -> Change[Report]:
    """The time for a review has come; who has not reviewed it is told again after as long."""
    if report.status != "standing" or at < report.review_at:
        return unchanged(report)
    event = IntelligenceReviewDue(**_about(report), area=report.area, review_at=report.review_at)
    return changed(report, event, review_at=at + again)


def destroy(report: Report, reason: DestructionReason) -> Change[Report]:
    """What can be read and found of it is gone; that there was one stays. Safe to repeat."""
    if report.status == "destroyed":
        return unchanged(report)
    event = IntelligenceDestroyed(**_about(report), reason=reason)
    bare = tuple(each.model_copy(update={"found_by": ()}) for each in report.mentions)
    return changed(
        report, event, status="destroyed", sealed={}, mentions=bare, unsafe=(), request_hash=""
    )


def _about(report: Report) -> dict[str, Any]:
    return {"report_id": report.id, "referral_id": report.referral_id}


def _standing(report: Report) -> None:
    if report.status != "standing":
        raise Refused("report_ended", "This report was taken back, or destroyed.")
