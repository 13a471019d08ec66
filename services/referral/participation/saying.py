"""A young person says something by a code, and may take it back. No token of a person is needed: who
has the code is who it was made for. Guessing is counted, by address and in all."""

from services.referral.corrections.request import AmendReferral, SafeContactPatch
from services.referral.corrections.rule import amend, patches
from services.referral.participation.card import LENGTH, SIGNS, typed
from services.referral.participation.inviting import contact_of
from services.referral.participation.request import Card, SaidEntry
from services.referral.participation.rule import (
    SAID_DUE,
    Invitation,
    Words,
    end,
    quarter_of,
    repeated,
    still_open,
    told,
    without,
)
from services.referral.records import Referral
from services.referral.store import Stores
from shared.clock import now
from shared.errors import AlreadyThere, Outage, Refused
from shared.events.participation import EndReason
from shared.operating.failpoints import failpoint
from shared.origin import Origin
from shared.rules.calendars import LONDON
from shared.storage.records import Change, unchanged
from shared.web.limits import Limits

MAX_RACES = 20
ALL = "everybody"


class Guesses:
    """How often somebody may be wrong about a code. Whoever has used that up is told so, right or
    wrong."""

    def __init__(self, limits: Limits, address: str) -> None:
        self._limits = limits
        self._who = {"codes": address, "all_codes": ALL}

    async def free(self) -> None:
        """Returns while there is one left. Raises `TooMany`."""
        for name, who in self._who.items():
            if await self._limits.is_spent(name, who):
                await self._limits.spend(name, who)

    async def wrong(self) -> Refused:
        """One more; returns what to raise. Raises `TooMany`."""
        for name, who in self._who.items():
            await self._limits.spend(name, who)
        return Refused("code_unknown", "We do not know this code. Look at the card again.")


async def open_card(stores: Stores, guesses: Guesses, text: str) -> Card:
    """How the card stands. Raises `Refused` for a code that is none, `TooMany`."""
    said, invitation, _ = await _found(stores, guesses, text)
    if said is not None:
        return card(said)
    assert invitation is not None  # noqa: S101 - else it was refused
    still_open(invitation, now())
    return Card(moment=invitation.moment, state="open", expires_at=invitation.expires_at)


def card(said: Words) -> Card:
    """How the card stands by which this was said."""
    if said.ended is not None:
        return Card(moment=said.moment, state="taken_back")
    until = said.destroyed_at.astimezone(LONDON).date()
    return Card(moment=said.moment, state="said", destroyed_on=until)


async def say(stores: Stores, guesses: Guesses, entry: SaidEntry, by: Origin) -> Card:
    """What was said is kept on return, for whom they chose; and how not to get in touch stands in the
    safe contact before it. Raises `Refused`, `TooMany`. The same again changes nothing."""
    known, invitation, code = await _found(stores, guesses, entry.card_code)
    asked = stores.vault.fingerprint("said", code, entry.model_dump_json(exclude={"card_code"}))
    if known is not None:
        return card(repeated(known, asked))
    assert invitation is not None  # noqa: S101 - else it was refused
    still_open(invitation, now())
    referral = await stores.referrals.get(invitation.referral_id)
    if referral.erased_at is not None:
        raise Refused("card_too_old", "This card is too old. Ask your worker for a new one.")
    if entry.never:
        await _ask_not_to(stores, referral.id, entry, by)
    failpoint("participation.before_words")
    new = await _sealed(stores, code, asked, entry, invitation, referral)
    try:
        return card(await stores.voices.said.add(new, told(new), by=by))
    except AlreadyThere:  # it was sent twice at the same moment
        return card(repeated(await stores.voices.said.get(new.id), asked))


async def _sealed(
    stores: Stores,
    code: str,
    asked: str,
    entry: SaidEntry,
    invitation: Invitation,
    referral: Referral,
) -> Words:
    """The record, its words under a key of its own. After a crash the key opens nothing, and the same
    request finds it."""
    said_id, at = stores.voices.said_id(code), now()
    await stores.vault.make_key(said_id)
    named = entry.read_by != "nobody"
    return Words(
        id=said_id,
        hub_id=referral.hub_id,
        referral_id=referral.id if named else None,
        subject_id=referral.subject_id if named else None,
        moment=invitation.moment,
        read_by=entry.read_by,
        feeling=entry.feeling,
        themes=tuple(sorted(set(entry.themes))),
        quarter=quarter_of(at.astimezone(LONDON).date()),
        said_at=at,
        destroyed_at=at + stores.voices.kept,
        asked=asked,
        sealed=await stores.vault.seal(said_id, entry.words),
    )


async def take_back(stores: Stores, guesses: Guesses, text: str, by: Origin) -> Card:
    """Nothing of it can be read on return, nor is it counted. Twice is once. Raises `Refused`."""
    said, _, _ = await _found(stores, guesses, text)
    if said is None:
        raise Refused("nothing_said", "Nothing was sent with this card.")
    return card(await destroy(stores, said, "taken_back", by))


async def destroy(stores: Stores, said: Words, why: EndReason, by: Origin) -> Words:
    """The words are gone, then their key, then the timer: after a crash the timer begins again."""
    at = now()
    after = await stores.voices.said.change(said.id, lambda one: end(one, why, at), by=by)
    failpoint("participation.after_words")
    await stores.vault.destroy(said.id)
    await stores.voices.said.postpone(said.id, SAID_DUE, None)
    return after


async def forget_said(stores: Stores, referral_id: str) -> None:
    """What was said in a referral that is erased goes with it, as far as it can be found by that."""
    by = Origin.of_service("referral")
    while found := await stores.voices.said_in(referral_id, ("worker", "hub")):
        for said in found:
            await destroy(stores, said, "erased", by)


async def _found(
    stores: Stores, guesses: Guesses, text: str
) -> tuple[Words | None, Invitation | None, str]:
    """What there is of a code: one of the two at least. Raises `Refused`, `TooMany`."""
    await guesses.free()
    code = typed(text)
    if len(code) != LENGTH or not set(code) <= set(SIGNS):
        # No code looks so: it is no guess, and a slip of the finger costs nobody anything.
        raise Refused("code_unknown", "We do not know this code. Look at the card again.")
    said, invitation = await stores.voices.by_code(code)
    if said is None and invitation is None:
        raise await guesses.wrong()
    return said, invitation, code


async def _ask_not_to(stores: Stores, referral_id: str, entry: SaidEntry, by: Origin) -> None:
    """The safe contact says it from now on, and the worker hears of that as of any amendment. What has
    never been a referral takes nothing."""
    for _ in range(MAX_RACES):
        seen = await stores.referrals.get(referral_id)
        patch = without(await contact_of(stores, seen), entry)
        if patch is None or seen.status == "entered_in_error":
            return
        amendment = AmendReferral(safe_contact=SafeContactPatch.model_construct(**patch))
        sealed = await stores.vault.seal(referral_id, patches(amendment))
        at = now()

        def rule(referral: Referral) -> Change[Referral]:
            if referral.version != seen.version:  # noqa: B023 - in this round only
                return unchanged(referral)
            return amend(referral, amendment, sealed, by.actor, at)  # noqa: B023

        after = await stores.referrals.change(referral_id, rule, by=by, seen=seen)
        if len(after.amendments) > len(seen.amendments):
            return
    raise Outage("contention")
