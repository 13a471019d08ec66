"""The lists of what is kept, a page at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.web.registering.choosing import LISTS, name_of
from services.web.registering.kinds import KINDS
from services.web.visit import Visit
from services.web.words import label
from shared.errors import NotFound

FEW = 50


@dataclass(frozen=True)
class Row:
    """One entry: its id, what it is called, what else a list says of it."""

    id: str
    name: str
    cells: Sequence[str]


def _agency(each: Mapping[str, Any]) -> list[str]:
    claimed = each["claimed_kind"]
    kind = label(each["kind"], "agency_kind")
    if claimed:
        kind += f"; says it is: {label(claimed, 'agency_kind')}"
    return [kind, ", ".join(each["areas"]), "In use" if each["active"] else "Not in use"]


def _area(each: Mapping[str, Any]) -> list[str]:
    state = "Retired" if each["retired"] else "In use"
    return [", ".join(each["aliases"]), each["hub_id"] or "No Hub", state]


def _hub(each: Mapping[str, Any]) -> list[str]:
    return [", ".join(each["areas"])]


# What the columns are called, and what is in them.
COLUMNS: dict[str, tuple[Sequence[str], Callable[[Mapping[str, Any]], list[str]]]] = {
    "agencies": (("Kind", "Areas", "State"), _agency),
    "areas": (("Other names", "Hub", "State"), _area),
    "hubs": (("Areas",), _hub),
}


async def list_of(visit: Visit, name: str, cursor: str | None, only: str | None) -> dict[str, Any]:
    """A page of a list; of the agencies also those only whose kind nobody has confirmed."""
    if name not in COLUMNS:
        raise NotFound
    service, path, many, one = LISTS[name]
    asked = {"kind_confirmed": "false"} if only and name == "agencies" else {}
    found = await visit.api.get(service, path, cursor=cursor, limit=FEW, **asked)
    heads, cells = COLUMNS[name]
    rows = [Row(each[one], name_of(each, one), cells(each)) for each in found[many]]
    shown = {"kind": KINDS[name], "which": name, "only": only, "heads": heads, "rows": rows}
    return {**shown, "next": found["next"]}
