"""What is shown of a proposal to whom: the other Hub is not yet the young person's. Pure."""

from collections.abc import Collection

from services.referral.access import Viewer
from services.referral.records import Referral, Transfer
from services.referral.transfers.request import TransferView
from shared.events.records import RecordViewed
from shared.rules.sharing import POLICY_VERSION, Category, Decision, Request

# What of a young person the other Hub may be told before it says yes, if the rules of sharing permit
# it, and what for.
TOLD: tuple[Category, ...] = ("identity", "risk")
PURPOSE = "direct_work"


def before_it_says_yes(referral: Referral, transfer: Transfer) -> Request:
    """What the other Hub would be told as things are: decided like any sharing of the Hub that has it."""
    return Request(
        sharer=transfer.from_hub_id,
        taken_over_at=referral.transferred_at,
        referrer_id=referral.agency_id,
        agency_id=transfer.to_hub_id,
        agency_kind="hub",
        purpose=PURPOSE,
        categories=TOLD,
    )


def viewed(
    referral_id: str, transfer: Transfer, permitted: Collection[Category] = ()
) -> TransferView:
    """The proposal for somebody who may know these categories of the young person."""
    fields = transfer.model_dump(include=set(TransferView.model_fields))
    if "risk" not in permitted:
        fields["level"] = None
    if "identity" not in permitted:
        fields["age_band"] = None
    return TransferView(referral_id=referral_id, **fields)


def looked(referral: Referral, viewer: Viewer, decision: Decision | None) -> RecordViewed:
    """The event of a look at it; `decision` is of what the other Hub is shown."""
    return RecordViewed(
        referral_id=referral.id,
        subject_id=referral.subject_id,
        viewer_kind="operator" if viewer.role == "operator" else "hub_manager",
        viewer_id=viewer.id,
        purpose=PURPOSE,
        verdicts=decision.verdicts if decision else (),
        safety_hold=False,
        policy_version=POLICY_VERSION,
        part="transfer",
    )
