"""Giving a referral to another Hub: one change of the referral each, and what follows by its event.

The acceptance is one write: from it on the new Hub reads the referral and the old one does not. By its
event its possible matches become the new Hub's to decide, and allocation ends the old Hub's case and
begins the new one's.
"""

from collections.abc import Callable

from services.referral.access import (
    listed_transfers,
    of_transfer,
    person_of,
    refusal_of,
    their_hub,
)
from services.referral.acting import Asker, act, find, held
from services.referral.disclosure.access_record import record_access, refuse
from services.referral.hubs.rule import serving
from services.referral.records import Referral, Transfer
from services.referral.sharing.subject import Subject
from services.referral.store import Stores
from services.referral.transfers.request import TransferEntry, TransferView
from services.referral.transfers.rule import Proposal, accept, propose
from services.referral.transfers.view import TOLD, before_it_says_yes, looked, viewed
from shared.clock import now
from shared.errors import Outage, Refused
from shared.rules import sharing
from shared.rules.access import decide
from shared.rules.access_table import Action
from shared.rules.relations import Relation
from shared.storage.records import Change
from shared.web.etags import Match


async def propose_transfer(
    stores: Stores, asker: Asker, referral_id: str, entry: TransferEntry, match: Match
) -> Referral:
    """The referral with the proposal of a manager of its Hub."""
    at = now()
    await held(stores, *asker, referral_id, "propose_transfer")
    given = await _proposal(stores, asker, entry, their_hub("list_transfers", asker.viewer))

    def rule(referral: Referral, _: Relation) -> Change[Referral]:
        return propose(referral, given, at)

    return await act(stores, *asker, referral_id, "propose_transfer", match, rule)


async def _proposal(
    stores: Stores, asker: Asker, entry: TransferEntry, from_hub_id: str
) -> Proposal:
    hubs = await stores.hubs.all()
    moves_to = await stores.register.place(entry.area) if entry.area is not None else None
    known = frozenset(hub.id for hub in hubs)
    return Proposal(entry, asker.caller.actor, from_hub_id, moves_to, known, serving(hubs))


async def accept_transfer(stores: Stores, asker: Asker, referral_id: str, match: Match) -> Referral:
    """The referral, which is the Hub's from now on."""
    at, by = now(), asker.caller.actor

    def rule(referral: Referral) -> Change[Referral]:
        return accept(referral, by, at)

    return await answer(stores, asker, referral_id, "answer_transfer", match, rule)


async def answer(
    stores: Stores,
    asker: Asker,
    referral_id: str,
    action: Action,
    match: Match,
    rule: Callable[[Referral], Change[Referral]],
) -> Referral:
    """The referral after an answer to its proposal, for who may give it; `NotFound` for anyone else,
    also where it went to somebody else meanwhile."""
    referral, _, _ = await _theirs(stores, asker, referral_id, action)
    seen = referral.transfer

    def guarded(now_: Referral) -> Change[Referral]:
        if now_.subject_id != referral.subject_id:
            raise Outage("referral_moved")  # asked again, it is decided on the marks of that one
        same = now_.transfer is not None and seen is not None
        if not same or _key(now_.transfer) != _key(seen):
            raise Refused("transfer_over", "Another proposal was made meanwhile: read it first.")
        return rule(now_)

    by = asker.caller.origin(referral_id)
    return await stores.referrals.change(referral_id, match.guard(guarded), by=by, seen=referral)


def _key(transfer: Transfer | None) -> object:
    return transfer and (transfer.from_hub_id, transfer.to_hub_id, transfer.proposed_at)


async def read_transfer(
    stores: Stores, asker: Asker, referral_id: str
) -> tuple[Referral, TransferView]:
    """The proposal, for both Hubs and the operators, with what the rules of sharing permit the viewer.
    The look is recorded first."""
    referral, subject, transfer = await _theirs(stores, asker, referral_id, "view_transfer")
    viewer = asker.viewer
    permitted = TOLD if viewer.hub_id == transfer.from_hub_id else ()
    decision = None
    if viewer.hub_id == transfer.to_hub_id:
        terms = await stores.terms_between(transfer.to_hub_id, transfer.from_hub_id)
        asked = before_it_says_yes(referral, transfer)
        decision = sharing.decide(asked, subject.sharing, terms, now())
        permitted = decision.permitted
    await record_access(stores, *asker, referral_id, looked(referral, viewer, decision))
    return referral, viewed(referral.id, transfer, permitted)


async def list_transfers(
    stores: Stores, asker: Asker, cursor: str | None, limit: int
) -> tuple[list[TransferView], str | None]:
    """A page of the proposals that wait: from the viewer's Hub and to it; for operators all. Without
    those of young people for whom the viewer is marked as unsafe."""
    where = {"transfer.status": "waiting", **listed_transfers(asker.viewer)}
    if unsafe := await stores.unsafe_for(person_of(asker.viewer).names):
        where["subject_id"] = {"$nin": unsafe}
    found, following = await stores.page(where, cursor, limit)
    return [viewed(r.id, r.transfer) for r in found if r.transfer is not None], following


async def _theirs(
    stores: Stores, asker: Asker, referral_id: str, action: Action
) -> tuple[Referral, Subject, Transfer]:
    caller, viewer = asker
    found = await find(stores, referral_id)
    if found is None or found.referral.transfer is None:
        raise await refuse(stores, caller, viewer, referral_id, action, "not_there")
    referral, subject = found
    verdict = decide(action, person_of(viewer), of_transfer(referral, action, subject))
    if not verdict.allowed:
        raise await refuse(stores, caller, viewer, referral_id, action, refusal_of(verdict))
    return referral, subject, found.referral.transfer
