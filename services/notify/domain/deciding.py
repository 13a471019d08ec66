"""May this agency be told, now? And when must that be asked again? Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from services.notify.domain.notification import Notification
from shared.events.codes import ReferralStatus, StatusReason, Urgency
from shared.events.notify import RetractionReason
from shared.sharing import (
    POLICY_VERSION,
    Category,
    Decision,
    Request,
    SharingState,
    Terms,
    Verdict,
    decide,
)


class Case(BaseModel):
    """What notify knows of a referral: identifiers and codes. `void` says that it should not be,
    `moving` that it has left this young person and whose it is now will be heard any moment."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    version: int = 0
    seen: int = 0
    subject_id: str
    subject_version: int = 0
    agency_id: str
    area: str
    urgency: Urgency
    due_at: datetime
    hub_id: str | None = None
    worker_id: str | None = None
    void: RetractionReason | None = None
    moving: bool = False


class KnownAgency(BaseModel):
    """What notify knows of an agency; one that was never registered is active nowhere."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: str = ""
    areas: tuple[str, ...] = ()
    active: bool = False


class Answer(BaseModel):
    """Whether they may be told that there is something, with the verdicts; and until when."""

    model_config = ConfigDict(frozen=True)

    permitted: bool
    decision: Decision
    again_at: datetime | None = None


def answer(
    *,
    sharing: bool,
    request: Request,
    state: SharingState,
    agreements: Iterable[Terms],
    void: bool,
    at: datetime,
) -> Answer:
    """The decision of `shared.sharing`, and what follows for telling.

    Telling tells that the young person is known here: without `existence` nothing is told,
    whatever else would be permitted. Where `sharing` is false (the fate of one's own referral, a
    retraction) no ground is needed, but an unsafe recipient hears nothing all the same.
    """
    terms = [t for t in agreements if {request.sharer, request.agency_id} <= set(t.parties)]
    decision = decide(request, state, terms, at)
    if not sharing:
        verdicts = decision.verdicts if decision.safety_hold else ()
        decision = decision.model_copy(update={"verdicts": verdicts})
        return Answer(permitted=not decision.safety_hold, decision=decision)
    if void:
        decision = nothing(request.categories, safety_hold=decision.safety_hold)
    return Answer(
        permitted="existence" in decision.permitted,
        decision=decision,
        again_at=next_change(state, terms, at),
    )


def nothing(categories: tuple[Category, ...], *, safety_hold: bool) -> Decision:
    """Every category withheld, for there is nobody it would be about."""
    verdicts = tuple(Verdict(category=c, permitted=False, reason="no_ground") for c in categories)
    return Decision(verdicts=verdicts, safety_hold=safety_hold, policy_version=POLICY_VERSION)


def next_change(state: SharingState, agreements: Iterable[Terms], at: datetime) -> datetime | None:
    """The first moment after `at` at which time alone could change a decision; None: never."""
    moments: list[datetime | None] = []
    for consent in state.consents:
        moments += [consent.valid_from, consent.valid_to]
    for basis in state.bases:
        moments += [basis.decided_at, basis.review_at, basis.ended_at]
    for terms in agreements:
        moments += [terms.effective_from, terms.effective_to, terms.ended_at]
    return min((m for m in moments if m is not None and m > at), default=None)


def lost(notification: Notification, decision: Decision) -> tuple[Category, ...]:
    """What was permitted when they were told and is not any more."""
    return tuple(c for c in notification.permitted if c not in decision.permitted)


def wrong(found: Mapping[str, Any], subject_id: str | None) -> RetractionReason | None:
    """Why nobody should know of this referral as one of this young person; None if all is well.

    `found` is the referral as projected, perhaps in part. Erased is for good, whatever follows.
    """
    if found.get("erased"):
        return "erased"
    void: RetractionReason | None = found.get("void")
    if void is not None:
        return void
    elsewhere = found.get("subject_id", subject_id) != subject_id
    return "wrong_person" if elsewhere or left(found, subject_id) else None


def left(found: Mapping[str, Any], subject_id: str | None) -> bool:
    """Whether the referral was taken from this young person and not given back since."""
    at, back = (found.get(word, {}).get(subject_id) for word in ("left", "joined"))
    return at is not None and (back is None or at > back)


def void_after(status: ReferralStatus, reason: StatusReason | None) -> RetractionReason | None:
    """Whether the referral should never have been, so that nobody should have been told of it."""
    if reason == "wrong_person":
        return "wrong_person"
    if status == "entered_in_error" or reason == "raised_in_error":
        return "entered_in_error"
    return None
