"""A message in: the same steps as a referral, an amendment or a withdrawal that comes as JSON.

A message is one, by its id, for ever: a new one by the id of its referral, which is made of it; a later
one by the keyed hash of its id, kept with what it changed. Where it takes two writes (what it says
first, then that it ends the referral) each is kept by itself: sent again, it goes on where it stopped.
"""

import re
from functools import partial
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from services.referral.acting import Asker, act, held
from services.referral.areas.rule import Place
from services.referral.authorship import read, sealed_parts
from services.referral.bars.news import READ, Known, kept_beside, known_of, new_asides, news
from services.referral.bars.reading import NO, Letter, read_letter
from services.referral.bars.rule import ENDINGS, end, once
from services.referral.corrections.command import amend_referral
from services.referral.corrections.request import AmendReferral
from services.referral.intake.command import intake
from services.referral.intake.request import ReceiveReferral
from services.referral.intake.reserving import holder_of, key_of_line
from services.referral.intake.rule import fields_to_seal
from services.referral.reading.generous import Generous
from services.referral.reading.marks import Aside, aside
from services.referral.records import Referral, not_erased
from services.referral.sharing.command import record
from services.referral.store import Stores
from shared.clock import now
from shared.errors import Malformed, Mismatch, NotFound, Refused
from shared.operating.failpoints import failpoint
from shared.web.etags import Match

OURS = re.compile(r"ref[-_]([0-9a-f]{32})")
ANY = Match(frozenset({"*"}))
M = TypeVar("M", bound=Generous)


class Done(NamedTuple):
    """What became of a message: the letter, its referral, and the document as it was taken."""

    letter: Letter
    referral: Referral
    document: ReceiveReferral


async def take_message(stores: Stores, asker: Asker, bundle: dict[str, Any]) -> Done:
    """Carry out a message; safe to repeat. Raises `Malformed` for what is no referral or not for here,
    `Refused` for another one under the same id or reference, `NotFound` where a later one is about a
    referral that is not the sender's."""
    letter = read_letter(bundle, now())
    document = _validated(ReceiveReferral, letter.document)
    document.set_aside(letter.asides)
    if letter.wants == "new":
        return Done(letter, await _received(stores, asker, letter, document), document)
    referral_id = await _about(stores, asker, letter)
    said = _hash_of(stores, letter)
    return Done(letter, await _later(stores, asker, referral_id, letter, document, said), document)


def _hash_of(stores: Stores, letter: Letter) -> str:
    """By what a later message is known again: its id, and what it said under it."""
    body = stores.vault.fingerprint("message", letter.body)
    named = stores.vault.fingerprint("message", letter.message_id) if letter.message_id else body
    return f"{named}/{body[:16]}"


async def _received(
    stores: Stores, asker: Asker, letter: Letter, document: ReceiveReferral
) -> Referral:
    agency_id = asker.caller.agency_id or ""
    if letter.message_id:
        # Keyed: it must not be what somebody sends as an Idempotency-Key.
        key = f"message/{stores.vault.fingerprint('message', letter.message_id)}"
    else:
        key = await key_of_line(stores, agency_id, document.agency_reference)
    try:
        return await intake(stores, document, asker.caller, key)
    except Mismatch:
        raise _used() from None


def _used() -> Refused:
    return Refused("message_id_used", "You have sent another message with this Bundle.id before.")


async def _about(stores: Stores, asker: Asker, letter: Letter) -> str:
    """The id of the referral that a later message is about: ours where it names it, else the one that
    the sender has under one of its names."""
    for name in letter.names:
        if ours := OURS.fullmatch(name):
            return f"ref_{ours[1]}"
    for name in letter.names:
        if found := await holder_of(stores, asker.caller.agency_id or "", name):
            return found.id
    raise NotFound


async def _later(
    stores: Stores,
    asker: Asker,
    referral_id: str,
    letter: Letter,
    document: ReceiveReferral,
    said: str,
) -> Referral:
    referral = await held(stores, *asker, referral_id, "amend")
    if any(one.startswith(said[:64]) and not one.startswith(said) for one in referral.messages):
        raise _used()
    if letter.wants != "entered-in-error":  # what was sent by mistake is not added to
        referral = await _amended(stores, asker, referral, letter, document, f"{said}/news")
        failpoint("message.after_news")
    if letter.wants in ENDINGS:
        rule = once(end(letter.wants, now()), f"{said}/end")
        referral = await act(stores, *asker, referral_id, "take_step", ANY, rule)
    return referral


async def _amended(
    stores: Stores,
    asker: Asker,
    referral: Referral,
    letter: Letter,
    document: ReceiveReferral,
    said: str,
) -> Referral:
    """The referral with what is new. A no comes first: were it second, and this stopped between, the
    message sent again would take it for said."""
    if said in referral.messages:
        return referral
    not_erased(referral)
    opened = read(await stores.vault.open(referral.id, sealed_parts(referral, READ)))
    known = known_of(referral, opened)
    here = await stores.register.place(document.area)
    parts, coded = read(fields_to_seal(document, here)), _coded(letter, document, here)
    document.set_aside(_elsewhere(referral, letter, here, known))
    document.set_aside(kept_beside(referral, parts, coded, known))
    asides = new_asides(document.asides, known)
    if any(one.taken_as == NO for one in asides):
        await _refuse(stores, asker, referral, document)
    patch = news(referral, parts, coded, known)
    if not patch and not asides:
        return referral
    amendment = _validated(AmendReferral, patch) if patch else AmendReferral.model_construct()
    amendment.set_aside(asides)
    around = partial(once, message=said)
    return await amend_referral(stores, asker, referral.id, amendment, ANY, around)


async def _refuse(
    stores: Stores, asker: Asker, referral: Referral, document: ReceiveReferral
) -> None:
    await held(stores, *asker, referral.id, "record_consent")
    for entry in document.consents:
        key = stores.vault.fingerprint("message", entry.model_dump_json())
        await record(stores, referral, entry, asker, f"message/{key}")


def _coded(letter: Letter, document: ReceiveReferral, here: Place) -> dict[str, Any]:
    """What it says in codes, as far as it says it: what is made up where nothing was said is no news."""
    return {
        "indicators": [one.model_dump() for one in document.indicators],
        "languages": document.languages,
        "urgency": document.urgency if "urgency" in letter.document else None,
        "area": (document.area, here.code) if here.known and document.area else None,
    }


def _elsewhere(referral: Referral, letter: Letter, here: Place, known: Known) -> list[Aside]:
    """What an amendment has no place for: kept, and marked."""
    found, said = [], letter.document
    if said.get("area") and not here.known:
        found.append(aside(("area",), "unknown_code", said["area"]))
    if said.get("nation", referral.nation) != referral.nation:
        found.append(aside(("nation",), "not_understood", said["nation"]))
    before = [{n: v for n, v in one.items() if v} for one in known.own.get("referrer", ())]
    if said.get("referrer") and said["referrer"] not in before:
        found.append(aside(("referrer",), "not_understood", said["referrer"]))
    return found


def _validated(model: type[M], document: dict[str, Any]) -> M:
    """The document as it is read everywhere. Raises `Malformed` for what no list takes all of."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = "".join(f"/{part}" for part in first["loc"])
        raise Malformed(place, first["type"], "More than a referral takes.") from None
