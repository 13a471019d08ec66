"""What a search of the trail is narrowed to. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.audit.search.fields import BUT
from shared.rules.relations import Relation

NAMING = ("subject_id", "agency", "recipient", "worker", "actor", "asked")


@dataclass(frozen=True)
class Scope:
    """What a caller's search is narrowed to, and whether leaves are shown."""

    where: Mapping[str, Any]
    leaves: bool


def scope_of(
    relation: Relation,
    where: Mapping[str, Any],
    agency_id: str | None,
    hidden: frozenset[str] = frozenset(),
) -> Scope:
    """An agency sees that entries concerning it exist, in words and with their hash for a proof,
    but not the leaf: a leaf names the subject, and that would tell who is known elsewhere. Who else
    may search sees what they asked for whole. Nobody sees what is `hidden` from them."""
    if hidden:
        where = {**where, BUT: hidden}
    if relation == "own_agency":
        # Whom else an entry names its words don't say, so neither does what it is found by.
        others = {where.get(name) for name in NAMING} - {None, agency_id, f"agency:{agency_id}"}
        agency_id = "" if others or agency_id is None else agency_id
        return Scope({**where, "informed": agency_id}, leaves=False)
    return Scope(where, leaves=True)
