"""Faults found in the trail, and their event. Pure."""

from datetime import datetime

from shared.events.trail import TrailIntegrityFailed
from shared.storage.records import Record


class Fault(Record):
    """Something in the store that is not what was written. Recorded once for each place."""

    code: str
    seq: int
    frozen: bool
    found_at: datetime


def integrity_failed(fault: Fault) -> TrailIntegrityFailed:
    """The event of a fault."""
    return TrailIntegrityFailed(code=fault.code, seq=fault.seq, frozen=fault.frozen)
