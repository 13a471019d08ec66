"""`/v1/codes`: the register of vocabularies, without a token, as the API description itself."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel

from shared.errors import NotFound
from shared.vocabularies import Vocabulary, vocabularies
from shared.web.questions import only_known

router = APIRouter(tags=["codes"], include_in_schema=False)


class Register(BaseModel):
    """The names of all vocabularies, with what each is about; the codes are at `/v1/codes/{name}`."""

    vocabularies: dict[str, str]


@router.get("/v1/codes")
async def get_codes(request: Request) -> Register:
    """Every closed set of codes in the API, by name."""
    only_known(request)
    return Register(vocabularies={name: one.title for name, one in vocabularies().items()})


@router.get("/v1/codes/{name}")
async def get_vocabulary(
    request: Request, name: Annotated[str, Path(max_length=100)]
) -> Vocabulary:
    """The codes of one of them, each with its label and, where there are any, its census code
    and its codes in other systems."""
    only_known(request)
    if name not in vocabularies():
        raise NotFound
    return vocabularies()[name]
