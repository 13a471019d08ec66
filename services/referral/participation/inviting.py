"""Making a card, and reading what a young person let one read: recorded before it is shown."""

from typing import Any

from services.referral.acting import Asker, held
from services.referral.authorship import merged, read, sealed_parts
from services.referral.disclosure.access_record import record_access
from services.referral.disclosure.rule import Shown, viewed
from services.referral.participation.card import code_of, printed
from services.referral.participation.request import (
    InvitationEntry,
    InvitationMade,
    Participation,
    Said,
)
from services.referral.participation.rule import LASTS, Invitation, Words, line, reads, room, same
from services.referral.records import Referral, not_erased
from services.referral.store import Stores
from services.referral.vault import Erased
from shared.clock import now
from shared.errors import AlreadyThere, Outage, Refused
from shared.events.participation import ParticipationInvited
from shared.rules.calendars import LONDON
from shared.rules.sharing import CATEGORIES

MAX_RACES = 20
# Ways of getting in touch by which a link could come.
BY_LINK = frozenset({"text", "email"})


async def invite(
    stores: Stores, asker: Asker, referral_id: str, entry: InvitationEntry, key: str
) -> InvitationMade:
    """An invitation with its code: the same key is told the same code, which is kept nowhere. Raises
    `Refused` for a link where the safe contact names no way to send one, and where it was erased."""
    referral = await held(stores, *asker, referral_id, "invite")
    not_erased(referral)
    if entry.way == "link":
        await _link_is_safe(stores, referral)
    code = code_of(stores.vault.id_of("code", referral_id, asker.caller.actor, key))
    made = await _made(stores, asker, referral, entry, stores.voices.code_hash(code))
    return InvitationMade(**line(made, now()).model_dump(), card_code=printed(code))


async def _made(
    stores: Stores, asker: Asker, referral: Referral, entry: InvitationEntry, hashed: str
) -> Invitation:
    event = ParticipationInvited(
        referral_id=referral.id,
        subject_id=referral.subject_id,
        invitation_id="",
        moment=entry.moment,
        way=entry.way,
    )
    for _ in range(MAX_RACES):
        there = await stores.voices.of_referral(referral.id)
        if known := [one for one in there if one.code == hashed]:
            return same(known[0], entry.moment, entry.way)
        number, at = room(there), now()
        new = Invitation(
            id=stores.vault.id_of("inv", referral.id, str(number)),
            referral_id=referral.id,
            number=number,
            code=hashed,
            moment=entry.moment,
            way=entry.way,
            made_at=at,
            expires_at=at + LASTS,
        )
        said = event.model_copy(update={"invitation_id": new.id})
        try:
            by = asker.caller.origin(referral.id)
            return await stores.voices.invitations.add(new, said, by=by)
        except AlreadyThere:
            continue  # another request took the number
    raise Outage("contention")


async def _link_is_safe(stores: Stores, referral: Referral) -> None:
    """Nothing of the safe contact is told, but whether it names a way by which a link could come."""
    contact = await contact_of(stores, referral)
    if BY_LINK.isdisjoint(contact.get("channels") or ()):
        detail = "The safe contact names neither text nor e-mail. Give them a card, in person."
        raise Refused("link_not_safe", detail)


async def contact_of(stores: Stores, referral: Referral) -> dict[str, Any]:
    """The safe contact as it stands. Raises `Refused` once it was erased."""
    parts = sealed_parts(referral, ("safe_contact",))
    return merged(read(await stores.vault.open(referral.id, parts)).values())


async def read_said(stores: Stores, asker: Asker, referral_id: str, purpose: str) -> Participation:
    """The invitations of a case, and what this viewer may read: as the young person chose. The look is
    recorded first. Of what is for nobody, or for the worker alone, a manager sees no trace."""
    caller, viewer = asker
    referral = await held(stores, caller, viewer, referral_id, "view_participation")
    manager = viewer.role == "hub_manager"
    allowed = [one for one in ("worker", "hub") if reads(one, manager=manager)]
    found = await stores.voices.said_in(referral_id, allowed)
    opened = [one for each in found if (one := await _opened(stores, each))]
    shown = Shown("hub_manager" if manager else "worker", CATEGORIES)
    event = viewed(referral, viewer, shown, purpose, part="participation")
    await record_access(stores, caller, viewer, referral_id, event)
    at = now()
    made = [line(one, at) for one in await stores.voices.of_referral(referral_id)]
    return Participation(invitations=made, said=opened)


async def _opened(stores: Stores, said: Words) -> Said | None:
    try:
        words = await stores.vault.open(said.id, said.sealed)
    except Erased:  # taken back since it was found
        return None
    known: dict[str, Any] = said.model_dump(include={"id", "moment", "feeling", "themes"})
    return Said(
        **(known | words),
        said_on=said.said_at.astimezone(LONDON).date(),
        destroyed_on=said.destroyed_at.astimezone(LONDON).date(),
    )
