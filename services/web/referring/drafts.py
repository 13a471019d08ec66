"""Drafts, kept by the referral service until they are sent, deleted, or a month old."""

import contextlib
from dataclasses import dataclass
from typing import Any

from services.web.api import Asker, Away, Refused
from services.web.referring.questions import cut, referral
from services.web.sending import post_once


@dataclass(frozen=True)
class Draft:
    """A referral that was begun. `tag` is its version."""

    id: str
    tag: str
    answers: dict[str, Any]


async def mine(api: Asker) -> list[dict[str, Any]]:
    """What this person has begun, the newest first, without content."""
    found = await api.get("referral", "/v1/drafts")
    return list(found["drafts"])


async def begin(api: Asker) -> str:
    """The id of an empty draft."""
    made = await api.post("referral", "/v1/drafts", {"answers": {}})
    return str(made["id"])


async def read(api: Asker, draft_id: str) -> Draft:
    """One of them. Raises `Refused` with 404 where it is not theirs, or no longer there."""
    answer = await api.ask("referral", "GET", f"/v1/drafts/{draft_id}")
    return Draft(draft_id, answer.tag, cut(answer.body["answers"]))


async def keep(api: Asker, draft: Draft, answers: dict[str, Any]) -> None:
    """The answers as they are now. Raises `Refused` with 412 where another window was first."""
    path, fields = f"/v1/drafts/{draft.id}", {"If-Match": draft.tag}
    await api.ask("referral", "PUT", path, json={"answers": cut(answers)}, headers=fields)


async def send(api: Asker, draft: Draft) -> Any:
    """The receipt of the referral that it has become; the draft is gone. Raises `Refused`."""
    reference = f"WEB-{draft.id[-20:].upper()}"
    receipt = await post_once(api, referral(draft.answers, reference), draft.id)
    with contextlib.suppress(Refused, Away):  # another press was first, or it ends by itself
        await destroy(api, draft)
    return receipt


async def destroy(api: Asker, draft: Draft) -> None:
    """It is gone."""
    await api.ask("referral", "DELETE", f"/v1/drafts/{draft.id}")


async def areas(api: Asker) -> list[dict[str, Any]]:
    """The areas that the network serves, as far as one list goes."""
    found = await api.get("referral", "/v1/areas", limit=100)
    return [each for each in found["areas"] if not each["retired"]]
