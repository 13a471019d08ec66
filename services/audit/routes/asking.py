"""One question to the trail: who asks, for what purpose, within which scope; recorded exactly once."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Query, Request

from services.audit.domain.scope import Scope, scope_of
from services.audit.state import Audit
from services.audit.store import Signed
from shared.errors import Forbidden
from shared.tokens import AnyCaller, Caller

CODE = r"^[A-Za-z0-9_.:-]{1,100}$"
PURPOSE = r"^[a-z0-9_]{1,40}$"

Code = Annotated[str, Query(pattern=CODE)]


def audit(request: Request) -> Audit:
    """The service's parts, as `app.py` wired them."""
    found: Audit = request.app.state.audit
    return found


TheAudit = Annotated[Audit, Depends(audit)]


class Asking:
    """Carries one question to its record. Answer only what has been recorded."""

    def __init__(self, parts: Audit, caller: Caller, purpose: str | None) -> None:
        self.audit, self.caller, self._purpose = parts, caller, purpose

    async def newest(self) -> Signed:
        """The checkpoint to answer from; before the first, an empty trail."""
        return await self.audit.trail.newest() or Signed(0, b"", "")

    async def scope(
        self, resource: str, asked: Mapping[str, str], where: Mapping[str, Any]
    ) -> Scope:
        """The caller's scope. Raises `Forbidden` having recorded the refusal."""
        try:
            scope = scope_of(
                self.caller.role,
                where,
                agency_id=self.caller.agency_id,
                hub_id=self.caller.hub_id,
            )
        except Forbidden:
            await self.refused(resource, asked)
        if scope.hub_id and not await self._theirs(str(where["referral_id"]), scope.hub_id):
            await self.refused(resource, asked)
        return scope

    async def auditor_only(self, resource: str, asked: Mapping[str, str]) -> None:
        """Raises `Forbidden` for anyone else, having recorded the refusal."""
        if self.caller.role != "auditor":
            await self.refused(resource, asked)

    async def refused(self, resource: str, asked: Mapping[str, str]) -> Any:
        """Record the refusal, then raise `Forbidden`."""
        await self.audit.queries.record(
            self.caller, resource, asked, purpose=self._purpose, outcome="refused"
        )
        raise Forbidden

    async def answered(
        self, resource: str, asked: Mapping[str, str], *, count: int, size: int
    ) -> None:
        """Record that the answer held `count` entries of the trail of this size."""
        await self.audit.queries.record(
            self.caller,
            resource,
            asked,
            purpose=self._purpose,
            outcome="answered",
            count=count,
            size=size,
        )

    @property
    def purpose(self) -> str | None:
        return self._purpose

    async def _theirs(self, referral_id: str, hub_id: str) -> bool:
        size = (await self.newest()).size
        where = {"referral_id": referral_id, "hub": hub_id}
        return bool(await self.audit.trail.find(where, start=0, size=size, limit=1))


def asking(
    parts: TheAudit,
    caller: AnyCaller,
    purpose: Annotated[
        str | None, Query(pattern=PURPOSE, description="A code: why you ask. It is recorded.")
    ] = None,
) -> Asking:
    """The question of this request."""
    return Asking(parts, caller, purpose)


Question = Annotated[Asking, Depends(asking)]
