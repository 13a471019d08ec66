"""May this agency be told, now? And when must that be asked again? Pure."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from services.notify.notification import Notification
from shared.rules.sharing import (
    POLICY_VERSION,
    Category,
    Decision,
    Reason,
    Request,
    SharingState,
    Terms,
    Verdict,
    decide,
)


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
    retracted: bool,
    at: datetime,
) -> Answer:
    """The decision of `shared.rules.sharing`, and what follows for telling.

    Telling tells that the young person is known here: without `existence` nothing is told,
    whatever else would be permitted. Where `sharing` is false (the fate of one's own referral, a
    retraction) no ground is needed, but an unsafe recipient hears nothing all the same, nor parents
    who are not told. `retracted`:
    nobody should know of this referral as one of this young person, so all of it is withheld.
    """
    terms = [t for t in agreements if {request.sharer, request.agency_id} <= set(t.parties)]
    decision = decide(request, state, terms, at)
    if not sharing:
        if not decision.closed:
            decision = decision.model_copy(update={"verdicts": ()})
        return Answer(permitted=not decision.closed, decision=decision)
    if retracted and not decision.closed:
        decision = nothing(request.categories, safety_hold=decision.safety_hold)
    return Answer(
        permitted="existence" in decision.permitted,
        decision=decision,
        again_at=next_change(state, terms, at),
    )


def unsafe(categories: tuple[Category, ...]) -> Answer:
    """The answer for whoever is marked as unsafe for the young person: nothing, on no ground."""
    decision = _none(categories, "recipient_unsafe", safety_hold=True)
    return Answer(permitted=False, decision=decision)


def gone(categories: tuple[Category, ...]) -> Answer:
    """The answer for an agency that is inactive, or a worker who was removed: nothing."""
    return Answer(permitted=False, decision=_none(categories, "recipient_left"))


def safe() -> Answer:
    """The answer for a worker who isn't: their case needs no ground."""
    decision = Decision(verdicts=(), safety_hold=False, policy_version=POLICY_VERSION)
    return Answer(permitted=True, decision=decision)


def nothing(categories: tuple[Category, ...], *, safety_hold: bool) -> Decision:
    """Every category withheld, for there is nobody it would be about."""
    return _none(categories, "no_ground", safety_hold=safety_hold)


def _none(
    categories: tuple[Category, ...], reason: Reason, *, safety_hold: bool = False
) -> Decision:
    verdicts = tuple(Verdict(category=c, permitted=False, reason=reason) for c in categories)
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
