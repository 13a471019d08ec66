"""Events of the accounts that call: at the first call of each, and where one has left."""

from typing import ClassVar, Literal

from shared.events import EventData
from shared.events.codes import Role
from shared.events.declared import Disclosed, Parties, plain


class AccountSeen(EventData):
    """An account has called a service for the first time, with a valid token. `account` is its
    pseudonym."""

    event_type: ClassVar[str] = "account.seen"
    heard_by: ClassVar[tuple[str, ...]] = ("referral.directory", "allocation.safety")

    account: str
    role: Role
    agency_id: str | None = None
    worker_id: str | None = None
    hub_id: str | None = None

    def id(self) -> str:
        """The same for the same account in the same role, whichever service has seen it."""
        return "|".join(
            (self.account, self.role, self.agency_id or "", self.worker_id or "", self.hub_id or "")
        )

    def says(self, by: str) -> str:
        return f"{by} called for the first time, as {plain(self.role)}, with {self.account}."

    def parties(self) -> Parties:
        return Parties(agencies=(self.agency_id,), workers=(self.worker_id,), hubs=(self.hub_id,))


class AccessRefused(EventData):
    """Somebody who has left was refused: a removed worker, an inactive agency, a manager of a Hub
    that nobody registered. `action` is one of the table of access."""

    event_type: ClassVar[str] = "access.refused"

    role: Role
    action: str
    reason: Literal["left"]
    agency_id: str | None = None
    worker_id: str | None = None
    hub_id: str | None = None

    def says(self, by: str) -> str:
        return f"{by} was refused ({plain(self.action)}): they have left."

    def parties(self) -> Parties:
        return Parties(agencies=(self.agency_id,), workers=(self.worker_id,), hubs=(self.hub_id,))

    def disclosure(self) -> Disclosed | None:
        return Disclosed(kind="refused", withheld=(self.reason,))
