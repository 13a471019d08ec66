"""Asking and answering: what is written is sealed first, then stored; each look is recorded before it is
shown."""

from dataclasses import replace

from services.referral.access import Viewer, person_of
from services.referral.acting import Asker
from services.referral.advice.request import AdviceClosure, AdviceEntry, AdvicePage, AdviceView
from services.referral.advice.rule import (
    KEPT,
    MOST_OPEN,
    Advice,
    Message,
    asked,
    clock,
    close,
    facts_of,
    forget,
    line,
    same,
    view,
    write,
)
from services.referral.disclosure.access_record import record_access
from services.referral.participation.rule import quarter_of
from services.referral.store import Stores
from services.referral.vault import Erased
from shared.clock import now
from shared.errors import AlreadyThere, NotFound, Refused
from shared.events.advice import AdviceStatus, AdviceViewed, Side
from shared.origin import Origin
from shared.rules.access_table import Action
from shared.rules.calendars import LONDON
from shared.storage.store import Document
from shared.web.access import require
from shared.web.cursors import behind, cursor_of


async def ask(stores: Stores, asker: Asker, entry: AdviceEntry, key: str) -> Advice:
    """The question, with the Hub of its area, which hears of it. Raises `Refused` where no Hub serves
    the area: the asker must hear so at once, or nobody would answer."""
    viewer, vault, at = asker.viewer, stores.vault, now()
    advice_id = vault.id_of("adv", viewer.id, key)
    hashed = vault.fingerprint("advice", entry.model_dump_json())
    if known := await stores.advice.find({"_id": advice_id}, limit=1):
        return same(known[0], hashed)
    hub_id = (await stores.register.of_hubs()).get(entry.area)
    if hub_id is None:
        detail = (
            "No Hub serves this area. Phone the nearest one; if a child is in danger, call 999."
        )
        raise Refused("area_not_served", detail)
    await _has_room(stores, viewer.id)
    await vault.make_key(advice_id)
    first = Message(id=advice_id, side="asker", at=at, by=asker.caller.actor, asked=hashed)
    new = Advice(
        id=advice_id,
        agency_id=viewer.id,
        agency_kind=viewer.agency_kind,
        hub_id=hub_id,
        area=entry.area,
        theme=entry.theme,
        quarter=quarter_of(at.astimezone(LONDON).date()),
        asked_at=at,
        answer_by=clock(at),
        messages=(first,),
        sealed=await vault.seal(advice_id, {advice_id: entry.text}),
        destroyed_at=at + KEPT,
    )
    try:
        return await stores.advice.add(new, asked(new), by=asker.caller.origin(advice_id))
    except AlreadyThere:
        return same(await stores.advice.get(advice_id), hashed)


async def write_further(
    stores: Stores, asker: Asker, advice_id: str, text: str, key: str
) -> Advice:
    """The question with one more message, of the side on which the writer stands. Raises `NotFound`
    for everybody else, `Refused` where it has ended."""
    found, side = await _theirs(stores, asker.viewer, advice_id, "write_advice")
    vault, by = stores.vault, asker.caller.actor
    message = Message(
        id=vault.id_of("msg", advice_id, by, key),
        side=side,
        at=now(),
        by=by,
        asked=vault.fingerprint("advice", text),
    )
    sealed = await vault.seal(advice_id, {message.id: text})
    return await stores.advice.change(
        advice_id,
        lambda advice: write(advice, message, sealed),
        by=asker.caller.origin(advice_id),
        seen=found,
    )


async def close_advice(
    stores: Stores, asker: Asker, advice_id: str, entry: AdviceClosure
) -> Advice:
    """The question with what came of it. A referral must be the asking agency's, with the Hub that
    answered: raises `NotFound` for any other, as for one that is not there."""
    found, _ = await _theirs(stores, asker.viewer, advice_id, "write_advice")
    if entry.referral_id is not None:
        where = {"_id": entry.referral_id, "agency_id": found.agency_id, "reply": True}
        if not await stores.referrals.find(where, limit=1):
            raise NotFound("referral")
    at = now()
    return await stores.advice.change(
        advice_id,
        lambda advice: close(advice, entry, at),
        by=asker.caller.origin(advice_id),
        seen=found,
    )


async def read(stores: Stores, asker: Asker, advice_id: str) -> AdviceView:
    """The question with all that was written. The look is recorded first."""
    advice, _ = await _theirs(stores, asker.viewer, advice_id, "view_advice")
    try:
        words = await stores.vault.open(advice.id, advice.sealed)
    except Erased:
        words = {}
    viewer = asker.viewer
    event = AdviceViewed(
        advice_id=advice.id, hub_id=advice.hub_id, viewer_kind=viewer.role, viewer_id=viewer.id
    )
    await record_access(stores, asker.caller, viewer, advice.id, event)
    return view(advice, words)


async def list_advice(
    stores: Stores, viewer: Viewer, status: AdviceStatus | None, cursor: str | None, limit: int
) -> AdvicePage:
    """A page of an agency's own questions, or of those to the Hub of a worker or manager."""
    hub_id = await _hub_of(stores, viewer)
    where: Document = {"agency_id": viewer.id} if viewer.role == "agency" else {"hub_id": hub_id}
    if status is not None:
        where["status"] = status
    if cursor:
        where = {"$and": [where, behind(cursor, "asked_at", newest_first=True)]}
    sort = [("asked_at", -1), ("_id", -1)]
    found = await stores.advice.find(where, sort=sort, limit=limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    following = cursor_of(last.asked_at, last.id) if last else None
    return AdvicePage(advice=[line(one) for one in found[:limit]], next=following)


async def destroy(stores: Stores, advice: Advice, by: Origin) -> None:
    """Its words go once their time has come, then the key, then the timer."""
    at = now()
    after = await stores.advice.change(advice.id, lambda one: forget(one, at), by=by)
    if after.destroyed_at <= at:
        await stores.vault.destroy(advice.id)
        await stores.advice.postpone(advice.id, "destruction_due", None)


async def _theirs(
    stores: Stores, viewer: Viewer, advice_id: str, action: Action
) -> tuple[Advice, Side]:
    advice = await stores.advice.get(advice_id)
    who = replace(viewer, hub_id=await _hub_of(stores, viewer))
    verdict = require(action, person_of(who), facts_of(advice))
    return advice, "asker" if verdict.relation == "own_agency" else "hub"


async def _hub_of(stores: Stores, viewer: Viewer) -> str | None:
    """A worker's Hub is the one they are registered at, whatever their token names."""
    return await stores.known.hub_of(viewer.id) if viewer.role == "worker" else viewer.hub_id


async def _has_room(stores: Stores, agency_id: str) -> None:
    where = {"agency_id": agency_id, "status": {"$ne": "closed"}}
    if await stores.advice.collection.count_documents(where, limit=MOST_OPEN) >= MOST_OPEN:
        detail = f"Your agency has {MOST_OPEN} open questions. Close one first."
        raise Refused("too_many_questions", detail)
