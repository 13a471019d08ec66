"""HTTP in: what moves a referral on."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Response

from services.referral.acting import Asker, tag_for
from services.referral.callers import ByViewer, OnStores, ReferralId
from services.referral.documents import Incoming
from services.referral.intake.receipt import Receipt, receipt
from services.referral.lifecycle.reopening import take_step
from services.referral.lifecycle.states import Move, Who, at_case, move
from services.referral.records import Referral
from shared.clock import now
from shared.events.codes import ClosureOutcome, StatusReason
from shared.rules.relations import Relation
from shared.storage.records import Change
from shared.web.access import may
from shared.web.etags import IfMatch, tagged
from shared.web.problems import CONDITIONAL
from shared.web.tokens import AnyCaller

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
    "closure": Move("close"),
    "reopening": Move("reopen"),
    "entered-in-error": Move("enter_in_error"),
}


# Steps of work: they are taken where the case is.
AT_CASE: dict[Step, str] = {"hold": "hold", "resumption": "resume"}


class StepEntry(Incoming):
    """Why; and, when closing, what became of it."""

    reason: StatusReason | None = None
    outcome: ClosureOutcome | None = None

    def take(self, referral: Referral, step: Step, who: Who, at: datetime) -> Change[Referral]:
        """The referral after this step, as it was entered. Raises `Refused` with the way to the case
        where it is taken there."""
        if step in AT_CASE:
            raise at_case(referral, AT_CASE[step])
        given = Move(COMMANDS[step].command, self.reason, self.outcome)
        return move(referral, given, who, at)


@router.post("/v1/referrals/{referral_id}/steps/{step}", dependencies=[may("take_step")])
async def post_step(
    referral_id: ReferralId,
    step: Step,
    entry: StepEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> Receipt:
    """Take a referral one step further.

    Referrers withdraw, resubmit, reopen and mark as entered in error; the Hub does the rest. Which
    step is possible from which state, and which reasons it takes, docs/states.md shows as a table.
    To hold, to resume, and to close what a worker has, are steps of the case: `door` in the answer
    says where.
    """
    at = now()

    def rule(referral: Referral, stands: Relation) -> Change[Referral]:
        return entry.take(referral, step, "referrer" if stands == "referrer" else "hub", at)

    asker, reopens = Asker(caller, viewer), step == "reopening"
    referral = await take_step(stores, asker, referral_id, match, rule, reopens=reopens)
    tagged(response, tag_for(viewer)(referral))
    return receipt(referral)
