"""Events of intelligence reports: ids, codes and counts. What a report says, and whom it mentions, is
sealed in the referral service.

Grades are the 3×5×2 of the intelligence report that police in England and Wales have used since 2016
(College of Policing, Authorised Professional Practice, Intelligence management): the source, what is
known of it and how, and whether conditions go with it.
"""

from datetime import datetime
from typing import ClassVar, Literal

from shared.events import EventData
from shared.events.declared import Disclosed, Parties, by_verdicts, listed, plain
from shared.events.records import UNKNOWN
from shared.rules.sharing import Verdict

# Reliable; untested; not reliable.
SourceGrade = Literal["1", "2", "3"]
# Known directly; known indirectly but corroborated; known indirectly; not known; suspected false.
Assessment = Literal["A", "B", "C", "D", "E"]
# Lawful sharing permitted; permitted with conditions.
Handling = Literal["P", "C"]
MentionKind = Literal["person", "phone", "vehicle", "place", "online_handle", "business"]
MentionRole = Literal[
    "suspect", "associate", "witness", "victim_or_child", "place_of_concern", "other"
]
ReporterKind = Literal["agency", "worker", "coordinator"]
ReportViewerKind = Literal["agency", "worker", "hub_manager", "coordinator"]
WithdrawalReason = Literal["withdrawn", "entered_in_error"]
DestructionReason = Literal["time_over", "entered_in_error", "referral_erased"]
ReviewOutcome = Literal["keep", "destroy"]


class _AboutReport(EventData):
    """One report; and the referral that it names, and whom that is about."""

    report_id: str
    referral_id: str | None = None
    subject_id: str | None = None

    def parties(self) -> Parties:
        return Parties(referral_id=self.referral_id, subjects=(self.subject_id,))

    @property
    def _of(self) -> str:
        return f" of {self.referral_id}" if self.referral_id else ""


class IntelligenceReported(_AboutReport):
    """A report is stored. Its mentions are counted; its links follow."""

    event_type: ClassVar[str] = "intelligence.reported"
    heard_by: ClassVar[tuple[str, ...]] = ("referral.follow_up",)

    reporter_kind: ReporterKind
    agency_id: str | None
    worker_id: str | None
    area: str
    source: SourceGrade
    assessment: Assessment
    handling: Handling
    mentions: int
    kinds: tuple[MentionKind, ...]
    review_at: datetime
    destroyed_at: datetime

    def says(self, by: str) -> str:
        grade = f"{self.source}{self.assessment}{self.handling}"
        count = "1 mention" if self.mentions == 1 else f"{self.mentions} mentions"
        return f"{by} reported intelligence{self._of} in {self.area}, graded {grade}: {count}."

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            agencies=(self.agency_id,),
            workers=(self.worker_id,),
        )

    def disclosure(self) -> Disclosed | None:
        told = () if self.agency_id is None else (self.agency_id,)
        return Disclosed(kind="received", recipients=told, categories=("intelligence",))


class IntelligenceViewed(_AboutReport):
    """Somebody was shown a report, its grades and its conditions."""

    event_type: ClassVar[str] = "intelligence.viewed"

    viewer_kind: ReportViewerKind
    viewer_id: str
    purpose: str
    handling: Handling
    own: bool
    verdicts: tuple[Verdict, ...] = ()
    policy_version: str

    def says(self, by: str) -> str:
        whose = "its own report" if self.own else "the report"
        rule = ", with its conditions" if self.handling == "C" else ""
        return f"{by} viewed {whose} {self.report_id}{self._of}{rule}, for {plain(self.purpose)}."

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            agencies=(self.viewer_id if self.viewer_kind == "agency" else None,),
            workers=(self.viewer_id if self.viewer_kind == "worker" else None,),
            recipients=(self.viewer_id,),
        )

    def disclosure(self) -> Disclosed | None:
        if self.verdicts:
            to = (self.viewer_id,)
            return by_verdicts("viewed", self.verdicts, recipients=to, purpose=self.purpose)
        return Disclosed(
            kind="viewed",
            recipients=(self.viewer_id,),
            categories=("intelligence",),
            purpose=self.purpose,
        )


