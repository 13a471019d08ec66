"""Tallies in a full export: what each service says it has sent, against what is there.

A tally names the events that the broker had confirmed before it. One that is no entry of the export
was lost, or was sent again later than the export was made: it is missing, and nobody is accused.
"""

from collections.abc import Iterable
from typing import Any

from services.audit.verify.verdicts import CannotVerify, first_of

TALLIED = "trail.tallied"


def check_tallies(entries: Iterable[tuple[int, dict[str, Any]]]) -> str:
    """What was found, in words, of the entries of an export that verifies. Raises `CannotVerify`
    naming what a tally lists and no entry holds, or where nobody has tallied."""
    there: set[str] = set()
    said: dict[str, tuple[str, int]] = {}
    newest: dict[str, int] = {}
    tallies = 0
    for seq, event in entries:
        there.add(str(event.get("id")))
        if event.get("type") == TALLIED:
            tallies += 1
            service = str(event.get("source")).rpartition("/")[2]
            newest[service] = seq
            data = event.get("data")
            ids = data.get("event_ids") if isinstance(data, dict) else None
            if not isinstance(ids, list):
                raise CannotVerify(f"the tally in entry {seq} can't be read")
            for one in ids:
                said.setdefault(str(one), (service, seq))
    lacking = [
        f"{one} of {service}, tallied in entry {seq}, is no entry"
        for one, (service, seq) in said.items()
        if one not in there
    ]
    if lacking:
        raise CannotVerify(
            f"{len(lacking)} of {len(said)} tallied events are missing: "
            + "; ".join(first_of(lacking))
        )
    if not tallies:
        raise CannotVerify("there is no tally: nothing says which events there should be")
    until = ", ".join(f"{service} up to entry {seq}" for service, seq in sorted(newest.items()))
    return (
        f"all {len(said)} events that {tallies} tallies list are entries; tallied is {until}; "
        "of what came later, and of what a service did not tally, nothing is said"
    )
