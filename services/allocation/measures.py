"""What operators see of all cases: how many wait for somebody, and how long a worker took to find."""

from datetime import datetime
from typing import get_args

from opentelemetry import metrics

from services.allocation.casework.next_step import Only, found_by
from services.allocation.store import Stores
from shared.clock import now

_meter = metrics.get_meter("hub-and-spoke")
_cases = _meter.create_gauge(
    "hub.cases",
    description="Open cases that wait for a worker, are not answered yet, or have an overdue step",
)
_found = _meter.create_histogram(
    "hub.allocation.taken",
    unit="s",
    description="Seconds from a referral's receipt to its first worker",
    explicit_bucket_boundaries_advisory=(1, 2, 5, 10, 30, 60, 300, 3600, 86400, 604800),
)


async def count_cases(stores: Stores) -> None:
    """Count them anew."""
    for only in get_args(Only):
        count = await stores.allocations.collection.count_documents(found_by(only, now()))
        _cases.set(count, {"which": only})


def found(received_at: datetime, allocated_at: datetime) -> None:
    """Note how long a referral waited for its first worker."""
    _found.record(max(0.0, (allocated_at - received_at).total_seconds()))
