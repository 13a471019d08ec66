"""What the trail tells operators: counters, its size, how far behind it is, and its alarms."""

from collections.abc import Iterable
from datetime import datetime

from opentelemetry import metrics

from shared.telemetry import log

_meter = metrics.get_meter("hub-and-spoke")
_appended = _meter.create_counter("hub.trail.appended", description="Entries appended, by type")
_size = _meter.create_gauge("hub.trail.size", description="Entries that count")
_lag = _meter.create_gauge(
    "hub.trail.lag", unit="s", description="Age of the newest event when it was recorded"
)
_faults = _meter.create_counter(
    "hub.trail.faults", description="Faults found in the trail, by code"
)
_conflicts = _meter.create_counter("hub.trail.conflicts", description="Event ids with other bytes")
_checked = _meter.create_gauge("hub.trail.checked", description="Entries checked in this pass")


def appended(types: Iterable[str], size: int) -> None:
    """Count appended entries."""
    for event_type in types:
        _appended.add(1, {"type": event_type})
    _size.set(size)


def lag(event_time: str | None, recorded_at: datetime) -> None:
    """How far the trail is behind. Near the stream's retention (30 days) events would be lost."""
    try:
        at = datetime.fromisoformat(event_time or "")
    except ValueError:
        return  # a stranger's event: its time is no time
    if at.tzinfo is not None:
        _lag.set((recorded_at - at).total_seconds())


def conflict(event_id: str) -> None:
    """An alarm: one event id came with two contents."""
    _conflicts.add(1)
    log.error("trail.conflict", event_id=event_id)


def fault(code: str, at: int) -> None:
    """An alarm: the store doesn't hold what was written to it."""
    _faults.add(1, {"code": code})
    log.error("trail.fault", code=code, count=at)


def checked(entries: int) -> None:
    """How far the running self-check has come."""
    _checked.set(entries)
