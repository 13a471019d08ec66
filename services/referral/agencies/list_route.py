"""HTTP in: the agreements of a party, the first to end first."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from services.referral.agencies.command import list_agreements
from services.referral.agencies.rule import Agreement
from services.referral.callers import ByParty, OnStores
from shared.rules.sharing import Terms
from shared.rules.values import Instant
from shared.web.access import may

router = APIRouter(tags=["agreements"])


class AgreementLine(BaseModel):
    """An agreement as it is now."""

    id: str
    terms: Terms
    frequency: str
    review_at: AwareDatetime


class AgreementPage(BaseModel):
    """The first to end first; pass `next` as `cursor` for the page behind it."""

    agreements: list[AgreementLine]
    next: str | None


def line(agreement: Agreement) -> AgreementLine:
    return AgreementLine(**agreement.model_dump(include=set(AgreementLine.model_fields)))


@router.get("/v1/agreements", dependencies=[may("list_agreements")])
async def get_agreements(
    party: ByParty,
    stores: OnStores,
    ending_before: Annotated[
        Instant | None, Query(description="Only what ends, or is to be reviewed, before then.")
    ] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> AgreementPage:
    """Your agency's or your Hub's agreements that have not ended; an operator sees all of them."""
    found, following = await list_agreements(stores, party, ending_before, cursor, limit)
    return AgreementPage(agreements=[line(one) for one in found], next=following)
