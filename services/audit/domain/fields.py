"""The fields an entry is searched by. A cache: a leaf gives the same fields again at any time. Pure.

Whatever a service calls it, a search for an agency finds every entry that names it: ids are found
by the name of their field anywhere in an event's data.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

# Search field to the names it goes by in data.
NAMES = {
    "agency": frozenset({"agency_id", "agencies", "agency_ids", "parties", "source_agency_id"}),
    "recipient": frozenset({"recipient_id", "recipients", "recipient_ids", "viewer_id"}),
    "worker": frozenset({"worker_id", "holding_worker_id", "from_worker_id", "decided_by"}),
    "hub": frozenset({"hub_id"}),
    "ground": frozenset({"ground", "grounds", "basis"}),
    "outcome": frozenset({"outcome", "decision", "withheld_reason"}),
}
_FIELD_OF = {name: field for field, names in NAMES.items() for name in names}
# The whole sharing state rides on many events; what it names is not what the event is about.
SNAPSHOT = "sharing"
# What an agency may be told of: never that it was found unsafe, nor that something was withheld.
TOLD = (
    *("referral.received", "referral.amended", "referral.status_changed", "referral.overdue"),
    *("allocation.made", "allocation.waiting", "record.viewed", "agency.registered"),
    *("notification.created", "notification.delivered", "notification.opened"),
    *("notification.failed", "notification.retracted"),
)
# In a filter these bound the time of recording; entries are in its order, so it needs no field.
TIMES = ("from", "to")
OUTCOME_OF_TYPE = ("withheld", "refused", "rejected", "failed", "conflict")


def fields_from(raw: bytes) -> dict[str, Any]:
    """The fields of a stored leaf. Raises `ValueError` or `KeyError` when it isn't one."""
    return fields_of(json.loads(raw)["event"])


def fields_of(event: dict[str, Any]) -> dict[str, Any]:
    """What the entry of this event is found by; `concerns` are the agencies that may be told of it."""
    data = event.get("data")
    data = data if isinstance(data, dict) else {}
    event_type: str = event["type"]
    found: dict[str, set[str]] = {}
    for name, value in _texts(data, ""):
        if (field := _FIELD_OF.get(name)) is not None:
            found.setdefault(field, set()).add(value)
    actor = event.get("actor")
    kind, _, identity = str(actor or "").partition(":")
    if kind in ("agency", "worker"):
        found.setdefault(kind, set()).add(identity)
    if (ending := event_type.rpartition(".")[2]) in OUTCOME_OF_TYPE:
        found.setdefault("outcome", set()).add(ending)
    fields: dict[str, Any] = {"type": event_type, "actor": actor}
    if event_type.startswith("trail."):
        found["asked"] = _asked(data)
    else:
        fields["referral_id"] = _text(data.get("referral_id")) or event["correlationid"]
        fields["subject_id"] = _text(data.get("subject_id"))
    if event_type in TOLD or event_type.startswith("agreement."):
        found["concerns"] = _concerned(data, kind, identity)
    lists = {name: sorted(values) for name, values in found.items() if values}
    return {**{n: v for n, v in fields.items() if isinstance(v, str)}, **lists}


def search_of(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields as an entry stores them: each as `name:value`, in one list.

    One index over one list: an index for each field made appending three times slower.
    """
    keys = [
        f"{name}:{one}"
        for name, value in sorted(fields.items())
        for one in (value if isinstance(value, list) else [value])
    ]
    return {"keys": keys}


def search_from(raw: bytes) -> dict[str, Any]:
    """What a stored leaf is found by. Raises as `fields_from`."""
    return search_of(fields_from(raw))


def query_of(where: Mapping[str, Any]) -> dict[str, Any]:
    """A search by field, as a query on what entries store. A list means: any of these."""
    query: dict[str, Any] = {}
    every = []
    for name, value in where.items():
        if name in TIMES:
            continue
        if isinstance(value, list):
            query["fields.keys"] = {"$in": [f"{name}:{one}" for one in value]}
        else:
            every.append(f"{name}:{value}")
    if every:
        query.setdefault("fields.keys", {})["$all"] = every
    return query


def _concerned(data: dict[str, Any], kind: str, identity: str) -> set[str]:
    # Top level only: an agency named deep inside, as the source of a concern say, must not show
    # the entry to that agency, nor may the other way round.
    concerned = {identity} if kind == "agency" else set()
    if (agency := _text(data.get("agency_id"))) is not None:
        concerned.add(agency)
    if data.get("viewer_kind") in ("agency", "referrer") and (
        agency := _text(data.get("viewer_id"))
    ):
        concerned.add(agency)
    if data.get("recipient_kind") == "agency" and (agency := _text(data.get("recipient_id"))):
        concerned.add(agency)
    parties = data.get("parties")
    if isinstance(parties, list):
        concerned |= {party for party in parties if isinstance(party, str)}
    return concerned


def _asked(data: dict[str, Any]) -> set[str]:
    asked = data.get("filter")
    return {v for v in asked.values() if isinstance(v, str)} if isinstance(asked, dict) else set()


def _texts(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key != SNAPSHOT:
                yield from _texts(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, name)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
