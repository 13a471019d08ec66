"""A record as the store keeps it: its own fields, and beside them its outbox and its timers."""

from collections.abc import Sequence
from typing import Any

from opentelemetry.propagate import inject
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from shared.clock import Clock
from shared.events import Event, EventData, schema_of
from shared.ids import new_id
from shared.operating.telemetry import log
from shared.origin import Origin
from shared.storage.records import R, Record

Document = dict[str, Any]
Database = AsyncDatabase[Document]
Collection = AsyncCollection[Document]

OF_THE_STORE = frozenset({"_id", "outbox", "outbox_due", "outbox_tries", "sent", "sent_at"})
TIMER = "_due"

_named: set[tuple[str, str]] = set()


def fields_of(record: Record) -> Document:
    """The fields to store; the id is `_id`, once."""
    return record.model_dump(exclude={"id"})


def record_of(kind: type[R], document: Document) -> R:
    """The record of a document.

    A field that this release does not know was stored by a newer one, or is a mistake: the field
    stays where it is, and its name is logged once.
    """
    fields = {"id": document["_id"]}
    for name, value in document.items():
        if name in kind.model_fields:
            fields[name] = value
        elif name in kind.model_computed_fields:
            continue  # derived, and stored to be searched by
        elif name not in OF_THE_STORE and not name.endswith(TIMER):
            _name_once(kind.__name__, name)
    return kind.model_validate(fields)


def _name_once(kind: str, name: str) -> None:
    if (kind, name) not in _named:
        _named.add((kind, name))
        log.warning("store.unknown_field", type=kind, name=name)


def outbox_of(
    record_id: str,
    version: int,
    events: Sequence[EventData],
    *,
    by: Origin,
    service: str,
    clock: Clock,
) -> list[Document]:
    """The outbox entries of these events, the first of which follows on `version`."""
    carrier: dict[str, str] = {}
    inject(carrier)
    entries = []
    for number, data in enumerate(events, start=version + 1):
        event = Event[Any](
            id=new_id("evt"),
            source=f"/services/{service}",
            type=data.event_type,
            subject=record_id,
            time=clock(),
            dataschema=schema_of(type(data)),
            correlationid=getattr(data, "referral_id", None) or by.correlation_id or record_id,
            causationid=by.causation_id,
            traceparent=carrier.get("traceparent"),
            version=number,
            actor=by.actor,
            actorrole=by.role,
            data=data,
        )
        entries.append({"n": event.id, "body": event.body()})
    return entries
