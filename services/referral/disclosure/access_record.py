"""The record of a look, or of a refusal: written before the answer goes out."""

from collections.abc import Iterable

from services.referral.access import Refusal, Viewer
from services.referral.disclosure.rule import refused
from services.referral.records import AccessRecord
from services.referral.store import Stores
from shared.clock import now
from shared.errors import NotFound, Outage
from shared.events import EventData
from shared.events.records import UNKNOWN
from shared.ids import new_id
from shared.operating.telemetry import log
from shared.storage.records import New
from shared.web.tokens import Caller


async def refuse(
    stores: Stores, caller: Caller, viewer: Viewer, referral_id: str, action: str, reason: Refusal
) -> NotFound:
    """Write down that somebody asked for what is not theirs, or not there; returns what to raise.

    404, not 403: that a referral exists is information too, and so would be a refusal that takes
    longer than none. Of an id that is none of ours a keyed hash is kept: it may spell a name. Should
    the writing fail, its error goes out as 503 instead, and still nothing is shown.
    """
    unknown_id = None
    if reason == "not_there":
        unknown_id, referral_id = stores.vault.fingerprint("unknown_id", referral_id), UNKNOWN
    event = refused(referral_id, viewer, action, reason, unknown_id)
    await record_access(stores, caller, viewer, referral_id, event)
    return NotFound("referral")


async def record_accesses(
    stores: Stores, caller: Caller, viewer: Viewer, looks: Iterable[tuple[str, EventData]]
) -> None:
    """The same of several looks at once."""
    new = [
        New(AccessRecord(id=new_id("look"), referral_id=i, viewer_id=viewer.id, at=now()), (event,))
        for i, event in looks
    ]
    try:
        if new:
            await stores.access_records.add_many(new, by=caller.origin())
    except Exception as error:
        log.error("look.not_recorded", error=type(error).__name__)
        raise Outage("look_not_recorded") from None


async def record_access(
    stores: Stores, caller: Caller, viewer: Viewer, referral_id: str, event: EventData
) -> None:
    """Record a look or a refusal before it is answered. Raises `Outage` (503) if that fails,
    whatever the reason: what can't be recorded is not shown."""
    look = AccessRecord(id=new_id("look"), referral_id=referral_id, viewer_id=viewer.id, at=now())
    try:
        await stores.access_records.add(look, event, by=caller.origin(referral_id))
    except Exception as error:
        log.error("look.not_recorded", error=type(error).__name__)
        raise Outage("look_not_recorded") from None
