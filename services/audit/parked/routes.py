"""HTTP in: an operator looks at parked messages, gives them back, or discards them with a reason."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from services.audit.trail_query import TheAudit
from shared.events.parked import DiscardReason
from shared.messaging.bus import DeadLetter
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["operating"])
MessageId = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z0-9._:-]{1,120}$",
        description="The id that the list gives: mostly an event's.",
    ),
]


class DeadLetterLine(BaseModel):
    """A message that was parked: for which queue, why, since when, after how many attempts."""

    queue: str = Field(description="`<service>.<subject>`: whose queue could not handle it.")
    message_id: str = Field(description="Its id: mostly an event's.")
    type: str
    reason: str
    attempts: int
    since: datetime | None


class DeadLetterPage(BaseModel):
    """Parked messages of all services. `more`: there are others behind these."""

    dead_letters: list[DeadLetterLine] = Field(description="Some of them, queue by queue.")
    more: bool


class DeadLetterView(DeadLetterLine):
    """One with what it says, where it can be read: codes and ids, as in every event."""

    event: dict[str, Any] | None = Field(description="What it says; null: that can't be read.")


class DeadLetterCopies(BaseModel):
    """One message, once for each queue for which it is parked."""

    dead_letters: list[DeadLetterView] = Field(description="It, for each queue.")


class Discarding(BaseModel):
    """Why nothing need follow from it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    reason: DiscardReason


class HandledCount(BaseModel):
    """For how many queues."""

    count: int = Field(description="For how many queues it was parked.")


@router.get("/v1/dead-letters", dependencies=[may("handle_dead_letters")])
async def get_dead_letters(
    _: AnyCaller, audit: TheAudit, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> DeadLetterPage:
    """Messages that no service could handle. What follows from each has not happened."""
    found, more = await audit.parked.listed(limit)
    return DeadLetterPage(dead_letters=[DeadLetterLine(**_line(x)) for x in found], more=more)


@router.get("/v1/dead-letters/{message_id}", dependencies=[may("handle_dead_letters")])
async def get_dead_letter(_: AnyCaller, audit: TheAudit, message_id: MessageId) -> DeadLetterCopies:
    """One of them, with what it says."""
    found = await audit.parked.named(message_id)
    return DeadLetterCopies(
        dead_letters=[DeadLetterView(**_line(each), event=_event(each)) for each in found]
    )


@router.post("/v1/dead-letters/{message_id}/replay", dependencies=[may("handle_dead_letters")])
async def post_replay(caller: AnyCaller, audit: TheAudit, message_id: MessageId) -> HandledCount:
    """Give it back to its queues for a first attempt, once its cause is mended. This is an entry."""
    return HandledCount(count=await audit.parked.give_back(message_id, caller))


@router.post("/v1/dead-letters/{message_id}/discard", dependencies=[may("handle_dead_letters")])
async def post_discard(
    caller: AnyCaller, audit: TheAudit, message_id: MessageId, why: Discarding
) -> HandledCount:
    """Take it away for good; nothing will follow from it. This is an entry, with the reason."""
    return HandledCount(count=await audit.parked.discard(message_id, why.reason, caller))


def _line(letter: DeadLetter) -> dict[str, Any]:
    return {name: getattr(letter, name) for name in DeadLetterLine.model_fields}


def _event(letter: DeadLetter) -> dict[str, Any] | None:
    try:
        found = json.loads(letter.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
