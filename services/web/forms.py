"""A form as a list of its questions: what was typed, what an API is sent, what is wrong with it. Pure.

A question's name is where its answer stands in what is sent: `clocks.review_days`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from services.web.api import Refused
from services.web.errors import BY_STATUS
from services.web.visit import Form

Kind = Literal[
    "text", "number", "date", "moment", "time", "codes", "lines", "select", "ticks", "yes"
]
Said = Mapping[str, Any]
Errors = dict[str, str]
MIDNIGHT = "T00:00:00Z"
MOST_DIGITS = 5
# What is sent of what may be empty.
SEVERAL: Mapping[Kind, Callable[[Any], Any]] = {
    "yes": lambda typed: typed == "yes",
    "codes": lambda typed: typed.replace(",", " ").split(),
    "lines": lambda typed: [line.strip() for line in typed.splitlines() if line.strip()],
    "ticks": list,
}
# What can be said on the page that was sent; every other no is a page of its own.
SAID_HERE = (409, 412, 422, 428)
THERE_ALREADY = "This id is in use. Open its page to change it, or choose another id."
CHANGED = f"{BY_STATUS[412].heading}. Nothing was saved. Load this page again to see how it is now."


@dataclass(frozen=True)
class Ask:
    """One question. `needed` is said where it was left empty; without it, it may be."""

    name: str
    question: str
    kind: Kind = "text"
    choices: Sequence[tuple[str, str]] = ()
    hint: str = ""
    needed: str = ""

    def typed(self, form: Form) -> Any:
        """What was entered, right or wrong: nobody types it twice."""
        return form.each(self.name) if self.kind == "ticks" else form.text(self.name)

    def shown(self, value: Any) -> Any:
        """A value of an API as the form has it."""
        if self.kind == "ticks":
            return list(value or ())
        if self.kind == "yes":
            return "yes" if value else ""
        if value is None:
            return ""
        if self.kind in ("date", "moment"):
            return str(value)[:10]
        joined = {"codes": ", ", "lines": "\n"}.get(self.kind)
        return str(value) if joined is None else joined.join(value)

    def wrong(self, typed: Any) -> str:
        """Why it can't be sent so; nothing where it can."""
        if not typed:
            return self.needed
        if self.kind == "number" and not is_number(typed):
            return "Enter a whole number"
        if self.kind in ("date", "moment") and not is_day(typed):
            return "Enter a day"
        return ""

    def sent(self, typed: Any) -> Any:
        """What an API takes, of what can be sent."""
        if self.kind in SEVERAL:
            return SEVERAL[self.kind](typed)
        if not typed:
            return None
        if self.kind == "moment":
            return typed + MIDNIGHT
        return int(typed) if self.kind == "number" else typed


def is_number(text: str) -> bool:
    """Whether it is a whole number as people write one."""
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS


def is_day(text: str) -> bool:
    """Whether it is a day as a browser sends one."""
    try:
        return bool(date.fromisoformat(text)) and len(text) == len("2026-01-31")
    except ValueError:
        return False


def typed(asks: Iterable[Ask], form: Form) -> Said:
    """What was entered, by question."""
    return {ask.name: ask.typed(form) for ask in asks}


def shown(asks: Iterable[Ask], entry: Mapping[str, Any]) -> Said:
    """An entry as the form shows it."""
    return {ask.name: ask.shown(_at(entry, ask.name)) for ask in asks}


def faults(asks: Iterable[Ask], said: Said) -> Errors:
    """What can't be sent, by question."""
    found = {ask.name: ask.wrong(said[ask.name]) for ask in asks}
    return {name: why for name, why in found.items() if why}


def amended(asks: Iterable[Ask], said: Said, entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry as the form has it; what the form does not ask for stays as it was. What was left
    empty is not sent: the service's own counts then."""
    after = dict(entry)
    for ask in asks:
        outer, _, inner = ask.name.rpartition(".")
        place = after
        for part in outer.split(".") if outer else ():
            place[part] = dict(place.get(part) or {})
            place = place[part]
        value = ask.sent(said[ask.name])
        if value is not None:
            place[inner] = value
        elif place.get(inner) is not None:
            del place[inner]
    return after


def refused(error: Refused, asks: Sequence[Ask]) -> Errors:
    """Why an API does not take it, by question; what is about none of them, at the first. Raises the
    error itself where it is no matter of the form."""
    if error.status not in SAID_HERE:
        raise error
    first = asks[0].name if asks else "form"
    if error.status == 412:
        return {first: CHANGED}
    if error.status == 428:
        return {first: THERE_ALREADY}
    found: Errors = {}
    for fault in error.errors:
        place = str(fault.get("pointer", "")).strip("/").replace("/", ".")
        names = (ask.name for ask in asks if _is_about(place, ask.name))
        found[next(names, first)] = str(fault.get("message", ""))
    return found or {first: error.said("It was not taken as it is.")}


def _is_about(place: str, name: str) -> bool:
    """Whether a fault there is one of the question: the form may be one line of a list, too."""
    return f"{place}.".startswith(f"{name}.") or place.endswith(f".{name}")


def _at(entry: Mapping[str, Any], name: str) -> Any:
    value: Any = entry
    for part in name.split("."):
        value = (value or {}).get(part)
    return value
