"""What documents from outside are made of: codes, lists of codes, points."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Codes = Annotated[tuple[Code, ...], Field(max_length=50)]
Points = Annotated[int, Field(ge=0, le=1000)]


class Incoming(BaseModel):
    """A document from outside: unknown members are faults, and faults never quote values."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
