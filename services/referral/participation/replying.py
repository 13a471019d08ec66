"""You said, we did: a Hub answers a theme, in words of its manager that everybody can read. Whether,
and how many, young people said it changes nothing here: no number can be tried out by it."""

from services.referral.access import Viewer, their_hub
from services.referral.participation.request import ReplyPage, ReplyView
from services.referral.participation.rule import Reply, replied, reply
from services.referral.store import Stores
from shared.clock import now
from shared.errors import NotFound
from shared.events.participation import Theme
from shared.web.tokens import Caller


async def put_reply(
    stores: Stores, caller: Caller, viewer: Viewer, theme: Theme, done: str
) -> Reply:
    """What the manager's Hub did about the theme, in the place of what stood there; with no words
    nothing stands there any more."""
    hub_id, at = their_hub("write_reply", viewer), now()
    new = Reply(
        id=stores.vault.id_of("rpl", hub_id, theme),
        hub_id=hub_id,
        theme=theme,
        done=done,
        written_at=at,
    )
    return await stores.voices.replies.add_or_change(
        new, replied(new, done), rule=lambda one: reply(one, done, at), by=caller.origin()
    )


async def take_down(stores: Stores, caller: Caller, viewer: Viewer, theme: Theme) -> None:
    """Nobody reads it any more. Raises `NotFound` where none was ever written."""
    hub_id, at = their_hub("write_reply", viewer), now()
    found = await stores.voices.replies.find(
        {"_id": stores.vault.id_of("rpl", hub_id, theme)}, limit=1
    )
    if not found:
        raise NotFound("reply")
    await stores.voices.replies.change(
        found[0].id, lambda one: reply(one, "", at), by=caller.origin()
    )


async def list_replies(stores: Stores, cursor: str | None, limit: int) -> ReplyPage:
    """A page of what all Hubs did. Raises `BadRequest` for a cursor of nobody's."""
    found, following = await stores.voices.page(cursor, limit)
    return ReplyPage(replies=[view(one) for one in found], next=following)


def view(one: Reply) -> ReplyView:
    """As everybody reads it."""
    return ReplyView(**one.model_dump(include=set(ReplyView.model_fields)))
