"""What the routes have in common: the stores, and who calls."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Header, Path, Request

from services.referral.access import Viewer, manager_of
from services.referral.documents import Code
from services.referral.store import Stores
from shared.errors import BadRequest, NotFound
from shared.events.codes import UNKNOWN_KIND
from shared.web.tokens import AnyCaller, Caller


def stores(request: Request) -> Stores:
    """The stores, as `app.py` wired them."""
    found: Stores = request.app.state.referral
    return found


OnStores = Annotated[Stores, Depends(stores)]


ReferralId = Annotated[str, Path(pattern=r"^ref_[0-9a-f]{32}$")]


EntryId = Annotated[Code, Path()]


def idempotency_key(
    idempotency_key: Annotated[
        str | None,
        Header(
            max_length=255,
            description="Needed. Any string of yours that is new for every new request. The same "
            "key with the same body gives the same answer, for ever: after a timeout just send "
            "it again.",
        ),
    ] = None,
) -> str:
    key = (idempotency_key or "").strip().strip('"')
    if not key:
        raise BadRequest("idempotency_key_missing", "Send an Idempotency-Key header.")
    return key


Key = Annotated[str, Depends(idempotency_key)]


async def has_left(stores: Stores, caller: Caller) -> bool:
    """Whether an agency is inactive, a worker was removed, or nobody registered the Hub that a
    manager names. An agency that nobody registered has not left: what it sends is taken."""
    if caller.role == "hub_manager":
        return not await stores.hubs.has(caller.hub_id)
    if caller.role == "worker":
        return await stores.known.worker_left(caller.worker_id or "")
    if caller.role != "agency":
        return False
    try:
        return not (await stores.agencies.get(caller.agency_id or "")).active
    except NotFound:
        return False


async def party(caller: AnyCaller, stores: OnStores) -> Viewer:
    """The caller, for questions that do not depend on what is known of their agency or worker."""
    account = caller.account
    if caller.role == "agency":
        return Viewer("agency", caller.agency_id or "", account=account)
    if caller.role == "worker":
        return Viewer("worker", caller.worker_id or "", hub_id=caller.hub_id, account=account)
    if caller.role == "hub_manager":
        return manager_of(account, caller.hub_id, await stores.hubs.all())
    if caller.role == "coordinator":
        return Viewer("coordinator", account, area_id=caller.area_id, account=account)
    role = "auditor" if caller.role == "auditor" else "operator"
    return Viewer(role, account, account=account)  # type: ignore[arg-type]


ByParty = Annotated[Viewer, Depends(party)]


async def viewer(party: ByParty, stores: OnStores) -> Viewer:
    """The caller, with what the rules of disclosure need to know of them."""
    if party.role == "worker":
        return replace(party, host_agency_id=await stores.known.host_of(party.id))
    if party.role != "agency":
        return party
    try:
        agency = await stores.agencies.get(party.id)
        return replace(party, agency_kind=agency.kind, agency_alias=agency.alias)
    except NotFound:
        return replace(party, agency_kind=UNKNOWN_KIND)


ByViewer = Annotated[Viewer, Depends(viewer)]
