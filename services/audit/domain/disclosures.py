"""The accounting of disclosures: who shared what with whom, on which ground, and what was not. Pure.

One line for each thing that was shared, withheld, viewed, refused or asked, read from the entries
that name a subject or an agency. The dependency on other services' events is thin on purpose: it
goes by event type and by the names of fields, and an event with more or fewer fields still counts.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from services.audit.domain.fields import SNAPSHOT, fields_of

Kind = Literal["shared", "withheld", "viewed", "refused", "received", "permitted", "asked"]

KINDS: Mapping[str, Kind] = {
    "referral.received": "received",
    "notification.created": "shared",
    "notification.withheld": "withheld",
    "record.viewed": "viewed",
    "record.refused": "refused",
    "sharing.basis_recorded": "permitted",
    "sharing.withheld": "withheld",
    "sharing.basis_ended": "withheld",
    "sharing.safety_marked": "withheld",
    "consent.recorded": "permitted",
    "trail.queried": "asked",
}


class Disclosure(BaseModel):
    """One line of the accounting; `seq` is the entry that proves it."""

    model_config = ConfigDict(frozen=True)

    seq: int
    at: str
    kind: Kind
    by: str
    referral_id: str | None
    recipients: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    grounds: tuple[str, ...] = ()
    agreements: tuple[str, ...] = ()
    purpose: str | None = None
    withheld: tuple[str, ...] = ()


def disclosure_of(seq: int, event: Mapping[str, Any], recorded_at: str) -> Disclosure | None:
    """The line of an entry, or None where nothing was disclosed, asked or refused."""
    kind: Kind | None = KINDS.get(str(event.get("type")))
    data = event.get("data")
    if kind is None or not isinstance(data, dict):
        return None
    fields = fields_of(dict(event))
    verdicts = [v for v in data.get("verdicts") or () if isinstance(v, dict)]
    if verdicts and not any(v.get("permitted") for v in verdicts):
        kind = "withheld"
    viewer = [str(event["actor"])] if kind in ("viewed", "refused", "asked") else []
    return Disclosure(
        seq=seq,
        at=recorded_at,
        kind=kind,
        by=str(event.get("actor")),
        referral_id=fields.get("referral_id"),
        recipients=tuple(fields.get("recipient", viewer)),
        categories=_permitted(verdicts) or _named(data, "categories"),
        grounds=tuple(fields.get("ground", ())),
        agreements=_named(data, "agreement_id", "agreement", "agreements"),
        purpose=data["purpose"] if isinstance(data.get("purpose"), str) else None,
        withheld=_withheld(data),
    )


def _permitted(verdicts: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(str(v.get("category")) for v in verdicts if v.get("permitted"))


def _named(value: Any, *names: str) -> tuple[str, ...]:
    """Every text under one of these names, wherever it is, sorted."""
    return tuple(sorted(set(_texts(value, frozenset(names), False))))


def _texts(value: Any, names: frozenset[str], wanted: bool) -> list[str]:
    if isinstance(value, str):
        return [value] if wanted else []
    if isinstance(value, dict):
        inner = ((k, v) for k, v in value.items() if k != SNAPSHOT)
        return [t for k, v in inner for t in _texts(v, names, k in names)]
    if isinstance(value, list):
        return [t for v in value for t in _texts(v, names, wanted)]
    return []


def _withheld(data: Mapping[str, Any]) -> tuple[str, ...]:
    """`category: reason` for what was withheld item by item, else the reasons alone."""
    items = [item for item in _dicts(data) if "category" in item and item.get("reason")]
    if items:
        return tuple(sorted({f"{item['category']}: {item['reason']}" for item in items}))
    return _named(data, "reason", "reasons", "withheld_reason")


def _dicts(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value, *(found for inner in value.values() for found in _dicts(inner))]
    if isinstance(value, list):
        return [found for inner in value for found in _dicts(inner)]
    return []
