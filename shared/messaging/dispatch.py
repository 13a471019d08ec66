"""From a message to its handler: parse, trace, and tell the kinds of failure apart."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared.clock import now
from shared.errors import Outage, Refused
from shared.events import D, Event, EventData, parse
from shared.events.catalogue import event_types
from shared.messaging.bus import Handle, Message
from shared.operating.telemetry import handled, handling, log, taken_up
from shared.origin import Origin
from shared.web.problems import STORE_AWAY


@dataclass(frozen=True)
class Handler:
    """What handles one type of event. Made by `on`, which holds the two together."""

    data: type[EventData]
    handle: Callable[[Event[Any]], Awaitable[None]]

    @property
    def type(self) -> str:
        """The type of event, as the broker is told it."""
        return self.data.event_type


# Queue → what handles its events.
Handlers = Mapping[str, Sequence[Handler]]


def on(data: type[D], handler: Callable[[Event[D]], Awaitable[None]]) -> Handler:
    """This handler for events of this class; one that takes other events does not pass mypy."""
    return Handler(data, handler)


S = TypeVar("S")


class Reactions(Generic[S]):
    """Makes the handlers of one service from functions of its stores, the event, and who acts."""

    def __init__(self, service: str, stores: S) -> None:
        self._service, self._stores = service, stores

    def on(self, data: type[D], react: Callable[[S, Event[D], Origin], Awaitable[None]]) -> Handler:
        """This reaction to events of this class; one to other events does not pass mypy."""

        async def handle(event: Event[D]) -> None:
            await react(self._stores, event, Origin.of_event(self._service, event))

        return on(data, handle)


def dispatcher(queue: str, handlers: Sequence[Handler]) -> Handle:
    """A handle for `Queue`: raises `Poison`, `Outage`, or what the handler raised.

    A `Refused` handler is done: the rules say no, and saying it again would not change that.
    """
    table = {handler.type: handler.handle for handler in handlers}
    if unknown := set(table) - set(event_types()):
        raise ValueError(f"{queue} handles events nobody has defined: {sorted(unknown)}")
    if len(table) < len(handlers):
        raise ValueError(f"{queue} handles an event twice")

    async def handle(message: Message) -> None:
        event = parse(message.body)
        handler = table[event.type]
        with handling(queue, event.type, event.id, event.traceparent):
            outcome, began = "failed", time.perf_counter()
            taken_up(queue, event.type, (now() - event.time).total_seconds())
            try:
                await handler(event)
                outcome = "done"
            except Refused as refusal:
                log.info("event.refused", queue=queue, type=event.type, code=refusal.code)
                outcome = "refused"
            except STORE_AWAY:
                raise Outage("store") from None
            finally:
                handled(queue, event.type, event.id, outcome, time.perf_counter() - began)

    return handle
