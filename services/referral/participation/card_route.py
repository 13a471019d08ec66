"""HTTP in: what is said by a card. The caller is the account of the pages, or of whoever else offers
them; who the young person is, the code says, and nothing else."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from services.referral.callers import OnStores
from services.referral.participation.request import Card, CardEntry, SaidEntry
from services.referral.participation.saying import Guesses, open_card, say, take_back
from shared.web.access import may
from shared.web.limits import address_of
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["participation"])


def guesses(request: Request) -> Guesses:
    """How often this address, and everybody, may be wrong."""
    return Guesses(request.app.state.limits, address_of(request.scope))


Guessing = Annotated[Guesses, Depends(guesses)]


@router.post("/v1/participation/cards", dependencies=[may("say")])
async def post_card(
    entry: CardEntry, guessing: Guessing, stores: OnStores, response: Response
) -> Card:
    """How a card stands, by its code: what it is for, and whether it was used. `409 code_unknown` for a
    code that is none: those are counted, by address and in all."""
    response.headers["Cache-Control"] = "no-store"
    return await open_card(stores, guessing, entry.card_code)


@router.post("/v1/participation/answers", status_code=201, dependencies=[may("say")])
async def post_answers(
    entry: SaidEntry, caller: AnyCaller, guessing: Guessing, stores: OnStores
) -> Card:
    """What a young person says, once for a card; the same again is told the same. It is encrypted, for
    whom they choose to read; for nobody: it is counted with others, and nothing leads to them."""
    return await say(stores, guessing, entry, caller.origin())


@router.post("/v1/participation/withdrawals", dependencies=[may("say")])
async def post_card_withdrawal(
    entry: CardEntry, caller: AnyCaller, guessing: Guessing, stores: OnStores
) -> Card:
    """Take back what was said by a card: its words are destroyed, and it is counted no more. How not to
    get in touch stays as it was asked."""
    return await take_back(stores, guessing, entry.card_code, caller.origin())
