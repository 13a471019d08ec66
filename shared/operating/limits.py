"""How much is answered, as settings: docs/limits.md is made from these and from what else is named
there. Each replica counts by itself: N replicas together answer up to N times as much.
"""

from typing import Annotated

from limits import parse
from pydantic import AfterValidator, BaseModel, Field


def _rate(text: str) -> str:
    parse(text)
    return text


Rate = Annotated[str, AfterValidator(_rate)]


class LimitSettings(BaseModel):
    """A rate is written as `1200/minute`; also `second`, `hour`, `day`, `5/10minutes`."""

    limit_client: Rate = Field(
        "1200/minute", description="Requests of one client: an agency, or the account of a person."
    )
    limit_address: Rate = Field(
        "6000/minute", description="Requests from one address (IPv6: one /64), with a token or not."
    )
    limit_failed_tokens: Rate = Field(
        "60/minute",
        description="Requests from one address without a valid token. A valid one still counts.",
    )
    limit_mail_codes: Rate = Field(
        "10/hour", description="Codes that one recipient may try, to confirm an e-mail address."
    )
    limit_mails: Rate = Field(
        "5/day", description="Mails with a code that one recipient may have sent."
    )
    limit_mailbox: Rate = Field(
        "5/day", description="Mails with a code to one mailbox, whoever asks for them."
    )
    limit_challenges: Rate = Field(
        "20/hour", description="Changes of one agency's webhook that must be proved by a challenge."
    )
    limit_tests: Rate = Field(
        "6/10minutes", description="Tests of one recipient's webhook and mailbox."
    )
    limit_tests_day: Rate = Field("30/day", description="The same of a day.")
    limit_replays: Rate = Field(
        "12/day", description="Requests to send the mails of one recipient again, whoever asks."
    )
    limit_replays_each: Rate = Field(
        "6/day", description="The share of them that one account may ask for."
    )
    limit_searches: Rate = Field(
        "60/10minutes", description="Searches by name, birth date or number of one account."
    )
    limit_codes: Rate = Field(
        "30/hour", description="Codes of cards that one address may try and that are none."
    )
    limit_all_codes: Rate = Field("3000/hour", description="The same of all addresses together.")
    limit_streams: int = Field(
        10,
        ge=1,
        description="Streams, waiting requests and downloads of one client that are open at once.",
    )
    limit_open: int = Field(500, ge=1, description="The same of all clients together.")
    limit_connections: int = Field(
        200,
        ge=1,
        description=(
            "Connections that one address has open at once; through a trusted proxy, requests of "
            "one address that are under way."
        ),
    )
    limit_all_connections: int = Field(
        900,
        ge=1,
        description=(
            "Connections open at once. A further one takes the place of one that waits, of the "
            "address that has the most. Fewer than file descriptors by 100."
        ),
    )
    limit_body_seconds: Annotated[float, Field(allow_inf_nan=False)] = Field(
        30.0,
        gt=0,
        description=(
            "Seconds within which a whole request body must have come, and within which a client "
            "must go on reading its answer."
        ),
    )
    limit_head_seconds: Annotated[float, Field(allow_inf_nan=False)] = Field(
        10.0,
        gt=0,
        description="Seconds within which a connection must have sent its request's head.",
    )
