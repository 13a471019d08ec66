"""Events: CloudEvents 1.0 in structured mode, carrying identifiers, codes and decisions only.

`data` is a snapshot of the coded state after the event, so the newest version is enough.
Within a schema version only optional fields may be added; `tests/golden` holds us to it.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.errors import Poison
from shared.events.bounds import MAX_EVENT, fit

if TYPE_CHECKING:  # these read the sharing rules, which read the codes in this package
    from shared.events.declared import Disclosed, Parties

CONTENT_TYPE = "application/cloudevents+json"
MAX_BODY = 256 * 1024


class EventData(BaseModel, ABC):
    """The `data` of one type of event. Subclasses name their `event_type`; that registers them.

    An event declares everything about itself: without `says` and `parties` none can be made.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    event_type: ClassVar[str]
    schema_version: ClassVar[int] = 1
    # The queues it goes to beside the trail; shared/messaging/topology.py has their names.
    heard_by: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        if "event_type" in cls.__dict__:
            EVENT_TYPES[cls.event_type] = cls

    @abstractmethod
    def says(self, by: str) -> str:
        """What happened, in one plain sentence for a reader of the trail: ids and codes, never a
        name. `by` is who did it, in words."""

    @abstractmethod
    def parties(self) -> "Parties":
        """Whom it names; what the trail finds it by."""

    def tells(self) -> str:
        """The same for an agency that is informed: no worker, no other agency, no young person."""
        return f"{self.event_type.replace('.', ' ').replace('_', ' ').capitalize()}."

    def disclosure(self) -> "Disclosed | None":
        """Its line in the accounting of disclosures; None where nobody learnt or was refused."""
        return None

    def room(self) -> int:
        """How many bytes the event may have, its envelope included."""
        return MAX_EVENT


EVENT_TYPES: dict[str, type[EventData]] = {}

D = TypeVar("D", bound=EventData)
# An event of a class is an event of each of its bases: it is never changed.
D_co = TypeVar("D_co", bound=EventData, covariant=True)


class Event(BaseModel, Generic[D_co]):
    """The envelope. `version` numbers the events of one aggregate: 1, 2, 3 … without gaps."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    correlationid: str
    causationid: str | None = None
    traceparent: str | None = None
    version: int = Field(ge=1)
    actor: str
    actorrole: str
    data: D_co

    def body(self) -> str:
        """The bytes that are stored, published and logged: written once, never serialised again.

        Raises `Refused` for an event that the trail could not hold.
        """
        absent = {name for name in ("causationid", "traceparent") if getattr(self, name) is None}
        body = self.model_dump_json(exclude=absent)
        fit(body, self.data.room())
        return body


def schema_of(data: type[EventData]) -> str:
    """The `dataschema` of a type: name and version, no address."""
    return f"urn:hub-and-spoke:{data.event_type}:{data.schema_version}"


def parse(body: bytes | str) -> Event[EventData]:
    """Read an event of a known type and version.

    A code that a newer version has added is read as `shared.events.unknown` declares. Raises
    `Poison` with a reason that quotes nothing of the body: it could hold anything.
    """
    if len(body) > MAX_BODY:
        raise Poison("too_large")
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        raise Poison("not_json") from None
    if not isinstance(raw, dict):
        raise Poison("not_an_object")
    return _read(raw, lenient=True)


def read(raw: Mapping[str, Any]) -> Event[EventData]:
    """The event in a parsed document, exactly: an unknown code is a fault, too.

    The trail tells what was said and nothing that merely stands for it. Raises `Poison`.
    """
    return _read(raw, lenient=False)


def _read(raw: Mapping[str, Any], *, lenient: bool) -> Event[EventData]:
    data = EVENT_TYPES.get(str(raw.get("type")))
    if data is None:
        raise Poison("unknown_type")
    if raw.get("dataschema") != schema_of(data):
        raise Poison("unknown_schema_version")
    event: type[Event[EventData]] = Event[data]  # type: ignore[valid-type]
    try:
        try:
            return event.model_validate(raw)
        except ValidationError as error:
            if not (lenient and _has_unknown_code(error)):
                raise
            from shared.events.unknown import known_data  # it imports the codes of this package

            return event.model_validate({**raw, "data": known_data(data, raw.get("data"))})
    except ValidationError as error:
        fields = sorted({".".join(map(str, e["loc"])) for e in error.errors(include_input=False)})
        raise Poison(f"invalid:{','.join(fields)[:150]}") from None


def _has_unknown_code(error: ValidationError) -> bool:
    return any(e["type"] == "literal_error" for e in error.errors(include_input=False))
