"""Records and what a rule does to them. Pure: values in, values out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from shared.events import EventData


class Record(BaseModel):
    """The state of one aggregate as stored. `version` is the number of its newest event."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: str
    version: int = 0

    def but(self, **fields: Any) -> Self:
        """A validated copy with some fields changed."""
        return type(self).model_validate({**dict(self), **fields})

    def timers(self) -> Mapping[str, datetime | None]:
        """The timers that follow from this state: by name the time, or None while it stands still.

        A time is said once, in a field; the store sets the timer with it.
        """
        return {}

    def stamped(self, _before: "Self | None", _at: datetime) -> Self:
        """The record as it is stored then, in the place of the one before: with what it notes of when
        that was. The store says the time, and not the rule, which may have run long before."""
        return self


R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Change(Generic[R]):
    """What a rule decided: the state after, and the events that say so.

    Nothing changes in silence: a state without an event would leave a hole in the trail, so
    a change with no events means "leave it as it is". `due` sets (or, with None, stops) timers of
    the record in the same write, beside those that follow from its state (`Record.timers`): fields
    that `Store.claim` finds when their time has come.
    """

    after: R
    events: tuple[EventData, ...] = ()
    due: Mapping[str, datetime | None] = field(default_factory=dict)


@dataclass(frozen=True)
class New(Generic[R]):
    """A new record, the events that say so, and the timers that run from now on."""

    record: R
    events: tuple[EventData, ...]
    due: Mapping[str, datetime] = field(default_factory=dict)


def timers_of_new(new: New[R]) -> dict[str, datetime]:
    """The timers that run from now on."""
    return {name: at for name, at in {**new.record.timers(), **new.due}.items() if at is not None}


def timers_moved(before: R, change: Change[R]) -> dict[str, datetime | None]:
    """The timers that a change sets, or, with None, stops.

    One whose time stays the same is left alone: it may be claimed, or have stopped for good.
    """
    then = before.timers()
    moved = {name: at for name, at in change.after.timers().items() if at != then.get(name)}
    return {**moved, **change.due}


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


def in_turn(record: R, *rules: Callable[[R], Change[R]]) -> Change[R]:
    """Several rules as one change, each on the state the one before left: all of them or none."""
    after = record
    events: tuple[EventData, ...] = ()
    due: dict[str, datetime | None] = {}
    for rule in rules:
        change = rule(after)
        after, events = change.after, events + change.events
        due |= change.due
    return Change(after, events, due)
