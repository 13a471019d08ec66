"""What the trail tells operators: counters, its size, how far behind it is, and its alarms."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from weakref import WeakSet

from opentelemetry import metrics

from services.audit.log.unsealed import Unsealed
from shared.messaging.marks import Break
from shared.operating.telemetry import counter, log

_meter = metrics.get_meter("hub-and-spoke")
_appended = counter("hub.trail.appended", "Entries appended, by type")
_size = _meter.create_gauge("hub.trail.size", description="Entries that count")
_watched: "WeakSet[Unsealed]" = WeakSet()
_lag = _meter.create_gauge(
    "hub.trail.lag", unit="s", description="Age of the newest event when it was recorded"
)
_faults = counter("hub.trail.faults", "Faults found in the trail, by code")
_conflicts = counter("hub.trail.conflicts", "Event ids with other bytes")
_replaced = counter(
    "hub.trail.streams_replaced", "Feeds that were not the one read before, by reason"
)
_missing = _meter.create_gauge(
    "hub.trail.missing", description="Events that a service has tallied and that are no entries"
)
_tally_age = _meter.create_gauge(
    "hub.trail.tally_age",
    unit="s",
    description="Age of the newest tally of the most silent service",
)
_checkpoint_age = _meter.create_gauge(
    "hub.trail.checkpoint_age", unit="s", description="Age of the newest checkpoint"
)
_checked = _meter.create_gauge("hub.trail.checked", description="Entries checked in this pass")


def _unsealed(_: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
    return [metrics.Observation(max((one.seconds() for one in _watched), default=0.0))]


# Asked for by whoever exports, not told by the signer: a signer that hangs would tell nothing.
_meter.create_observable_gauge(
    "hub.trail.unsealed",
    [_unsealed],
    unit="s",
    description="Age of the oldest entry that no checkpoint covers",
)


def watch(unsealed: Unsealed) -> None:
    """Export how long entries of this trail wait for a checkpoint."""
    _watched.add(unsealed)


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


def checkpoint(age: timedelta) -> None:
    """How long ago the newest checkpoint was signed; where nothing is added it may be long."""
    _checkpoint_age.set(age.total_seconds())


def conflict(event_id: str) -> None:
    """An alarm: one event id came with two contents."""
    _conflicts.add(1)
    log.error("trail.conflict", event_id=event_id)


def stream_replaced(found: Break) -> None:
    """An alarm: the broker lost the feed, and with it perhaps events that the trail had not read."""
    _replaced.add(1, {"reason": found.reason})
    log.error("trail.stream_replaced", reason=found.reason, count=found.read.offset)


def fault(code: str, at: int) -> None:
    """An alarm: the store doesn't hold what was written to it."""
    _faults.add(1, {"code": code})
    log.error("trail.fault", code=code, count=at)


def checked(entries: int) -> None:
    """How far the running self-check has come."""
    _checked.set(entries)


def complete(missing: int, silent: timedelta) -> None:
    """An alarm while events lack, or while a service tallies no more, or never did."""
    _missing.set(missing)
    _tally_age.set(silent.total_seconds())
    if missing:
        log.error("trail.incomplete", count=missing)
