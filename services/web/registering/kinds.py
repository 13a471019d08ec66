"""What is kept of each kind, where it is, and who changes it: a page's view, the APIs decide."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.web.forms import Ask
from services.web.registering.asks import (
    agency_asks,
    area_asks,
    conflict_asks,
    exception_asks,
    hub_asks,
    leave_asks,
    reduction_asks,
    rota_asks,
    span_asks,
    worker_asks,
)
from services.web.visit import Visit

Entry = Mapping[str, Any]
Asks = Callable[[Visit, Entry], Awaitable[list[Ask]]]


@dataclass(frozen=True)
class Part:
    """A list within an entry, of which one line is changed at a time."""

    title: str
    one: str
    asks: Asks


@dataclass(frozen=True)
class Kind:
    """One kind of entry: what it is called, its API, its questions, who changes it and makes new ones.
    `apart`: what an API shows beside the entry."""

    title: str
    one: str
    service: str
    path: str
    asks: Asks
    by: Sequence[str] = ("operator",)
    new_by: Sequence[str] = ("operator",)
    apart: Sequence[str] = ()
    parts: Mapping[str, Part] = field(default_factory=dict)

    def entry(self, body: Entry) -> dict[str, Any]:
        """What is sent to change it, of what is shown."""
        inner = body.get("entry", body)
        return {name: value for name, value in inner.items() if name not in self.apart}


KINDS = {
    "agencies": Kind(
        "Agencies",
        "an agency",
        "referral",
        "/v1/agencies/{}",
        agency_asks,
        by=("operator", "agency"),
        apart=("claimed_kind",),
    ),
    "areas": Kind(
        "Areas",
        "an area",
        "referral",
        "/v1/areas/{}",
        area_asks,
        apart=("code", "hub_id", "revision"),
    ),
    "hubs": Kind(
        "Hubs",
        "a Hub",
        "allocation",
        "/v1/hubs/{}",
        hub_asks,
        by=("operator", "hub_manager"),
        apart=("id", "revision"),
    ),
    "rotas": Kind(
        "Rotas",
        "a rota",
        "allocation",
        "/v1/hubs/{}/rota",
        rota_asks,
        by=("operator", "hub_manager"),
        new_by=(),
        parts={
            "spans": Part("Times of duty", "a time of duty", span_asks),
            "exceptions": Part(
                "Days that are different", "a day that is different", exception_asks
            ),
        },
    ),
    "workers": Kind(
        "Workers",
        "a worker",
        "allocation",
        "/v1/workers/{}",
        worker_asks,
        by=("operator", "hub_manager"),
        new_by=("operator", "hub_manager"),
        parts={
            "leave": Part("Leave", "leave", leave_asks),
            "reductions": Part("Times with fewer cases", "a time with fewer cases", reduction_asks),
            "conflicts": Part("Conflicts of interest", "a conflict of interest", conflict_asks),
        },
    ),
}
