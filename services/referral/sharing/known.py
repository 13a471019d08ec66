"""Who there is in the network, as this service knows it: workers, and accounts that have called."""

from collections.abc import Mapping

from shared.errors import Refused
from shared.events import Event
from shared.events.accounts import AccountSeen
from shared.events.trail import TrailQueried
from shared.events.workers import WorkerRegistered
from shared.storage.newest import Newest
from shared.storage.store import Database


class Known:
    """Workers by their newest entry, and accounts by pseudonym."""

    def __init__(self, database: Database) -> None:
        self._workers = Newest(database["known_workers"])
        self._accounts = database["known_accounts"]
        # Those that called this process come by their event, too; but a mark may come first.
        self._callers = database["accounts"]

    async def prepare(self) -> None:
        """Create the indexes; safe to repeat."""
        await self._workers.collection.create_index("host_agency_id")
        for accounts in (self._accounts, self._callers):
            for field in ("account", "agency_id", "worker_id"):
                await accounts.create_index(field)

    async def worker(self, event: Event[WorkerRegistered]) -> None:
        """A worker's entry is this now."""
        entry = event.data.model_dump(include={"hub_id", "host_agency_id", "active"})
        await self._workers.keep(event.data.worker_id, event.version, entry)

    async def account(self, event: Event[AccountSeen]) -> None:
        """There is this account. Twice is once."""
        await self._add(event.data)

    async def asker(self, event: Event[TrailQueried]) -> None:
        """There is the account that asked the trail, unless an agency or a worker did."""
        role, _, account = event.actor.partition(":")
        if role in ("hub_manager", "coordinator", "auditor", "operator"):
            await self._add(AccountSeen.model_validate({"account": account, "role": role}))

    async def _add(self, seen: AccountSeen) -> None:
        there = {"$setOnInsert": seen.model_dump()}
        await self._accounts.update_one({"_id": seen.id()}, there, upsert=True)

    async def host_of(self, worker_id: str) -> str | None:
        """The agency that a worker sits in."""
        host: str | None = (await self._workers.get(worker_id)).get("host_agency_id")
        return host

    async def hub_of(self, worker_id: str) -> str | None:
        """The Hub that a worker is registered at."""
        hub: str | None = (await self._workers.get(worker_id)).get("hub_id")
        return hub

    async def worker_left(self, worker_id: str) -> bool:
        """Whether a worker who was registered is active no more."""
        return (await self._workers.get(worker_id)).get("active") is False

    async def has_worker(self, worker_id: str) -> bool:
        """Whether a worker of this id was ever registered."""
        return bool(await self._workers.get(worker_id))

    async def has_account(self, account: str) -> bool:
        """Whether this account has ever called a service of the network."""
        return bool(await self._called({"account": account}, "account"))

    async def has_agency(self, agency_id: str) -> bool:
        """Whether an agency that isn't registered hosts a worker, or has called."""
        if await self._workers.collection.find_one({"host_agency_id": agency_id}):
            return True
        return bool(await self._called({"agency_id": agency_id}, "agency_id"))

    async def workers_of(self, account: str) -> list[str]:
        """As which workers an account has called."""
        return await self._called({"account": account, "worker_id": {"$ne": None}}, "worker_id")

    async def one_person(self, account: str, other: str) -> bool:
        """Whether the two are one account, or have called as one worker."""
        if account == other:
            return True
        return bool({*await self.workers_of(account)} & {*await self.workers_of(other)})

    async def two_people(self, account: str, *others: str) -> None:
        """Returns if this is another person than these, as far as it is known. Raises `Refused`."""
        for other in others:
            if await self.one_person(account, other):
                detail = "Both accounts are of one person: somebody else has to do this."
                raise Refused("second_person_needed", detail)

    async def agencies_of(self, account: str) -> list[str]:
        """As which agencies an account has called."""
        return await self._called({"account": account, "agency_id": {"$ne": None}}, "agency_id")

    async def sides_of(self, account: str) -> list[str]:
        """The agencies as which an account has called, or that host a worker as whom it has."""
        hosts = [await self.host_of(worker_id) for worker_id in await self.workers_of(account)]
        return sorted({*await self.agencies_of(account), *(host for host in hosts if host)})

    async def members_of(self, agency_id: str) -> list[str]:
        """The accounts that have called for an agency, or as a worker whom it hosts, and as somebody
        who is neither."""
        found = self._workers.collection.find({"host_agency_id": agency_id}, {"_id": 1})
        hosted = [str(worker["_id"]) async for worker in found]
        theirs = {"$or": [{"agency_id": agency_id}, {"worker_id": {"$in": hosted}}]}
        accounts = await self._called(theirs, "account")
        other = {"agency_id": {"$ne": agency_id}, "worker_id": {"$nin": hosted}}
        return await self._called({"account": {"$in": accounts}, **other}, "account")

    async def accounts_of(self, worker_id: str) -> list[str]:
        """The accounts that have called as this worker."""
        return await self._called({"worker_id": worker_id}, "account")

    async def _called(self, where: Mapping[str, object], field: str) -> list[str]:
        found: set[str] = set()
        for accounts in (self._accounts, self._callers):
            found |= {str(each[field]) async for each in accounts.find(where, {field: 1})}
        return sorted(found)
