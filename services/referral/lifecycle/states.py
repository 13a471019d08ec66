"""The life of a referral as one table: state × command → who may, reason needed, next state. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from services.referral.goals.rule import open_goals
from services.referral.records import ENDED, Referral, awaits_answer, not_erased
from services.referral.transfers.rule import settled
from shared.errors import Malformed, Refused
from shared.events.codes import ClosureOutcome, ReferralStatus, RiskLevel, StatusReason
from shared.events.referral import ReferralOverdue, ReferralStatusChanged
from shared.rules.calendars import due_at
from shared.storage.records import Change, changed, unchanged

Command = Literal[
    "screen",
    "accept",
    "reject",
    "return",
    "signpost",
    "resubmit",
    "withdraw",
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

_UNSTARTED: frozenset[ReferralStatus] = OPEN - {"in_progress", "on_hold"}

# A worker has the case: what becomes of the work is said there (services/allocation/casework).
AT_CASE: frozenset[ReferralStatus] = frozenset({"allocated", "in_progress", "on_hold"})

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

# Where nobody worked with the young person, no goal was reached or missed.
_OUTCOMES: frozenset[ClosureOutcome] = frozenset(get_args(ClosureOutcome)) - {
    "goals_achieved",
    "goals_partly_achieved",
    "goals_not_achieved",
}


@dataclass(frozen=True)
class Step:
    """One row: from any of `states`, by any of `who`, giving one of `reasons` (none: no reason), and
    one of `outcomes`, likewise."""

    states: frozenset[ReferralStatus]
    who: tuple[Who, ...]
    reasons: frozenset[StatusReason]
    to: ReferralStatus
    outcomes: frozenset[ClosureOutcome] = frozenset()


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
    "close": Step(OPEN - AT_CASE, ("hub",), frozenset(), "closed", _OUTCOMES),
    "reopen": Step(ENDED - {"entered_in_error"}, ("referrer", "hub"), _REOPEN, "received"),
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
    the reason or outcome is missing or not one that fits. Of an erased one nothing is left to
    answer: it is not reopened. A reopened or resubmitted referral is to be answered anew, and a
    returned one by who sent it, so the response clock starts again.
    """
    step = TABLE[given.command]
    if who not in step.who:
        raise Refused("not_yours_to_do", "This step is for the other side to take.")
    _check(step, given)
    done = referral.status == step.to and referral.reason == given.reason
    if done and referral.status not in step.states:
        return unchanged(referral)
    if given.command == "close" and referral.status in AT_CASE:
        raise at_case(referral, "closure")
    if referral.status not in step.states:
        detail = "The referral's state does not allow this step."
        raise Refused("not_from_here", detail, state=referral.status)
    if given.command == "close" and (left := open_goals(referral)):
        how = "Each goal that was agreed needs an outcome first: see `goals`."
        raise Refused("goals_open", how, goals=" ".join(goal.id for goal in left))
    fields: dict[str, object] = {
        "reason": given.reason,
        "outcome": given.outcome,
        "changed_at": at,
    }
    if step.to in ("received", "returned"):
        not_erased(referral)
        due = due_at(referral.urgency, at, referral.nation)
        again = referral.reopenings + (given.command == "reopen")
        fields |= {"due_at": due, "overdue": False, "reopenings": again}
    return _moved(referral, step.to, **fields)


def _check(step: Step, given: Move) -> None:
    if step.reasons and given.reason is None:
        raise Malformed("/reason", "missing", "This step needs a reason.")
    if given.reason is not None and given.reason not in step.reasons:
        allowed = ", ".join(sorted(step.reasons)) or "none"
        raise Malformed("/reason", "reason_not_allowed", f"Reasons for this step: {allowed}.")
    if step.outcomes and given.outcome is None:
        raise Malformed("/outcome", "missing", "An outcome belongs to closing, and only there.")
    if given.outcome is not None and given.outcome not in step.outcomes:
        allowed = ", ".join(sorted(step.outcomes)) or "none"
        raise Malformed("/outcome", "outcome_not_allowed", f"Outcomes for this step: {allowed}.")


def at_case(referral: Referral, step: str) -> Refused:
    """The answer to a step of work that is taken at the case, by who has it or their manager."""
    door = f"/v1/allocations/{referral.id}/{step}"
    detail = "This is decided where the case is, and the referral follows: see `door`."
    return Refused("decided_at_the_case", detail, state=referral.status, door=door)


def _moved(referral: Referral, to: ReferralStatus, **fields: object) -> Change[Referral]:
    if to == "closed" and fields.get("outcome") == "transferred":
        # It went to somebody outside the network: sent again, its reference is of a new referral.
        fields["reference_hash"] = f"transferred:{referral.id}"
    after = referral.but(status=to, **fields)
    names = set(ReferralStatusChanged.model_fields) - {"referral_id", "previous"}
    event = ReferralStatusChanged(
        referral_id=referral.id, previous=referral.status, **after.model_dump(include=names)
    )
    return settled(Change(after, (event,)))


def follow_allocation(
    referral: Referral,
    status: ReferralStatus,
    version: int,
    at: datetime,
    *,
    hub_id: str | None,
    worker_id: str | None,
    holder_id: str | None = None,
    level: RiskLevel,
    outcome: ClosureOutcome | None = None,
    reopenings: int | None = None,
    transfers: int = 0,
) -> Change[Referral]:
    """The newest decision of allocation counts; an older or repeated one changes nothing.

    A referral that has ended stays ended, but who holds it is still noted: allocation learns of
    the end by its own event and lets go. So does one that was reopened and that allocation has not
    heard of: what it decided in the life before, the end of it say, is not of this one. Nor is
    what it decided for the Hub before the one that took the referral over.
    """
    if version <= referral.allocation_version or transfers < referral.transfers:
        return unchanged(referral)
    of_now = reopenings is None or reopenings >= referral.reopenings
    going_on = referral.status in OPEN and of_now
    fields: dict[str, object] = {
        "allocation_version": version,
        "hub_id": hub_id,
        "worker_id": worker_id,
        "holder_id": holder_id,
        "level": level,
    }
    if going_on:
        since = referral.changed_at if status == referral.status else at
        fields |= {"reason": None, "outcome": outcome, "changed_at": since}
    to = status if going_on else referral.status
    return _moved(referral, to, **fields)


def overdue(referral: Referral, at: datetime) -> Change[Referral]:
    """The response clock ran out: once, and only while nobody has answered. Closes nothing."""
    if referral.overdue or not awaits_answer(referral) or at < referral.due_at:
        return unchanged(referral)
    event = ReferralOverdue(
        referral_id=referral.id,
        **referral.model_dump(include={"agency_id", "urgency", "due_at", "status"}),
    )
    return changed(referral, event, overdue=True)
