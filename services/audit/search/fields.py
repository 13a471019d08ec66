"""The fields an entry is searched by. A cache: a leaf gives the same fields again at any time. Pure.

What an entry is found by is what its event declares of itself: whom it names, what it discloses.
"""

import json
from collections.abc import Mapping
from typing import Any

from services.audit.search.reading import data_of
from shared.events.declared import Parties, named

# In a filter these bound the time of recording; entries are in its order, so it needs no field.
TIMES = ("from", "to")
# In a filter: keys of entries that are left out.
BUT = "but"
# What a search may ask for, that of which fewest entries should have the same first.
RAREST = (
    *("referral_id", "subject_id", "asked", "mentioned", "worker", "recipient", "actor"),
    *("agency", "informed", "hub", "ground", "outcome", "type"),
)
# Moves when an event that there was before is found by other fields; a test holds us to it.
VERSION = 5
OUTCOME_OF_TYPE = ("withheld", "refused", "rejected", "failed", "conflict")


def fields_from(raw: bytes) -> dict[str, Any]:
    """The fields of a stored leaf. Raises `ValueError` or `KeyError` when it isn't one."""
    return fields_of(json.loads(raw)["event"])


def fields_of(event: dict[str, Any]) -> dict[str, Any]:
    """What the entry of this event is found by; `informed` are the agencies that may be told of it."""
    data, event_type = data_of(event), str(event["type"])
    parties = data.parties() if data else Parties()
    disclosed = data.disclosure() if data else None
    actor = event.get("actor")
    kind, _, identity = str(actor or "").partition(":")
    ending = event_type.rpartition(".")[2]
    lists = {
        "subject_id": named(parties.subjects),
        "agency": named((*parties.agencies, identity if kind == "agency" else None)),
        "worker": named((*parties.workers, identity if kind == "worker" else None)),
        "hub": named(parties.hubs),
        "recipient": named(parties.recipients),
        "informed": named(parties.informed),
        "asked": named(parties.asked),
        "mentioned": named(parties.mentioned),
        "ground": named(disclosed.grounds) if disclosed else (),
        "outcome": named(
            (
                disclosed.kind if disclosed else None,
                ending if ending in OUTCOME_OF_TYPE else None,
            )
        ),
    }
    fields: dict[str, Any] = {"type": event_type}
    if isinstance(actor, str):
        fields["actor"] = actor
    if parties.referral_id is not None:
        fields["referral_id"] = parties.referral_id
    elif not event_type.startswith("trail."):
        fields["referral_id"] = event["correlationid"]
    return {**fields, **{name: list(ids) for name, ids in lists.items() if ids}}


def search_of(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields as an entry stores them: each as `name:value`, in one list; and who wrote them.

    One index over one list: an index for each field made appending three times slower.
    """
    keys = [
        f"{name}:{one}"
        for name, value in sorted(fields.items())
        for one in (value if isinstance(value, list) else [value])
    ]
    return {"keys": keys, "version": VERSION}


def search_from(raw: bytes) -> dict[str, Any]:
    """What a stored leaf is found by. Raises as `fields_from`."""
    return search_of(fields_from(raw))


def query_of(where: Mapping[str, Any]) -> dict[str, Any]:
    """A search by field, as a query on what entries store. A list means: any of these. `but` lists
    keys of which an entry may have none."""
    query: dict[str, Any] = {}
    every = []
    for name, value in where.items():
        if name in TIMES:
            continue
        if name == BUT:
            query.setdefault("fields.keys", {})["$nin"] = sorted(value)
        elif isinstance(value, list):
            query.setdefault("fields.keys", {})["$in"] = [f"{name}:{one}" for one in value]
        else:
            every.append(f"{name}:{value}")
    if every:
        query.setdefault("fields.keys", {})["$all"] = every
    return query
