"""The accounts that have called this process: each is stored once, at its first call.

Only who is known here can be marked as unsafe; the referral service hears of each account of the
network by its event.
"""

import contextlib

from shared.errors import AlreadyThere
from shared.events.accounts import AccountSeen
from shared.events.codes import Role
from shared.storage.records import Record
from shared.storage.store import Store
from shared.web.tokens import Caller


class Account(Record):
    """An account, by its pseudonym, in one role and for one worker, agency or Hub. A person may have
    several."""

    account: str
    role: Role
    agency_id: str | None = None
    worker_id: str | None = None
    hub_id: str | None = None


class SeenAccounts:
    """Asks the store once for each account, and never again while the process runs. Of several
    services in one process the first one keeps them."""

    def __init__(self, store: Store[Account]) -> None:
        self._store = store
        self._seen: set[Caller] = set()

    async def prepare(self) -> None:
        """Create the indexes; safe to repeat."""
        await self._store.prepare()

    async def note(self, caller: Caller) -> None:
        """On return the account is stored. Safe to repeat."""
        if caller in self._seen:
            return
        of = {"agency_id": caller.agency_id, "worker_id": caller.worker_id, "hub_id": caller.hub_id}
        event = AccountSeen(account=caller.account, role=caller.role, **of)
        record = Account(id=event.id(), **event.model_dump())
        with contextlib.suppress(AlreadyThere):
            await self._store.add(record, event, by=caller.origin())
        self._seen.add(caller)
