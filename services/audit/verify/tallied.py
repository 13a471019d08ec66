"""Tallies in a full export: what each service says it has sent, against what is there, both ways.

A tally names the events that the broker had confirmed before it. One that is no entry of the export
was lost, or was sent again later than the export was made: it is missing, and nobody is accused. An
entry that its service never tallied was not emitted by it: somebody else published it in its name, or
wrote it where entries are; or the service lost its word of it, as by a restore.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from services.audit.verify.verdicts import CannotVerify, first_of

TALLIED = "trail.tallied"
# Much of what the trail says it writes itself, and tallies none of that.
TRAIL = "audit"


@dataclass
class _Said:
    """What the entries say: each event's first place by its service, and each tally's place and ids."""

    there: dict[str, dict[str, int]] = field(default_factory=dict)
    tallies: dict[str, list[int]] = field(default_factory=dict)
    tallied: dict[str, tuple[str, int]] = field(default_factory=dict)

    def read(self, seq: int, event: dict[str, Any]) -> None:
        service = str(event.get("source")).rpartition("/")[2]
        self.there.setdefault(service, {}).setdefault(str(event.get("id")), seq)
        if event.get("type") != TALLIED:
            return
        self.tallies.setdefault(service, []).append(seq)
        data = event.get("data")
        ids = data.get("event_ids") if isinstance(data, dict) else None
        if not isinstance(ids, list):
            raise CannotVerify(f"the tally in entry {seq} can't be read")
        for one in ids:
            self.tallied.setdefault(str(one), (service, seq))

    def lacking(self) -> list[str]:
        """What is tallied and no entry."""
        there = {one for ids in self.there.values() for one in ids}
        return [
            f"{one} of {service}, tallied in entry {seq}, is no entry"
            for one, (service, seq) in self.tallied.items()
            if one not in there
        ]

    def unnamed(self) -> list[str]:
        """What is an entry between the first tally of its service and the last but one, and in none of
        them: an event stands in the tally after it, or, if that one was under way, in the next."""
        return [
            f"entry {seq}, {one} of {service}"
            for service, places in self.tallies.items()
            if service != TRAIL and len(places) > 2
            for one, seq in self.there[service].items()
            if places[0] < seq < places[-2]
            if self.tallied.get(one, ("", 0))[0] != service
        ]


def check_tallies(entries: Iterable[tuple[int, dict[str, Any]]]) -> str:
    """What was found, in words, of the entries of an export that verifies. Raises `CannotVerify`
    naming what a tally lists and no entry holds, what its service never tallied, or where nobody has
    tallied."""
    said = _Said()
    for seq, event in entries:
        said.read(seq, event)
    if lacking := said.lacking():
        raise CannotVerify(
            f"{len(lacking)} of {len(said.tallied)} tallied events are missing: "
            + "; ".join(first_of(lacking))
        )
    if not said.tallies:
        raise CannotVerify("there is no tally: nothing says which events there should be")
    if unnamed := said.unnamed():
        raise CannotVerify(
            f"{len(unnamed)} entries are in no tally of the service that they name, as if somebody"
            " else had made them: " + "; ".join(first_of(unnamed))
        )
    until = ", ".join(f"{name} up to entry {at[-1]}" for name, at in sorted(said.tallies.items()))
    tallies = sum(map(len, said.tallies.values()))
    return (
        f"all {len(said.tallied)} events that {tallies} tallies list are entries, and each entry that"
        f" a tally should list is listed; tallied is {until}; of what came later, of what the trail"
        " itself wrote, and of what a service did not tally, nothing is said"
    )
