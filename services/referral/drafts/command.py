"""Keeping what a referrer has not sent yet: for the account that wrote it, and nobody else.

Nothing of it is an event or an entry: not that there is a draft, not that it changed or went.
"""

import json

from services.referral.drafts.drafts import Drafts
from services.referral.drafts.request import DraftEntry, DraftLine, DraftPage, DraftView, written
from services.referral.drafts.rule import Draft, facts_of
from shared.errors import Outage
from shared.web.access import person, require
from shared.web.etags import Match
from shared.web.tokens import Caller

MAX_RACES = 50


async def begin(drafts: Drafts, caller: Caller, entry: DraftEntry) -> tuple[Draft, DraftLine]:
    """A new draft of the caller's. Raises `Refused` where they have too many."""
    agency_id = caller.agency_id or ""
    draft = await drafts.add(caller.account, agency_id, written(entry.answers))
    return draft, line(draft)


async def list_own(drafts: Drafts, caller: Caller, cursor: str | None, limit: int) -> DraftPage:
    """A page of the caller's drafts in the agency as which they call."""
    found, following = await drafts.page(caller.account, caller.agency_id or "", cursor, limit)
    return DraftPage(drafts=[line(draft) for draft in found], next=following)


async def read(drafts: Drafts, caller: Caller, draft_id: str) -> tuple[Draft, DraftView]:
    """The draft with its words. Raises `NotFound` for all but who wrote it."""
    draft = await _theirs(drafts, caller, draft_id)
    answers = json.loads(await drafts.words(draft))
    return draft, DraftView(**line(draft).model_dump(), answers=answers)


async def change(
    drafts: Drafts, caller: Caller, draft_id: str, entry: DraftEntry, match: Match
) -> tuple[Draft, DraftLine]:
    """The draft with other words. The same words again change nothing, whatever the tag: the answer
    got lost. Raises `NotFound` as `read`, and what If-Match raises."""
    words = written(entry.answers)
    for _ in range(MAX_RACES):
        draft = await _theirs(drafts, caller, draft_id)
        if await drafts.words(draft) == words:
            return draft, line(draft)
        match.check(draft.version)
        if (after := await drafts.replace(draft, words)) is not None:
            return after, line(after)
    raise Outage("contention")


async def discard(drafts: Drafts, caller: Caller, draft_id: str) -> None:
    """The draft is gone on return, and nothing can read its words. Raises `NotFound` as `read`."""
    await _theirs(drafts, caller, draft_id)
    await drafts.discard(draft_id)


def line(draft: Draft) -> DraftLine:
    """A draft as a list shows it."""
    return DraftLine(**draft.model_dump(include=set(DraftLine.model_fields)))


async def _theirs(drafts: Drafts, caller: Caller, draft_id: str) -> Draft:
    draft = await drafts.get(draft_id)
    require("keep_draft", person(caller), facts_of(draft))
    return draft
