"""State of a referral × state of its allocation: how they stand once nothing is under way."""

from typing import get_args

from services.allocation.records import Status
from services.referral.records import ENDED
from shared.events.codes import ReferralStatus

ALIKE: dict[ReferralStatus, frozenset[Status]] = {
    "waiting": frozenset({"waiting"}),
    "allocated": frozenset({"offered", "handed_over", "accepted"}),
    "in_progress": frozenset({"in_progress"}),
    "on_hold": frozenset({"on_hold"}),
    **dict.fromkeys(ENDED, frozenset[Status]({"closed"})),
}


def table() -> str:
    """The table as Markdown, for docs/states.md."""
    states = [state for state in get_args(ReferralStatus) if state in ALIKE]
    rows = ["| referral | its case |", "|---|---|"]
    return "\n".join(rows + [f"| {s} | {', '.join(sorted(ALIKE[s]))} |" for s in states])
