"""A referral goes to another Hub: proposed, answered within a clock, and then theirs. Pure.

Until the other Hub accepts, whoever has the referral is responsible for it, works on it and may end
it; what the other knows of it is in the proposal.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.referral.areas.rule import Place, fields_of
from services.referral.records import ENDED, Amendment, Referral, Transfer, not_erased, snapshot
from services.referral.transfers.clock import proposed_before, time_to_answer
from services.referral.transfers.request import TransferEntry
from shared.errors import Malformed, NotFound, Refused
from shared.events.referral import ReferralAmended
from shared.events.transfer import (
    ReferralTransferred,
    TransferEnd,
    TransferEnded,
    TransferProposed,
    TransferRefusal,
    TransferUnanswered,
)
from shared.rules.calendars import due_at
from shared.storage.records import Change, changed, unchanged


@dataclass(frozen=True)
class Proposal:
    """What was entered, by whom and for which Hub, where the young person moves to (None: nowhere),
    and what is known of Hubs: which there are, and which serves each area."""

    entry: TransferEntry
    by: str
    from_hub_id: str
    moves_to: Place | None
    hubs: Collection[str]
    served: Mapping[str, str]


def waiting(referral: Referral) -> Transfer | None:
    """The proposal that waits for an answer, if there is one."""
    found = referral.transfer
    return found if found is not None and found.status == "waiting" else None


def propose(referral: Referral, given: Proposal, at: datetime) -> Change[Referral]:
    """The referral with the proposal, of which there is one at a time. The same again changes nothing.

    Raises `Refused` for one that has ended, for a Hub that is not there or has it already, where
    another proposal waits, where several were taken back in the last day, and for an area that the
    other Hub does not serve.
    """
    not_erased(referral)
    if referral.status in ENDED:
        raise Refused("not_from_here", "What has ended is not transferred.", state=referral.status)
    entry, standing = given.entry, waiting(referral)
    area = _area(referral, given)
    if standing is not None:
        said = (standing.to_hub_id, standing.reason, standing.area, standing.from_hub_id)
        if said == (entry.to_hub_id, entry.reason, area, given.from_hub_id):
            return unchanged(referral)
        raise Refused("transfer_waits", "A transfer waits for its answer: take it back first.")
    before = proposed_before(referral, at)
    transfer = Transfer(
        from_hub_id=given.from_hub_id,
        to_hub_id=entry.to_hub_id,
        reason=entry.reason,
        area=area,
        moves=area != referral.area,
        urgency=referral.urgency,
        level=referral.level,
        age_band=referral.age_band,
        proposed_by=given.by,
        proposed_at=at,
        answer_by=at + time_to_answer(referral.level, referral.urgency),
        proposed_before=before,
    )
    event = TransferProposed(**_said(referral, transfer), answer_by=transfer.answer_by)
    return changed(referral, event, transfer=transfer)


def _area(referral: Referral, given: Proposal) -> str:
    entry, here = given.entry, given.moves_to
    if entry.to_hub_id not in given.hubs:
        raise Refused("hub_unknown", "No Hub of this id is registered.")
    if entry.to_hub_id in (given.from_hub_id, referral.hub_id):
        raise Refused("same_hub", "That Hub has this referral already.")
    if here is None:
        if entry.reason == "moving_area":
            raise Malformed("/area", "missing", "Say which area the young person moves to.")
        return referral.area
    if not here.known:
        near = ", ".join(one.code for one in here.near)
        raise Refused("area_unknown", "No area of the register is called so.", near=near)
    if given.served.get(here.code) != entry.to_hub_id:
        raise Refused("area_of_another_hub", "The Hub that gets the referral serves no such area.")
    return here.code


def accept(referral: Referral, by: str, at: datetime) -> Change[Referral]:
    """The referral is the other Hub's, in one write: who had it has it no longer, its clock begins
    anew by its urgency, and the area is where the young person moves to. Twice is once. Raises what
    `answerable` raises."""
    transfer = referral.transfer
    if transfer is not None and transfer.status == "accepted":
        return unchanged(referral)
    transfer = answerable(referral)
    moved = _moved(referral, transfer, by, at)
    after = referral.but(
        **moved,
        status="accepted",
        reason=None,
        outcome=None,
        changed_at=at,
        hub_id=transfer.to_hub_id,
        worker_id=None,
        holder_id=None,
        due_at=due_at(referral.urgency, at, referral.nation),
        overdue=False,
        transfers=referral.transfers + 1,
        transferred_at=at,
        transfer=transfer.model_copy(update={"status": "accepted"}),
    )
    said = {**_said(referral, transfer), "hub_id": after.hub_id, "worker_id": None}
    event = ReferralTransferred(
        **said,
        agency_id=referral.agency_id,
        from_hub_id=transfer.from_hub_id,
        from_worker_id=referral.worker_id,
        from_holder_id=referral.holder_id,
        transfers=after.transfers,
        transferred_at=at,
        due_at=after.due_at,
        reopenings=after.reopenings,
    )
    # The new clock, and the area, are of the snapshot that others keep by its version.
    amended = ("due_at", "area") if moved else ("due_at",)
    return Change(after, (event, ReferralAmended(**snapshot(after), amended=amended)))


def _moved(referral: Referral, transfer: Transfer, by: str, at: datetime) -> dict[str, Any]:
    if not transfer.moves or transfer.area == referral.area:
        return {}
    past = Amendment(at=at, by=by, fields=("area",), was={"area": referral.area})
    where = fields_of(Place(transfer.area), None, referral.warnings)
    return {**where, "amendments": (*referral.amendments, past)}


def decline(referral: Referral, refusal: TransferRefusal) -> Change[Referral]:
    """The other Hub does not take it. Twice is once."""
    transfer = referral.transfer
    if transfer is not None and (transfer.status, transfer.refusal) == ("declined", refusal):
        return unchanged(referral)
    return _ended(referral, answerable(referral), "declined", refusal)


def take_back(referral: Referral) -> Change[Referral]:
    """Who proposed it keeps it after all. Twice is once."""
    if referral.transfer is not None and referral.transfer.status == "taken_back":
        return unchanged(referral)
    return _ended(referral, answerable(referral), "taken_back")


def settled(change: Change[Referral]) -> Change[Referral]:
    """With the end of a proposal that lost its ground by this change: the referral has ended, or
    another Hub has it than the one that proposed it."""
    after, transfer = change.after, waiting(change.after)
    if transfer is None:
        return change
    if after.hub_id in (None, transfer.from_hub_id) and after.status not in ENDED:
        return change
    over = _ended(after, transfer, "over")
    return Change(over.after, (*change.events, *over.events), change.due)


def remind(referral: Referral, at: datetime) -> Change[Referral]:
    """Nobody has answered in time: the next one is told, and the same time runs again."""
    transfer = waiting(referral)
    if transfer is None or at < transfer.answer_by:
        return unchanged(referral)
    again = transfer.model_copy(
        update={
            "reminders": transfer.reminders + 1,
            "answer_by": at + time_to_answer(transfer.level, transfer.urgency),
        }
    )
    event = TransferUnanswered(
        **_said(referral, transfer),
        tells_side="operators" if transfer.reminders else "hub",
        answer_by=transfer.answer_by,
    )
    return changed(referral, event, transfer=again)


def answerable(referral: Referral) -> Transfer:
    """The proposal that waits. Raises `NotFound` where there was none, `Refused` where it is over."""
    if referral.transfer is None:
        raise NotFound("transfer")
    transfer = waiting(referral)
    if transfer is None:
        over = referral.transfer.status
        raise Refused("transfer_over", "This proposal waits for nobody any more.", status=over)
    return transfer


def _ended(
    referral: Referral,
    transfer: Transfer,
    ended: TransferEnd,
    refusal: TransferRefusal | None = None,
) -> Change[Referral]:
    event = TransferEnded(**_said(referral, transfer), ended=ended, refusal=refusal)
    over = transfer.model_copy(update={"status": ended, "refusal": refusal})
    return changed(referral, event, transfer=over)


def _said(referral: Referral, transfer: Transfer) -> dict[str, Any]:
    return {
        "referral_id": referral.id,
        "subject_id": referral.subject_id,
        "worker_id": referral.worker_id or referral.holder_id,
        "hub_id": transfer.from_hub_id,
        **transfer.model_dump(include={"to_hub_id", "reason", "urgency"}),
    }
