"""What an API does not take, said on the page that was sent."""

from collections.abc import Awaitable
from typing import Any

from services.web.api import Refused
from services.web.errors import BY_STATUS

# What may be said again on the page that was sent; every other no is a page of its own.
SAID_HERE = (409, 412, 422)


async def tried(asking: Awaitable[Any], field: str) -> dict[str, str]:
    """Why it was not taken, as an error of that field; nothing where it was. Raises `Refused` for what
    is no matter of the form."""
    try:
        await asking
    except Refused as error:
        if error.status not in SAID_HERE:
            raise
        return {field: why_not(error)}
    return {}


def why_not(error: Refused) -> str:
    """In words: of a change by somebody else ours, else those of the API."""
    if error.status == 412:
        heading = BY_STATUS[412].heading
        return f"{heading}. Nothing was saved. This is how it is now: look again."
    return error.said("It was not taken as it is.")
