"""A consent that is not understood whole: it never opens anything, and a no stays a no. Pure."""

from collections.abc import Collection
from typing import Any

from services.referral.documents import ConsentEntry
from services.referral.reading.marks import Path, aside
from services.referral.reading.tree import Tree
from shared.rules.consents import NO
from shared.rules.sharing import CATEGORIES

# Implied is how some forms call a yes that nobody gave.
NO_NO = ("given", "not_asked", "implied")


def is_consent(path: Path) -> bool:
    return len(path) >= 2 and path[0] == "consents"


def careful(tree: Tree, place: Path, faulty: Collection[Path]) -> None:
    """Take a consent with these faults (its own members) as what can't be wrong.

    A yes may have had an end, a condition, somebody it was not about: it is taken out, for a
    practitioner to ask and record. Anything else counts as a no, as widely as it may be meant: a
    no that is lost would leave an older yes in force.
    """
    entry = tree.get(place)
    sent = tree.original(place)
    if not isinstance(entry, dict) or entry.get("status", "given") in NO_NO:
        tree.asides.append(aside(place, "yes_not_taken", sent))
        tree.take(place)
        return
    no, taken_as = _no(entry, {path[len(place)] for path in faulty if len(path) > len(place)})
    tree.asides.append(aside(place, "taken_as_a_no", sent, taken_as))
    tree.put(place, no)


def _no(entry: dict[str, Any], faulty: Collection[Any]) -> tuple[dict[str, Any], str]:
    odd = {*faulty}
    if odd & {"agency_ids", "agency_kinds"}:
        odd |= {"agency_ids", "agency_kinds"}  # everyone
    known = {n: v for n, v in entry.items() if n in ConsentEntry.model_fields and n not in odd}
    widest = {"given_by": "young_person", "categories": list(CATEGORIES)}
    status = entry["status"] if entry["status"] in NO else "refused"
    return {**{n: v for n, v in widest.items() if n in odd}, **known, "status": status}, status
