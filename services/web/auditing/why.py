"""Why somebody looks: asked before the trail is, for each question is written down with it."""

from typing import Annotated

from fastapi import Depends, Query

from services.web.errors import SayWhyFirst
from services.web.visit import Visiting

CODE = r"^[a-z_]{1,40}$"


async def why(_: Visiting, purpose: Annotated[str | None, Query(pattern=CODE)] = None) -> str:
    """The purpose that the address has. Raises `SayWhyFirst`."""
    if purpose is None:
        raise SayWhyFirst
    return purpose


Purpose = Annotated[str, Depends(why)]
