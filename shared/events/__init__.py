"""Events: CloudEvents 1.0 in structured mode, carrying identifiers, codes and decisions only.

`data` is a snapshot of the coded state after the event, so the newest version is enough.
Within a schema version only optional fields may be added; `tests/golden` holds us to it.
"""

import json
from datetime import datetime
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.errors import Poison

CONTENT_TYPE = "application/cloudevents+json"
MAX_BODY = 256 * 1024


class EventData(BaseModel):
    """The `data` of one type of event. Subclasses name their `event_type`; that registers them."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    event_type: ClassVar[str]
    schema_version: ClassVar[int] = 1

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        if "event_type" in cls.__dict__:
            EVENT_TYPES[cls.event_type] = cls


EVENT_TYPES: dict[str, type[EventData]] = {}

D = TypeVar("D", bound=EventData)


class Event(BaseModel, Generic[D]):
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
    data: D

    def body(self) -> str:
        """The bytes that are stored, published and logged: written once, never serialised again."""
        absent = {name for name in ("causationid", "traceparent") if getattr(self, name) is None}
        return self.model_dump_json(exclude=absent)


def schema_of(data: type[EventData]) -> str:
    """The `dataschema` of a type: name and version, no address."""
    return f"urn:hub-and-spoke:{data.event_type}:{data.schema_version}"


def parse(body: bytes | str) -> Event[EventData]:
    """Read an event of a known type and version.

    Raises `Poison` with a reason that quotes nothing of the body: it could hold anything.
    """
    if len(body) > MAX_BODY:
        raise Poison("too_large")
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        raise Poison("not_json") from None
    if not isinstance(raw, dict):
        raise Poison("not_an_object")
    data = EVENT_TYPES.get(str(raw.get("type")))
    if data is None:
        raise Poison("unknown_type")
    if raw.get("dataschema") != schema_of(data):
        raise Poison("unknown_schema_version")
    try:
        return Event[data].model_validate(raw)  # type: ignore[valid-type]
    except ValidationError as error:
        fields = sorted({".".join(map(str, e["loc"])) for e in error.errors(include_input=False)})
        raise Poison(f"invalid:{','.join(fields)[:150]}") from None
