"""A draft as it is kept: whose it is, and until when. Pure."""

from collections.abc import Collection
from datetime import datetime

from pydantic import Field

from shared.errors import Refused
from shared.rules.access import Thing
from shared.storage.records import Record

DESTRUCTION_DUE = "destruction_due"
MOST_DRAFTS = 50


class Draft(Record):
    """A form that somebody fills in. `sealed` has its answers under its own key, and nothing once its
    time is over; `slot` is its place among all drafts of its account, so that there are never more.
    """

    account: str
    agency_id: str
    slot: int
    made_at: datetime
    changed_at: datetime
    destroyed_at: datetime
    sealed: dict[str, bytes] = Field(default_factory=dict)


def facts_of(draft: Draft) -> Thing:
    """A draft as the rules of access see it: of one account, in the agency as which it called."""
    return Thing(agency_id=draft.agency_id, account=draft.account)


def free_slots(taken: Collection[int]) -> list[int]:
    """The places that an account has left. Raises `Refused` where there is none."""
    free = sorted(set(range(MOST_DRAFTS)) - set(taken))
    if not free:
        detail = f"You have {MOST_DRAFTS} drafts. Send one, or delete one that you no longer need."
        raise Refused("too_many_drafts", detail)
    return free
