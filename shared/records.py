"""Records and what a rule does to them. Pure: values in, values out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from shared.events import EventData


class Record(BaseModel):
    """The state of one aggregate as stored. `version` is the number of its newest event."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    id: str
    version: int = 0

    def but(self, **fields: Any) -> Self:
        """A validated copy with some fields changed."""
        return type(self).model_validate({**dict(self), **fields})


R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Change(Generic[R]):
    """What a rule decided: the state after, and the events that say so.

    Nothing changes in silence: a state without an event would leave a hole in the trail, so
    a change with no events means "leave it as it is". `due` sets (or, with None, stops) clocks of
    the record in the same write: fields that `Store.claim` finds when their time has come.
    """

    after: R
    events: tuple[EventData, ...] = ()
    due: Mapping[str, datetime | None] = field(default_factory=dict)


def unchanged(record: R) -> Change[R]:
    """The command was already carried out, or doesn't apply."""
    return Change(record)


def changed(
    record: R,
    *events: EventData,
    due: Mapping[str, datetime | None] | None = None,
    **fields: Any,
) -> Change[R]:
    """The record with `fields` changed, and at least one event that tells of it."""
    if not events:
        raise ValueError("a change without an event would be invisible to the trail")
    return Change(record.but(**fields), events, due or {})
