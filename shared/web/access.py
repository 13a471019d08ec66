"""The decision on access at the edge: a route names its action, and a role that never may is refused.

The object itself is asked about where it has been read: `require`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fastapi import Depends, Request

from shared.errors import Forbidden, NotFound, NotTheirs, Refused
from shared.rules.access import Person, Thing, Verdict, decide, roles_of
from shared.rules.access_table import TABLE, Action
from shared.web.questions import only_known
from shared.web.tokens import AnyCaller, Caller

# Whether a service knows that a caller has left (`Person.left`).
HasLeft = Callable[[Caller], Awaitable[bool]]
# Makes an entry of a refusal: of a caller who has left, or of one young person's record.
SayRefused = Callable[[Caller, Action, NotTheirs | None], Awaitable[None]]
NOT_TAKEN = (
    "Your agency is not active here, so this referral was NOT taken. Phone the Hub of the young"
    " person's area now; if they are in immediate danger, call 999."
)


async def nobody(_: Caller) -> bool:
    """Nobody has left."""
    return False


async def untold(_: Caller, __: Action, ___: NotTheirs | None) -> None:
    """There is nobody to be refused."""


def knowing(has_left: HasLeft, refused: SayRefused = untold) -> Any:
    """Gives the routes of a service what it knows of who has left, and how it says so."""

    async def given(request: Request) -> None:
        request.state.has_left, request.state.refused = has_left, refused

    return Depends(given)


class Declared:
    """A route's action, as a dependency that lets in only roles that may do it with something."""

    def __init__(self, action: Action) -> None:
        self.action, self._roles, self._hidden = action, roles_of(action), TABLE[action].hidden

    def admit(self, caller: Caller) -> None:
        """Raises `Forbidden` for a role that may do this with nothing. Where the row is hidden the
        route's own look refuses, and records it."""
        if not self._hidden and caller.role not in self._roles:
            raise Forbidden

    async def stay(self, request: Request, caller: Caller) -> None:
        """To who has left nothing is there: raises `NotFound`, once that is recorded. A referral must
        not get lost: its sender hears that it was not taken, and whom to phone (`Refused`)."""
        if await request.state.has_left(caller):
            await self.record(request, caller)
            raise Refused("agency_inactive", NOT_TAKEN) if self.action == "send" else NotFound

    async def record(self, request: Request, caller: Caller, why: NotTheirs | None = None) -> None:
        """The refusal will be an entry of the trail on return."""
        await request.state.refused(caller, self.action, why)


class Gate(Declared):
    """The caller, if their role may and they have not left."""

    async def __call__(self, request: Request, who: AnyCaller) -> AsyncIterator[Caller]:
        """The caller. Raises `Forbidden`, `NotFound`, `Refused`, and `Malformed` for a question with a
        parameter that the route has not. Where the route then says `NotTheirs`,
        that is recorded before it is told; who may costs nothing here."""
        self.admit(who)
        await self.stay(request, who)
        only_known(request)
        try:
            yield who
        except NotTheirs as why:
            await self.record(request, who, why)
            raise


def may(action: Action) -> Any:
    """Declares which action of the table a route is, and gives it the caller."""
    return Depends(Gate(action))


def person(
    caller: Caller,
    *,
    host_agency_id: str | None = None,
    agency_kind: str = "",
    left: bool = False,
) -> Person:
    """The caller as the rules of access see them."""
    if caller.role == "service":
        raise Forbidden
    return Person(
        role=caller.role,
        account=caller.account,
        agency_id=caller.agency_id,
        worker_id=caller.worker_id,
        hub_id=caller.hub_id,
        area_id=caller.area_id,
        host_agency_id=host_agency_id,
        agency_kind=agency_kind,
        left=left,
    )


def require_record(action: Action, who: Person, thing: Thing, referral_id: str | None) -> Verdict:
    """The same of one young person's record: raises `NotTheirs`, of this referral, for `NotFound`."""
    verdict = decide(action, who, thing)
    if not verdict.allowed and verdict.hidden:
        raise NotTheirs(verdict.reason or "not_theirs", referral_id)
    return require(action, who, thing)


def require(action: Action, who: Person, thing: Thing) -> Verdict:
    """The verdict, if it is a yes. Raises `NotFound` where even that it exists is kept back, and
    `Forbidden` for a role that never may."""
    verdict = decide(action, who, thing)
    if not verdict.allowed:
        raise NotFound if verdict.hidden else Forbidden
    return verdict
