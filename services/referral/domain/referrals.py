"""The referral: what is kept of it, and what happens to it whoever has it. Pure.

A sealed field is an encrypted one; `SEALED` says which category of data each belongs to.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from services.referral.domain.incoming import (
    DiscussionEntry,
)
from shared.calendars import Nation
from shared.events.codes import (
    AgeBand,
    Ethnicity,
    Gender,
    ReferralStatus,
    RiskLevel,
    Setting,
    Urgency,
)
from shared.events.referral import (
    Concern,
    DiscussionRecorded,
    MatchSuspected,
    ReferralAmended,
    ReferralErased,
    ReferralOverdue,
    ReferralReceived,
)
from shared.records import Change, Record, changed, unchanged
from shared.sharing import Category

RESPONSE_DUE = "response_due"
URGENCIES: tuple[Urgency, ...] = (
    "immediate",
    "same_day",
    "one_working_day",
    "five_working_days",
    "ten_working_days",
)

# Sealed field (before any `~number`) → the category that lets a partner read it. None: nothing does.
SEALED: dict[str, Category | None] = {
    "agency_reference": None,
    "referrer": None,
    "identity": "identity",
    "address": "contact",
    "safe_contact": "contact",
    "health": "health",
    "education": "education",
    "family": "family",
    "raw_indicators": "concerns",
    "narrative": "narrative",
    "own_words": "narrative",
    "discussion": "narrative",
    "intelligence": "intelligence",
}


class Amendment(BaseModel):
    """What was there before an amendment, still sealed: nothing sent is ever overwritten."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    by: str
    fields: tuple[str, ...]
    previous: dict[str, bytes]


class Referral(Record):
    """A referral as stored: coded fields in the clear, `sealed` ones encrypted with its own key."""

    agency_id: str
    subject_id: str
    subject_version: int
    reference_hash: str
    request_hash: str
    status: ReferralStatus
    reason: str | None = None
    outcome: str | None = None
    urgency: Urgency
    nation: Nation
    area: str
    received_at: datetime
    changed_at: datetime
    due_at: datetime
    overdue: bool = False
    age_band: AgeBand
    gender: Gender
    ethnicity: Ethnicity
    concerns: tuple[Concern, ...]
    linked_issues: tuple[str, ...]
    settings_avoided: tuple[Setting, ...]
    preferred_times: tuple[str, ...]
    languages: tuple[str, ...] = ()
    needs: tuple[str, ...]
    requested_action: str
    discussed: bool
    warnings: tuple[str, ...]
    sealed: dict[str, bytes]
    amendments: tuple[Amendment, ...] = ()
    suspected: tuple[str, ...] = ()
    hub_id: str | None = None
    worker_id: str | None = None
    allocation_version: int = 0
    level: RiskLevel | None = None
    erased_at: datetime | None = None
    reply: bool = True


def snapshot(referral: Referral) -> dict[str, Any]:
    """The coded state as `referral.received` and `referral.amended` carry it."""
    names = set(ReferralReceived.model_fields) - {"referral_id"}
    return {"referral_id": referral.id, **referral.model_dump(include=names)}


def awaits_answer(referral: Referral) -> bool:
    """Whether the response clock runs: nobody has said yes, no or wait yet."""
    return referral.status in ("received", "screening")


def overdue(referral: Referral, at: datetime) -> Change[Referral]:
    """The response clock ran out: once, and only while nobody has answered. Closes nothing."""
    if referral.overdue or not awaits_answer(referral) or at < referral.due_at:
        return unchanged(referral)
    event = ReferralOverdue(
        referral_id=referral.id,
        **referral.model_dump(include={"agency_id", "urgency", "due_at", "status"}),
    )
    return changed(referral, event, due={RESPONSE_DUE: None}, overdue=True)


def suspect_match(referral: Referral, others: Iterable[str]) -> Change[Referral]:
    """Other referrals may be about the same young person. Each is told once."""
    new = tuple(sorted(set(others) - set(referral.suspected)))
    if not new:
        return unchanged(referral)
    event = MatchSuspected(
        referral_id=referral.id, subject_id=referral.subject_id, other_referral_ids=new
    )
    return changed(referral, event, suspected=(*referral.suspected, *new))


def record_discussion(
    referral: Referral, entry: DiscussionEntry, sealed: dict[str, bytes], by: str, at: datetime
) -> Change[Referral]:
    """Keep what was discussed; the earlier record stays among the amendments."""
    event = DiscussionRecorded(
        referral_id=referral.id,
        subject_id=referral.subject_id,
        discussed=entry.discussed,
        not_discussed_because=entry.not_discussed_because,
        wishes_recorded=bool(entry.wishes),
    )
    before = {n: v for n, v in referral.sealed.items() if n in sealed}
    past = Amendment(at=at, by=by, fields=("discussion",), previous=before)
    return changed(
        referral,
        event,
        discussed=referral.discussed or entry.discussed,
        warnings=tuple(w for w in referral.warnings if w != "not_discussed"),
        sealed={**referral.sealed, **sealed},
        amendments=(*referral.amendments, past),
    )


def erase(
    referral: Referral,
    reason: Literal["retention_ended", "right_to_erasure", "entered_in_error"],
    at: datetime,
) -> Change[Referral]:
    """The coded record of an erased referral: sealed fields gone. Twice is once."""
    if referral.erased_at is not None:
        return unchanged(referral)
    event = ReferralErased(referral_id=referral.id, agency_id=referral.agency_id, reason=reason)
    return changed(
        referral,
        event,
        due={RESPONSE_DUE: None},
        erased_at=at,
        sealed={},
        amendments=(),
        reference_hash=f"erased:{referral.id}",
    )


def reassign(referral: Referral, subject_id: str, subject_version: int) -> Change[Referral]:
    """A practitioner decided that it is about another young person than thought."""
    if referral.subject_id == subject_id:
        return unchanged(referral)
    after = referral.but(subject_id=subject_id, subject_version=subject_version)
    return Change(after, (ReferralAmended(**snapshot(after), amended=("subject_id",)),))
