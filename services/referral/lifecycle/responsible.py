"""Whose an open referral is, at every moment: a worker, a Hub, the operators' desk, or who sent it.
Derived from its state, and never from what was told to whom. Pure."""

from typing import Literal, NamedTuple, get_args

from services.referral.lifecycle.states import OPEN
from services.referral.records import Referral
from shared.events.codes import ReferralStatus

Side = Literal["worker", "hub", "operators", "referrer"]


class Responsible(NamedTuple):
    """The person or desk: a worker's, Hub's or agency's id; the operators' desk has none."""

    kind: Side
    id: str | None


class Watch(NamedTuple):
    """What happens if they do nothing: which clock runs, and who is told then. In words, for the page
    that is made of this."""

    clock: str
    told: str


RESPONSE = Watch(
    "the response clock of the urgency (`due_at`)", "the Hub; the operators without one"
)
WAITING = Watch("review weekly, and escalation by level (`clocks` of the Hub)", "the Hub")
WATCHES: dict[ReferralStatus, Watch] = {
    "received": RESPONSE,
    "screening": RESPONSE,
    "returned": Watch(
        "the same clock again, from its return", "the Hub, and once more who sent it"
    ),
    "accepted": WAITING,
    "waiting": WAITING,
    "allocated": Watch(
        "the time to answer; once accepted, the time to begin (`waiting_days` of the level)",
        "the next worker, at last the Hub; the Hub",
    ),
    "in_progress": Watch("supervision of the worker", "the Hub"),
    "on_hold": Watch("review of what rests (`hold_review_days`)", "the Hub"),
}


def responsible(referral: Referral, *, left: bool) -> Responsible | None:
    """Whose it is now; None once it has ended. `left`: the worker named there has left, and what they
    had is their Hub's until somebody else has it."""
    worker_id = None if left else worker_of(referral)
    return whose(referral.status, referral.agency_id, referral.hub_id, worker_id)


def worker_of(referral: Referral) -> str | None:
    """Who has it, or holds it while it waits."""
    return referral.worker_id or referral.holder_id


def whose(
    status: ReferralStatus, agency_id: str, hub_id: str | None, worker_id: str | None
) -> Responsible | None:
    """A worker whom it was offered to, who has it or who holds it while it waits; before, the Hub; the
    operators where no Hub has it; and who sent it, while it is returned for more."""
    if status not in OPEN:
        return None
    if status == "returned":
        return Responsible("referrer", agency_id)
    if worker_id is not None:
        return Responsible("worker", worker_id)
    if hub_id is not None:
        return Responsible("hub", hub_id)
    return Responsible("operators", None)


def table() -> str:
    """The table as Markdown, for docs/states.md: each state, whose it is as more and more is known of
    who has it, its clock, and who is told by that."""
    rows = [
        "| state | no Hub has it | a Hub has it | somebody has or holds it | clock | who is told then |",
        "|---|---|---|---|---|---|",
    ]
    known = ((None, None), ("the Hub", None), ("the Hub", "that worker"))
    for state in get_args(ReferralStatus):
        if state not in OPEN:
            continue
        found = [whose(state, "who sent it", *facts) for facts in known]
        named = " | ".join((each and each.id) or "the operators" for each in found)
        rows.append(f"| {state} | {named} | {WATCHES[state].clock} | {WATCHES[state].told} |")
    return "\n".join(rows)
