"""HTTP in: agencies and the agreements between them."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel

from services.referral.access import party_of
from services.referral.agencies.command import (
    agency_for,
    for_party,
    list_agencies,
    put_agency_entry,
    write_agreement,
)
from services.referral.agencies.request import (
    AgencyEntry,
    AgreementEntry,
    AgreementReviewEntry,
    SignatureEntry,
)
from services.referral.agencies.rule import (
    Agency,
    Agreement,
    end,
    review,
    sign,
)
from services.referral.callers import ByParty, EntryId, OnStores
from services.referral.documents import Code
from shared.clock import now
from shared.rules.sharing import Terms
from shared.web.access import may
from shared.web.etags import IfMatch, tagged
from shared.web.problems import CONDITIONAL
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["agencies"], responses=CONDITIONAL)


class AgencyView(AgencyEntry):
    """An agency's entry. `claimed_kind`: what its own people say it is, until an operator confirms
    it by an entry of this kind; no consent to that kind opens anything to it before."""

    claimed_kind: str | None = None


def entry_of(agency: Agency) -> AgencyView:
    return AgencyView(**agency.model_dump(include=set(AgencyView.model_fields)))


@router.put("/v1/agencies/{agency_id}", dependencies=[may("put_agency")])
async def put_agency(
    agency_id: EntryId,
    entry: AgencyEntry,
    caller: AnyCaller,
    party: ByParty,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> AgencyView:
    """Register an agency; or, with `If-Match`, amend it. The same entry again changes nothing.

    Operators do, and the agency's own people: theirs is the name, and a kind that an operator
    confirms; areas, and whether it is active, operators give (`409 operators_only`).
    """
    stored = await put_agency_entry(stores, agency_id, entry, party, match, caller.origin())
    tagged(response, stored.version)
    return entry_of(stored)


class AgencyLine(AgencyView):
    """An agency's entry, in a list."""

    id: str


class AgencyPage(BaseModel):
    """By id; pass `next` as `cursor` for the page behind it."""

    agencies: list[AgencyLine]
    next: str | None


@router.get("/v1/agencies", dependencies=[may("list_agencies")])
async def get_agencies(
    party: ByParty,
    stores: OnStores,
    kind_confirmed: Annotated[
        bool | None,
        Query(
            description="`false`: only those whose `claimed_kind` waits for an operator; `true`: only "
            "the others."
        ),
    ] = None,
    cursor: Annotated[Code | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> AgencyPage:
    """The agencies, for Hub managers and operators; for auditors those that are organisations. An
    operator confirms a claimed kind by putting the entry with that kind."""
    found, following = await list_agencies(stores, party, kind_confirmed, cursor, limit)
    lines = [AgencyLine(id=agency.id, **entry_of(agency).model_dump()) for agency in found]
    return AgencyPage(agencies=lines, next=following)


@router.get("/v1/agencies/{agency_id}", dependencies=[may("view_agency")])
async def get_agency(
    agency_id: EntryId, party: ByParty, stores: OnStores, response: Response
) -> AgencyView:
    """An agency's entry: your own, or any of them for Hubs and operators."""
    agency = await agency_for(stores, agency_id, party)
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


@router.put(
    "/v1/agreements/{agreement_id}", tags=["agreements"], dependencies=[may("write_agreement")]
)
async def put_agreement(
    agreement_id: EntryId,
    entry: AgreementEntry,
    caller: AnyCaller,
    party: ByParty,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> AgreementView:
    """Write down an agreement; or, with `If-Match`, change its terms, which voids all signatures.

    It permits nothing until both the agency and the Hub have signed. Of a Hub's manager, each party
    is registered, and a new agreement's id is `isa_` and 32 random hexadecimal digits.
    """
    by = caller.origin()
    stored = await write_agreement(stores, agreement_id, entry, party, match, by)
    tagged(response, stored.version)
    return shown(stored)


@router.get(
    "/v1/agreements/{agreement_id}", tags=["agreements"], dependencies=[may("view_agreement")]
)
async def get_agreement(
    agreement_id: EntryId, party: ByParty, stores: OnStores, response: Response
) -> AgreementView:
    """An agreement, for its parties."""
    agreement = await for_party(stores, agreement_id, party, "view_agreement")
    tagged(response, agreement.version)
    return shown(agreement)


@router.post(
    "/v1/agreements/{agreement_id}/signatures",
    tags=["agreements"],
    dependencies=[may("sign_agreement")],
)
async def post_signature(
    agreement_id: EntryId,
    entry: SignatureEntry,
    caller: AnyCaller,
    party: ByParty,
    stores: OnStores,
) -> AgreementView:
    """Sign for your agency or your Hub, and for one of them only. Twice is once; changed terms
    must be read again."""
    agreement = await for_party(stores, agreement_id, party, "sign_agreement")
    signing = party_of(party) or ""
    if signing not in agreement.terms.signed_by:
        await stores.known.two_people(caller.account, *agreement.signers)
    stored = await stores.agreements.change(
        agreement_id,
        lambda a: sign(a, signing, entry.version, caller.account),
        by=caller.origin(),
    )
    return shown(stored)


@router.post(
    "/v1/agreements/{agreement_id}/review",
    tags=["agreements"],
    dependencies=[may("review_agreement")],
)
async def post_agreement_review(
    agreement_id: EntryId,
    entry: AgreementReviewEntry,
    caller: AnyCaller,
    party: ByParty,
    stores: OnStores,
    match: IfMatch,
) -> AgreementView:
    """It was looked at and stands; say when it is looked at next."""
    await for_party(stores, agreement_id, party, "review_agreement")
    at = now()
    rule = match.guard(lambda a: review(a, entry.review_at, at))
    return shown(await stores.agreements.change(agreement_id, rule, by=caller.origin()))


@router.post(
    "/v1/agreements/{agreement_id}/end", tags=["agreements"], dependencies=[may("end_agreement")]
)
async def post_end(
    agreement_id: EntryId, caller: AnyCaller, party: ByParty, stores: OnStores
) -> AgreementView:
    """End it now. Any party may, at any time."""
    await for_party(stores, agreement_id, party, "end_agreement")
    at = now()
    stored = await stores.agreements.change(agreement_id, lambda a: end(a, at), by=caller.origin())
    return shown(stored)
