"""HTTP in: what moves a referral on, adds to it, or erases it."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Response

from services.referral.domain.disclosure import ViewerKind
from services.referral.domain.incoming import AmendReferral, DiscussionEntry, Incoming
from services.referral.domain.receiving import amend, fields_to_reseal
from services.referral.domain.referrals import Referral, erase, record_discussion
from services.referral.domain.states import Move, move
from services.referral.routes.common import ByViewer, OnDesk, ReferralId, act, held
from services.referral.routes.intake import Receipt, receipt
from shared.clock import now
from shared.errors import Refused
from shared.etags import IfMatch, tagged
from shared.events.codes import ClosureOutcome, StatusReason
from shared.problems import CONDITIONAL
from shared.records import Change
from shared.tokens import AnyCaller

router = APIRouter(tags=["steps"], responses=CONDITIONAL)

Step = Literal[
    "screening",
    "acceptance",
    "rejection",
    "return",
    "signposting",
    "resubmission",
    "withdrawal",
    "hold",
    "resumption",
    "closure",
    "reopening",
    "entered-in-error",
]
COMMANDS: dict[Step, Move] = {
    "screening": Move("screen"),
    "acceptance": Move("accept"),
    "rejection": Move("reject"),
    "return": Move("return"),
    "signposting": Move("signpost"),
    "resubmission": Move("resubmit"),
    "withdrawal": Move("withdraw"),
    "hold": Move("hold"),
    "resumption": Move("resume"),
    "closure": Move("close"),
    "reopening": Move("reopen"),
    "entered-in-error": Move("enter_in_error"),
}


class StepEntry(Incoming):
    """Why; and, when closing, what became of it."""

    reason: StatusReason | None = None
    outcome: ClosureOutcome | None = None


@router.post("/v1/referrals/{referral_id}/steps/{step}")
async def post_step(
    referral_id: ReferralId,
    step: Step,
    entry: StepEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    desk: OnDesk,
    match: IfMatch,
    response: Response,
) -> Receipt:
    """Take a referral one step further.

    Referrers withdraw, resubmit, reopen and mark as entered in error; the Hub does the rest. Which
    step is possible from which state, and which reasons it takes, docs/states.md shows as a table.
    """
    at = now()
    given = Move(COMMANDS[step].command, entry.reason, entry.outcome)

    def rule(referral: Referral, kind: ViewerKind) -> Change[Referral]:
        return move(referral, given, "referrer" if kind == "referrer" else "hub", at)

    referral = await act(desk, caller, viewer, referral_id, given.command, match, rule)
    tagged(response, referral.version)
    return receipt(referral)


@router.post("/v1/referrals/{referral_id}/amendments")
async def post_amendment(
    referral_id: ReferralId,
    amendment: AmendReferral,
    caller: AnyCaller,
    viewer: ByViewer,
    desk: OnDesk,
    match: IfMatch,
    response: Response,
) -> Receipt:
    """Add or correct something after sending. What was there before is kept."""
    at = now()
    kinds: tuple[ViewerKind, ...] = ("referrer", "worker", "hub_manager")
    before = await held(desk, caller, viewer, referral_id, "amend", *kinds)
    _not_erased(before)
    fields = fields_to_reseal(amendment, len(before.amendments) + 1)
    sealed = await desk.vault.seal(referral_id, fields)

    def rule(referral: Referral, _: ViewerKind) -> Change[Referral]:
        _not_erased(referral)
        return amend(referral, amendment, sealed, caller.actor, at)

    referral = await act(desk, caller, viewer, referral_id, "amend", match, rule)
    tagged(response, referral.version)
    return receipt(referral)


@router.post("/v1/referrals/{referral_id}/discussion")
async def post_discussion(
    referral_id: ReferralId,
    entry: DiscussionEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    desk: OnDesk,
    match: IfMatch,
    response: Response,
) -> Receipt:
    """Record what was discussed with the young person and what they wish, or why it was not."""
    at = now()
    kinds: tuple[ViewerKind, ...] = ("referrer", "worker", "hub_manager")
    _not_erased(await held(desk, caller, viewer, referral_id, "record_discussion", *kinds))
    sealed = await desk.vault.seal(referral_id, {"discussion": entry.model_dump_json()})

    def rule(referral: Referral, _: ViewerKind) -> Change[Referral]:
        _not_erased(referral)
        return record_discussion(referral, entry, sealed, caller.actor, at)

    referral = await act(desk, caller, viewer, referral_id, "record_discussion", match, rule)
    tagged(response, referral.version)
    return receipt(referral)


class ErasureEntry(Incoming):
    """On which ground the personal data is destroyed."""

    reason: Literal["retention_ended", "right_to_erasure", "entered_in_error"]


class Erasure(Incoming):
    """The personal data can't be read any more, by anyone. The coded record and the trail stay."""

    id: str
    erased_at: datetime


@router.post("/v1/referrals/{referral_id}/erasure")
async def post_erasure(
    referral_id: ReferralId,
    entry: ErasureEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    desk: OnDesk,
    match: IfMatch,
) -> Erasure:
    """Destroy the key of a referral's personal data: for ever, everywhere. For Hub managers, and
    only once the referral has ended."""
    before = await held(desk, caller, viewer, referral_id, "erase", "hub_manager")
    _ended(before)
    at = now()

    def rule(referral: Referral, _: ViewerKind) -> Change[Referral]:
        _ended(referral)
        return erase(referral, entry.reason, at)

    # The record first: its tag decides. A crash before the key is destroyed leaves a key without
    # fields; the same request again, or the retention command, destroys it then.
    referral = await act(desk, caller, viewer, referral_id, "erase", match, rule)
    await desk.forget(referral)
    return Erasure(id=referral.id, erased_at=referral.erased_at or at)


def _not_erased(referral: Referral) -> None:
    if referral.erased_at is not None:
        raise Refused("erased", "The personal data of this referral was destroyed.")


def _ended(referral: Referral) -> None:
    if referral.status not in ("closed", "rejected", "signposted", "withdrawn", "entered_in_error"):
        raise Refused("still_open", "Only what has ended is erased.", state=referral.status)
