"""All types of events. Importing this is what makes every one of them readable in a process."""

from shared.events import (
    EVENT_TYPES,
    EventData,
    absence,
    accounts,
    advice,
    agency,
    allocation,
    areas,
    casework,
    delivery,
    directory,
    erasure,
    goals,
    intelligence,
    joining,
    mistaken,
    notification,
    notify,
    parents,
    parked,
    participation,
    plans,
    records,
    referral,
    risk,
    rota,
    sharing,
    subject,
    tracing,
    trail,
    transfer,
    unsafe,
    workers,
)

MODULES = (
    *(
        agency,
        areas,
        referral,
        transfer,
        erasure,
        subject,
        sharing,
        joining,
        mistaken,
        parents,
        records,
        risk,
        workers,
        allocation,
        casework,
        goals,
        participation,
        intelligence,
        advice,
        plans,
    ),
    *(notify, notification, delivery, trail, tracing, accounts, unsafe, rota, absence, directory),
    parked,
)


def event_types() -> dict[str, type[EventData]]:
    """Type to the class of its data, sorted by type."""
    return {name: EVENT_TYPES[name] for name in sorted(EVENT_TYPES)}
