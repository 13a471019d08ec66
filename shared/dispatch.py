"""From a message to its handler: parse, trace, and tell the kinds of failure apart."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from shared.bus import Handle, Message
from shared.errors import Outage, Refused
from shared.events import Event, parse
from shared.events.catalogue import event_types
from shared.problems import STORE_AWAY
from shared.telemetry import handled, handling, log

Handler = Callable[[Event[Any]], Awaitable[None]]
Handlers = Mapping[str, Mapping[str, Handler]]


def dispatcher(queue: str, handlers: Mapping[str, Handler]) -> Handle:
    """A handle for `Queue`: raises `Poison`, `Outage`, or what the handler raised.

    A `Refused` handler is done: the rules say no, and saying it again would not change that.
    """

    if unknown := set(handlers) - set(event_types()):
        raise ValueError(f"{queue} handles events nobody has defined: {sorted(unknown)}")

    async def handle(message: Message) -> None:
        event = parse(message.body)
        handler = handlers[event.type]
        with handling(queue, event.type, event.id, event.traceparent):
            try:
                await handler(event)
                handled(queue, event.type, "done")
            except Refused as refusal:
                log.info("event.refused", queue=queue, type=event.type, code=refusal.code)
                handled(queue, event.type, "refused")
            except STORE_AWAY:
                raise Outage("store") from None

    return handle
