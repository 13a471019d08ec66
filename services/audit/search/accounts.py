"""The account of a person: what the trail, and safety marks, call them."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.audit.access import may_ask
from services.audit.trail_query import Question, RecordedRoute
from shared.web.accounts import MAX_SUB, Accounts, subject
from shared.web.tokens import accounts

router = APIRouter(tags=["trail"], route_class=RecordedRoute)


class AccountEntry(BaseModel):
    """The `sub` of a person's tokens, as your issuer shows it. It is not kept."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    sub: Annotated[str, Field(max_length=MAX_SUB), AfterValidator(subject)]


class AccountView(BaseModel):
    """`usr_` and 32 hexadecimal digits."""

    account: str


@router.post("/v1/trail/accounts", dependencies=[may_ask("find_account")])
async def post_account(
    question: Question, entry: AccountEntry, known: Annotated[Accounts, Depends(accounts)]
) -> AccountView:
    """Whose account it is. Nobody needs to have signed in yet. The question is an entry of the
    trail, with the account and without the `sub`."""
    account = known.of(entry.sub)
    question.asked["account"] = account
    await question.answered(count=0, size=0)
    return AccountView(account=account)
