"""What operators see of all referrals: how many are in each state."""

from typing import get_args

from opentelemetry import metrics

from services.referral.store import Stores
from shared.events.codes import ReferralStatus

_referrals = metrics.get_meter("hub-and-spoke").create_gauge(
    "hub.referrals", description="Referrals, by state"
)


async def count_referrals(stores: Stores) -> None:
    """Count them anew."""
    for status in get_args(ReferralStatus):
        count = await stores.referrals.collection.count_documents({"status": status})
        _referrals.set(count, {"state": status})
