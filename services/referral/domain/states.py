"""The life of a referral as one table: state × command → who may, reason needed, next state. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from services.referral.domain.referrals import RESPONSE_DUE, Referral
from shared.calendars import due_at
from shared.errors import Malformed, Refused
from shared.events.codes import ClosureOutcome, ReferralStatus, RiskLevel, StatusReason
from shared.events.referral import ReferralStatusChanged
from shared.records import Change, unchanged

Command = Literal[
    "screen",
    "accept",
    "reject",
    "return",
    "signpost",
    "resubmit",
    "withdraw",
    "hold",
    "resume",
    "close",
    "reopen",
    "enter_in_error",
]
Who = Literal["referrer", "hub"]

OPEN: frozenset[ReferralStatus] = frozenset(
    {
        "received",
        "screening",
        "accepted",
        "returned",
        "waiting",
        "allocated",
        "in_progress",
        "on_hold",
    }
)
ENDED: frozenset[ReferralStatus] = frozenset({"rejected", "signposted", "withdrawn", "closed"})
_UNSTARTED: frozenset[ReferralStatus] = OPEN - {"in_progress", "on_hold"}
_ANY: frozenset[ReferralStatus] = frozenset(get_args(ReferralStatus)) - {"entered_in_error"}

_REJECT: frozenset[StatusReason] = frozenset(
    {
        "below_threshold",
        "not_eligible_age",
        "out_of_area",
        "wrong_service",
        "duplicate_of",
        "no_capacity",
        "conflict_of_interest",
        "child_or_family_declined",
        "already_open",
        "other",
    }
)
_SIGNPOST: frozenset[StatusReason] = frozenset(
    {"below_threshold", "not_eligible_age", "out_of_area", "wrong_service", "needs_met_elsewhere"}
)
_WITHDRAW: frozenset[StatusReason] = frozenset(
    {
        "child_or_family_declined",
        "needs_met_elsewhere",
        "moved_away",
        "no_longer_needed",
        "not_engaged",
        "raised_in_error",
        "duplicate_of",
        "other",
    }
)
_ERROR: frozenset[StatusReason] = frozenset({"raised_in_error", "wrong_person", "duplicate_of"})
_REOPEN: frozenset[StatusReason] = frozenset({"new_information", "raised_in_error", "other"})
_RETURN: frozenset[StatusReason] = frozenset({"insufficient_information"})


@dataclass(frozen=True)
class Step:
    """One row: from any of `states`, by any of `who`, giving one of `reasons` (none: no reason)."""

    states: frozenset[ReferralStatus]
    who: tuple[Who, ...]
    reasons: frozenset[StatusReason]
    to: ReferralStatus
    outcome: bool = False


TABLE: dict[Command, Step] = {
    "screen": Step(frozenset({"received"}), ("hub",), frozenset(), "screening"),
    "accept": Step(
        frozenset({"received", "screening", "returned"}), ("hub",), frozenset(), "accepted"
    ),
    "reject": Step(_UNSTARTED, ("hub",), _REJECT, "rejected"),
    "return": Step(frozenset({"received", "screening"}), ("hub",), _RETURN, "returned"),
    "signpost": Step(_UNSTARTED, ("hub",), _SIGNPOST, "signposted"),
    "resubmit": Step(frozenset({"returned"}), ("referrer",), frozenset(), "received"),
    "withdraw": Step(OPEN, ("referrer", "hub"), _WITHDRAW, "withdrawn"),
    "hold": Step(frozenset({"allocated", "in_progress"}), ("hub",), frozenset(), "on_hold"),
    "resume": Step(frozenset({"on_hold"}), ("hub",), frozenset(), "in_progress"),
    "close": Step(OPEN, ("hub",), frozenset(), "closed", outcome=True),
    "reopen": Step(ENDED, ("referrer", "hub"), _REOPEN, "received"),
    "enter_in_error": Step(_ANY, ("referrer", "hub"), _ERROR, "entered_in_error"),
}


@dataclass(frozen=True)
class Move:
    """A command as it was given: what, why, and with which outcome."""

    command: Command
    reason: StatusReason | None = None
    outcome: ClosureOutcome | None = None


def move(referral: Referral, given: Move, who: Who, at: datetime) -> Change[Referral]:
    """The referral after a command. A command that was carried out already changes nothing.

    Raises `Refused` when the table has no such step from here, or not for them; `Malformed` when
    the reason or outcome is missing or not one that fits. A reopened or resubmitted referral is
    to be answered anew, so its response clock starts again.
    """
    step = TABLE[given.command]
    if who not in step.who:
        raise Refused("not_yours_to_do", "This step is for the other side to take.")
    _check(step, given)
    done = referral.status == step.to and referral.reason == given.reason
    if done and referral.status not in step.states:
        return unchanged(referral)
    if referral.status not in step.states:
        detail = "The referral's state does not allow this step."
        raise Refused("not_from_here", detail, state=referral.status)
    fields: dict[str, object] = {
        "reason": given.reason,
        "outcome": given.outcome,
        "changed_at": at,
    }
    if step.to == "received":
        due = due_at(referral.urgency, at, referral.nation)
        return _moved(referral, step.to, {RESPONSE_DUE: due}, due_at=due, overdue=False, **fields)
    clock: dict[str, datetime | None] = {} if step.to == "screening" else {RESPONSE_DUE: None}
    return _moved(referral, step.to, clock, **fields)


def _check(step: Step, given: Move) -> None:
    if step.reasons and given.reason is None:
        raise Malformed("/reason", "missing", "This step needs a reason.")
    if given.reason is not None and given.reason not in step.reasons:
        allowed = ", ".join(sorted(step.reasons)) or "none"
        raise Malformed("/reason", "reason_not_allowed", f"Reasons for this step: {allowed}.")
    if step.outcome != (given.outcome is not None):
        fault = "missing" if step.outcome else "outcome_not_allowed"
        raise Malformed("/outcome", fault, "An outcome belongs to closing, and only there.")


def _moved(
    referral: Referral, to: ReferralStatus, due: dict[str, datetime | None], **fields: object
) -> Change[Referral]:
    after = referral.but(status=to, **fields)
    names = set(ReferralStatusChanged.model_fields) - {"referral_id", "previous"}
    event = ReferralStatusChanged(
        referral_id=referral.id, previous=referral.status, **after.model_dump(include=names)
    )
    return Change(after, (event,), due)


def follow_allocation(
    referral: Referral,
    status: ReferralStatus,
    version: int,
    at: datetime,
    *,
    hub_id: str | None,
    worker_id: str | None,
    level: RiskLevel,
) -> Change[Referral]:
    """The newest decision of allocation counts; an older or repeated one changes nothing.

    A referral that has ended stays ended, but who holds it is still noted: allocation learns of
    the end by its own event and lets go.
    """
    if version <= referral.allocation_version:
        return unchanged(referral)
    going_on = referral.status in OPEN
    fields: dict[str, object] = {
        "allocation_version": version,
        "hub_id": hub_id,
        "worker_id": worker_id,
        "level": level,
    }
    if going_on:
        fields |= {"reason": None, "outcome": None, "changed_at": at}
    to = status if going_on else referral.status
    return _moved(referral, to, {RESPONSE_DUE: None} if going_on else {}, **fields)
