"""HTTP in: agencies and the agreements between them."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel

from services.referral.domain.agencies import (
    AGREEMENT_DUE,
    Agency,
    Agreement,
    amend_agency,
    amend_agreement,
    end,
    notice_at,
    propose,
    register_agency,
    review,
    sign,
)
from services.referral.domain.incoming import AgencyEntry, AgreementEntry, Incoming
from services.referral.routes.common import EntryId, FromRegistrar, OnDesk
from services.referral.store import Desk
from shared.clock import now
from shared.errors import AlreadyThere, Forbidden, NotFound
from shared.etags import IfMatch, tagged
from shared.events import EventData
from shared.problems import CONDITIONAL
from shared.sharing import Terms
from shared.tokens import AnyCaller, Caller, only

router = APIRouter(tags=["agencies"], responses=CONDITIONAL)


def entry_of(agency: Agency) -> AgencyEntry:
    return AgencyEntry(**agency.model_dump(include=set(AgencyEntry.model_fields)))


@router.put("/v1/agencies/{agency_id}")
async def put_agency(
    agency_id: EntryId,
    entry: AgencyEntry,
    caller: FromRegistrar,
    desk: OnDesk,
    match: IfMatch,
    response: Response,
) -> AgencyEntry:
    """Register an agency; or, with `If-Match`, amend it. The same entry again changes nothing."""
    agency, event = register_agency(agency_id, entry)
    rule = match.guard(lambda a: amend_agency(a, entry))
    stored = await desk.agencies.add_or_change(agency, event, rule=rule, by=caller.origin())
    tagged(response, stored.version)
    return entry_of(stored)


@router.get("/v1/agencies/{agency_id}")
async def get_agency(
    agency_id: EntryId, caller: AnyCaller, desk: OnDesk, response: Response
) -> AgencyEntry:
    """An agency's entry: your own, or any of them for Hubs and operators."""
    if caller.role not in ("operator", "hub_manager", "worker") and caller.agency_id != agency_id:
        raise NotFound
    agency = await desk.agencies.get(agency_id)
    tagged(response, agency.version)
    return entry_of(agency)


class AgreementView(BaseModel):
    """An agreement as it is now, and the versions before."""

    terms: Terms
    frequency: str
    review_at: AwareDatetime
    past: tuple[Terms, ...]


def shown(agreement: Agreement) -> AgreementView:
    return AgreementView(**agreement.model_dump(include=set(AgreementView.model_fields)))


async def _for_party(desk: Desk, agreement_id: str, caller: Caller) -> Agreement:
    agreement = await desk.agreements.get(agreement_id)
    if caller.role != "operator" and party_of(caller) not in agreement.terms.parties:
        raise NotFound
    return agreement


def party_of(caller: Caller) -> str | None:
    """The party a caller speaks for: its agency, or its Hub."""
    return caller.agency_id if caller.role == "agency" else caller.hub_id


@router.put("/v1/agreements/{agreement_id}", tags=["agreements"])
async def put_agreement(
    agreement_id: EntryId,
    entry: AgreementEntry,
    caller: FromRegistrar,
    desk: OnDesk,
    match: IfMatch,
    response: Response,
) -> AgreementView:
    """Write down an agreement; or, with `If-Match`, change its terms, which voids all signatures.

    It permits nothing until both the agency and the Hub have signed.
    """
    if caller.role == "hub_manager" and caller.hub_id not in entry.parties:
        raise Forbidden
    agreement, event = propose(agreement_id, entry)
    if await _is_new(desk, agreement, event, caller):
        tagged(response, 1)
        return shown(agreement)
    await _for_party(desk, agreement_id, caller)
    rule = match.guard(lambda a: amend_agreement(a, entry))
    stored = await desk.agreements.change(agreement_id, rule, by=caller.origin())
    tagged(response, stored.version)
    return shown(stored)


async def _is_new(desk: Desk, agreement: Agreement, event: EventData, caller: Caller) -> bool:
    try:
        due = {AGREEMENT_DUE: notice_at(agreement)}
        await desk.agreements.add(agreement, event, by=caller.origin(), due=due)
        return True
    except AlreadyThere:
        return False


@router.get("/v1/agreements/{agreement_id}", tags=["agreements"])
async def get_agreement(
    agreement_id: EntryId, caller: AnyCaller, desk: OnDesk, response: Response
) -> AgreementView:
    """An agreement, for its parties."""
    agreement = await _for_party(desk, agreement_id, caller)
    tagged(response, agreement.version)
    return shown(agreement)


class SignatureEntry(Incoming):
    """The version of the terms you have read."""

    version: int


BySigner = Annotated[Caller, only("agency", "hub_manager")]


@router.post("/v1/agreements/{agreement_id}/signatures", tags=["agreements"])
async def post_signature(
    agreement_id: EntryId, entry: SignatureEntry, caller: BySigner, desk: OnDesk
) -> AgreementView:
    """Sign for your agency or your Hub. Twice is once; changed terms must be read again."""
    await _for_party(desk, agreement_id, caller)
    party = party_of(caller) or ""
    stored = await desk.agreements.change(
        agreement_id, lambda a: sign(a, party, entry.version), by=caller.origin()
    )
    return shown(stored)


class ReviewEntry(Incoming):
    """The next review."""

    review_at: AwareDatetime


@router.post("/v1/agreements/{agreement_id}/review", tags=["agreements"])
async def post_review(
    agreement_id: EntryId, entry: ReviewEntry, caller: FromRegistrar, desk: OnDesk, match: IfMatch
) -> AgreementView:
    """It was looked at and stands; say when it is looked at next."""
    await _for_party(desk, agreement_id, caller)
    at = now()
    rule = match.guard(lambda a: review(a, entry.review_at, at))
    return shown(await desk.agreements.change(agreement_id, rule, by=caller.origin()))


@router.post("/v1/agreements/{agreement_id}/end", tags=["agreements"])
async def post_end(agreement_id: EntryId, caller: AnyCaller, desk: OnDesk) -> AgreementView:
    """End it now. Any party may, at any time."""
    await _for_party(desk, agreement_id, caller)
    at = now()
    stored = await desk.agreements.change(agreement_id, lambda a: end(a, at), by=caller.origin())
    return shown(stored)
