"""Times, days and numbers as they may come from outside: what storage and arithmetic can take. Pure.

BSON holds integers of 64 bits, the calendar of Python ends in 9999, and a time with an offset may
leave it. So every value ends well inside: a lifetime can be added to any day and any time. JSON
holds integers exactly up to 2**53. A test walks all routes: nothing from outside is without an end.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field, PlainSerializer
from pydantic_core import PydanticCustomError

FIRST, END = date(1900, 1, 1), date(3000, 1, 1)
_FROM = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC)
_TO = datetime(END.year, END.month, END.day, tzinfo=UTC)
MOST = 2**53
MOST_BYTES = 1024 * 1024

_SPAN = f"From {FIRST.year} to {END.year - 1}."


def _written_out(value: Any) -> Any:
    """A number is no time: pydantic would count it as seconds since 1970."""
    if isinstance(value, (int, float)):
        raise PydanticCustomError("date_type", "Send it as text, as in 2012-05-17.")
    if isinstance(value, str) and value.strip().lstrip("+-").replace(".", "", 1).isdigit():
        raise PydanticCustomError("date_parsing", "Digits alone are no time: as in 2012-05-17.")
    return value


# A moment; it says how it stands to UTC.
Instant = Annotated[
    AwareDatetime,
    Field(ge=_FROM, lt=_TO),
    BeforeValidator(_written_out),
    Field(description=_SPAN),
]
# A day of the calendar, such as a birthday.
CalendarDay = Annotated[
    date,
    Field(ge=FIRST, lt=END),
    BeforeValidator(_written_out),
    Field(description=_SPAN),
]
# The same where it is stored: BSON knows no days, so it is stored as it is written.
Day = Annotated[CalendarDay, PlainSerializer(lambda day: day.isoformat(), return_type=str)]
# A place in a list, a size, a version.
Number = Annotated[int, Field(ge=0, lt=MOST)]
# A whole file; the limit on bodies ends it, too.
File = Annotated[bytes, Field(max_length=MOST_BYTES)]
