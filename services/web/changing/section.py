"""A section that is changed on a page of its own: what it asks, and what is sent for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from services.web.changing.fields import Errors, Field, Values


@dataclass(frozen=True)
class Known:
    """How the referral stands, and `was`: each field as it was when the form was made. `entry_id` is of
    the consent or decision that it is about."""

    record: Mapping[str, Any]
    was: Values
    zone: ZoneInfo
    entry_id: str = ""


@dataclass(frozen=True)
class Sent:
    """One request about a referral: `path` below it. With its tag where the API asks for one: `whole`
    where it is decided on all that was shown, and not on this section alone."""

    body: dict[str, Any] | None
    path: str
    method: str = "POST"
    service: str = "referral"
    tagged: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Section:
    """Its name in addresses, its title, what it says of itself, its fields. `sends` makes the request,
    or says what is wrong. `about` is what a single entry of it begins with (`con`, `bas`)."""

    name: str
    title: str
    says: str
    fields: tuple[Field, ...]
    sends: Callable[["Section", Values, Known], Sent | Errors]
    note: str = ""
    button: str = "Save"
    about: str = ""
    practitioners: bool = False
    referrers: bool = True
    back: str = ""
    fits: Callable[[Mapping[str, Any]], bool] = field(default=lambda _: True)

    def is_for(self, *, practitioner: bool) -> bool:
        """Whether a page offers it to them. The API decides."""
        return practitioner if self.practitioners else practitioner or self.referrers
