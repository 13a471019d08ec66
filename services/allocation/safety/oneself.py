"""What somebody did for a worker that only another person may, looked at again once it is known that
they are that worker: it takes somebody else then. Pure.

What it gave them goes: a supervision was not held, leave that has not begun waits again. Leave that has
begun stays, for nobody is to be given a child while they are away.
"""

from collections.abc import Collection
from datetime import datetime

from services.allocation.absence.rule import reopen
from services.allocation.caseload.supervision import take_back
from services.allocation.caseload.worker import Worker
from shared.storage.records import Change, in_turn


def by_oneself(worker: Worker, accounts: Collection[str], at: datetime) -> Change[Worker]:
    """These accounts have called as the worker: their own supervision and their own yes to leave are
    taken back. Safe to repeat."""
    return in_turn(worker, lambda w: take_back(w, accounts, at), lambda w: reopen(w, accounts, at))
