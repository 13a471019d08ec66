"""All types of events. Importing this is what makes every one of them readable in a process."""

from shared.events import (
    EVENT_TYPES,
    EventData,
    agency,
    allocation,
    notify,
    referral,
    risk,
    trail,
    workers,
)

MODULES = (agency, allocation, notify, referral, risk, trail, workers)


def event_types() -> dict[str, type[EventData]]:
    """Type to the class of its data, sorted by type."""
    return {name: EVENT_TYPES[name] for name in sorted(EVENT_TYPES)}
