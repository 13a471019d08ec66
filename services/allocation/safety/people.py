"""Who is one person: accounts that have called as the same worker."""

from shared.events import Event
from shared.events.accounts import AccountSeen
from shared.storage.store import Database


class People:
    """As which workers the accounts of the network have called, here or at another service."""

    def __init__(self, database: Database) -> None:
        self._heard = database["known_accounts"]
        # Those that called this process come by their event, too; but a decision may come first.
        self._callers = database["accounts"]

    async def prepare(self) -> None:
        """Create the indexes; safe to repeat."""
        for accounts in (self._heard, self._callers):
            await accounts.create_index("account")
            await accounts.create_index("worker_id")

    async def keep(self, event: Event[AccountSeen]) -> None:
        """The account has called as this. Twice is once."""
        there = {"$setOnInsert": event.data.model_dump(include={"account", "worker_id"})}
        await self._heard.update_one({"_id": event.data.id()}, there, upsert=True)

    async def workers_of(self, account: str) -> set[str]:
        """As which workers the account has called."""
        where, found = {"account": account, "worker_id": {"$ne": None}}, set[str]()
        for accounts in (self._heard, self._callers):
            found |= {str(each["worker_id"]) async for each in accounts.find(where)}
        return found

    async def accounts_of(self, worker_id: str) -> set[str]:
        """The accounts that have called as this worker."""
        where, found = {"worker_id": worker_id}, set[str]()
        for accounts in (self._heard, self._callers):
            found |= {str(each["account"]) async for each in accounts.find(where)}
        return found

    async def one_person(self, account: str, other: str) -> bool:
        """Whether the two are one account, or have called as one worker."""
        if account == other:
            return True
        return bool(await self.workers_of(account) & await self.workers_of(other))
