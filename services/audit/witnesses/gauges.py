"""What operators hear of witnesses."""

from datetime import timedelta

from opentelemetry import metrics

from shared.operating.telemetry import counter

_meter = metrics.get_meter("hub-and-spoke")
_age = _meter.create_gauge(
    "hub.trail.vouched_age",
    unit="s",
    description="Since enough witnesses have cosigned; 0 where none is demanded",
)
_elsewhere = counter(
    "hub.trail.cosigned_elsewhere",
    "Witnesses that vouched for a checkpoint this trail never signed",
)


def vouched(age: timedelta) -> None:
    """How long nobody has vouched for what came since."""
    _age.set(age.total_seconds())


def elsewhere() -> None:
    """An alarm: somebody was shown another history."""
    _elsewhere.add(1)
