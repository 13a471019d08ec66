"""Entries of the trail as lines to read. Pure: the sentence is the trail's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ENDINGS = {"refused": "Refused", "withheld": "Withheld", "retracted": "Taken back"}
KINDS = {
    "record": "Looked at",
    "notification": "Told",
    "consent": "Ground",
    "sharing": "Ground",
    "risk": "Risk",
    "goal": "Goal",
    "referral": "Referral",
    "subject": "Who it is about",
    "access": "Refused",
    "allocation": "Worker",
    "worker": "Worker",
    "trail": "The trail",
}
HERE = "this referral"


@dataclass(frozen=True)
class Line:
    """One entry: its place, its time, what kind of thing it is, and its sentence. It stands out where
    something was refused, withheld or taken back."""

    seq: int
    at: str
    type: str
    kind: str
    stands_out: bool
    says: str


def line(entry: Mapping[str, Any], *, within: str = "") -> Line:
    """An entry as a line. `within` is the referral that all of them are about: not named each time."""
    event = str(entry["type"])
    begins, _, ending = event.partition(".")
    undone = ENDINGS.get(ending.rpartition("_")[2])
    kind = undone or KINDS.get(begins, "Network")
    says = str(entry["says"])
    said = says.replace(within, HERE) if within else says
    begins_with_id = "_" in said.partition(" ")[0]
    says = said if begins_with_id else said[:1].upper() + said[1:]
    return Line(entry["seq"], str(entry["recorded_at"]), event, kind, undone is not None, says)


def subject_in(entries: list[dict[str, Any]]) -> str | None:
    """The young person whom a story is about, if one of its entries names them."""
    for entry in reversed(entries):
        event = (entry.get("leaf") or {}).get("event") or {}
        if found := (event.get("data") or {}).get("subject_id"):
            return str(found)
    return None