class IntelligenceRefused(EventData):
    """Somebody asked for a report that is not theirs to see, or not there: they were told it isn't."""

    event_type: ClassVar[str] = "intelligence.refused"

    report_id: str
    viewer_kind: Literal["agency", "worker", "hub_manager", "coordinator", "auditor", "operator"]
    viewer_id: str
    action: str
    reason: Literal[
        "not_theirs", "nothing_permitted", "recipient_unsafe", "parents_not_told", "not_there"
    ]
    # Where there is no such report: a keyed hash of the id, which may spell a name.
    unknown_id: str | None = None

    def says(self, by: str) -> str:
        if self.report_id == UNKNOWN:
            return f"{by} was refused a report that is not there ({plain(self.action)})."
        return f"{by} was refused {self.report_id} ({plain(self.action)}): {plain(self.reason)}."

    def parties(self) -> Parties:
        return Parties(
            agencies=(self.viewer_id if self.viewer_kind == "agency" else None,),
            workers=(self.viewer_id if self.viewer_kind == "worker" else None,),
            recipients=(self.viewer_id,),
        )

    def disclosure(self) -> Disclosed | None:
        return Disclosed(kind="refused", recipients=(self.viewer_id,), withheld=(self.reason,))


class IntelligenceWithdrawn(_AboutReport):
    """Its reporter, or the area's coordinator, took it back: nothing is found by it any more."""

    event_type: ClassVar[str] = "intelligence.withdrawn"
    heard_by: ClassVar[tuple[str, ...]] = ("referral.follow_up",)

    reason: WithdrawalReason
    destroyed_at: datetime

    def says(self, by: str) -> str:
        return f"{by} took back the report {self.report_id}{self._of}: {plain(self.reason)}."


class IntelligenceReviewDue(_AboutReport):
    """Whether a report is still needed has to be looked at."""

    event_type: ClassVar[str] = "intelligence.review_due"

    area: str
    review_at: datetime

    def says(self, by: str) -> str:
        return f"The report {self.report_id}{self._of} is to be reviewed."


class IntelligenceReviewed(_AboutReport):
    """Somebody looked whether a report is still needed, and it is kept, or not."""

    event_type: ClassVar[str] = "intelligence.reviewed"

    outcome: ReviewOutcome
    review_at: datetime
    destroyed_at: datetime

    def says(self, by: str) -> str:
        return f"{by} reviewed the report {self.report_id}{self._of}: {plain(self.outcome)}."


class IntelligenceDestroyed(_AboutReport):
    """Nobody can read it any more: its key is destroyed, and what it was found by."""

    event_type: ClassVar[str] = "intelligence.destroyed"
    heard_by: ClassVar[tuple[str, ...]] = ("referral.follow_up",)

    reason: DestructionReason

    def says(self, by: str) -> str:
        return f"The report {self.report_id}{self._of} was destroyed: {plain(self.reason)}."


class LinksViewed(EventData):
    """Somebody was told which links a report or a referral has; `reports` are those named to them."""

    event_type: ClassVar[str] = "intelligence.links_viewed"

    report_id: str | None = None
    referral_id: str | None = None
    subject_id: str | None = None
    viewer_kind: ReportViewerKind
    viewer_id: str
    links: int
    reports: int

    def says(self, by: str) -> str:
        of = listed(one for one in (self.report_id, self.referral_id) if one)
        return f"{by} was told that {of} has {self.links} links; {self.reports} reports were named."

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            agencies=(self.viewer_id if self.viewer_kind == "agency" else None,),
            workers=(self.viewer_id if self.viewer_kind == "worker" else None,),
            recipients=(self.viewer_id,),
        )

    def disclosure(self) -> Disclosed | None:
        return Disclosed(kind="viewed", recipients=(self.viewer_id,), categories=("existence",))
