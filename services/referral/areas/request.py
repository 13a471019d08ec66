"""An area as an operator registers it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from services.referral.areas.names import key_of
from services.referral.documents import Code, Incoming
from shared.errors import Contradiction
from shared.events.codes import UNKNOWN_AREA

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _not_unknown(code: str) -> str:
    if code == UNKNOWN_AREA:
        raise Contradiction("This code stands for an area that nobody knows: choose another.")
    return code


class AreaEntry(Incoming):
    """An area's name, and what else it is called. A retired one keeps its code and its names: what
    is sent of it is still understood, and it is no longer suggested."""

    name: Name
    aliases: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    retired: bool = False

    @field_validator("name", "aliases")
    @classmethod
    def _readable(cls, names: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if not all(key_of(name) for name in ((names,) if isinstance(names, str) else names)):
            raise Contradiction("A name needs at least one letter or digit.")
        return names


class AreaLine(AreaEntry):
    """A line of a list: an area, and, to change it, the revision that the list was made from."""

    code: Code
    revision: Annotated[int, Field(ge=1, lt=2**53)] | None = None

    @field_validator("code")
    @classmethod
    def _of_an_area(cls, code: str) -> str:
        return _not_unknown(code)

    def entry(self) -> AreaEntry:
        """The entry without its place in the list."""
        return AreaEntry(name=self.name, aliases=self.aliases, retired=self.retired)


class PlaceEntry(Incoming):
    """Where an operator puts a referral: a code, a name or an alias of an area that is known."""

    area: Name


class NearArea(BaseModel):
    """An area that is called nearly so."""

    model_config = ConfigDict(frozen=True)

    code: str
    name: str
