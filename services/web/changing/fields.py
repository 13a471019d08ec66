"""The fields of a section: how they are read from a form, what is wrong with them, what they come to.
Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Literal, TypedDict
from zoneinfo import ZoneInfo

from services.web.visit import Form
from services.web.words import options

Kind = Literal["text", "area", "lines", "number", "date", "time", "radios", "select", "ticks"]
Values = Mapping[str, Any]
Errors = dict[str, str]
LINE, TEXT, MOST_LINES = 500, 20_000, 20
TICKED: frozenset[Kind] = frozenset({"ticks"})


class Stands(TypedDict):
    """Where a field stands in what is sent, and in a record."""

    at: str
    seen: str


@dataclass(frozen=True)
class Field:
    """A question. `at` is where its answer stands in what is sent, `seen` where a record shows it now.
    `needed` says what is missing where there is no answer, `kept` that it may not become empty."""

    name: str
    question: str
    kind: Kind = "text"
    vocabulary: str = ""
    only: tuple[str, ...] = ()
    said: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    at: str = ""
    seen: str = ""
    needed: str = ""
    kept: bool = False

    @property
    def choices(self) -> list[tuple[str, str]]:
        """What can be chosen, with its words."""
        return list(self.said) or options(self.vocabulary, *self.only)

    @property
    def place(self) -> tuple[str, ...]:
        """The members that lead to it in what is sent."""
        return tuple((self.at or self.name).split("/"))

    @property
    def empty(self) -> Any:
        """How no answer looks."""
        return [] if self.kind in TICKED else ""

    def read(self, form: Form, prefix: str = "") -> Any:
        """The answer in a form, in the order of the choices."""
        if self.kind not in TICKED:
            return form.text(prefix + self.name)
        given = form.each(prefix + self.name)
        order = [code for code, _ in self.choices]
        return sorted(dict.fromkeys(given), key=lambda one: _at(order, one))

    def shown(self, categories: Mapping[str, Any]) -> Any:
        """As a record has it, the way a form has it."""
        found: Any = categories
        for name in self.seen.split("/") if self.seen else ():
            found = found.get(name) if isinstance(found, Mapping) else None
        if found is None or not self.seen:
            return self.empty
        if self.kind == "lines":
            return "\n".join(map(str, found))
        if self.kind in TICKED:
            order = [code for code, _ in self.choices]
            return sorted(found, key=lambda one: _at(order, one))
        return str(found)

    def wrong(self, value: Any) -> str:
        """What is wrong with the answer; nothing where nothing is."""
        if not value:
            return self.needed
        if self.kind in ("radios", "select", "ticks"):
            known = {code for code, _ in self.choices}
            given = value if self.kind in TICKED else [value]
            return "" if known.issuperset(given) else "Choose one of these"
        check = _CHECKS.get(self.kind)
        return check(value) if check else ""

    def sent(self, value: Any) -> Any:
        """What is sent for it."""
        if self.kind == "lines":
            return lines(value)
        return int(value) if self.kind == "number" else value


def _at(order: list[str], one: str) -> tuple[int, str]:
    return (order.index(one) if one in order else len(order)), one


def lines(text: str) -> list[str]:
    """What stands on each line."""
    return [line.strip() for line in text.split("\n") if line.strip()]


def _line(text: str) -> str:
    if "\n" in text or len(text) > LINE:
        return f"Write at most {LINE} letters, on one line"
    return ""


def _lines(text: str) -> str:
    found = lines(text)
    if len(found) > MOST_LINES or any(len(one) > LINE for one in found):
        return f"Write at most {MOST_LINES} lines, of at most {LINE} letters each"
    return ""


def _day(text: str) -> str:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return "Enter a real day"
    return "" if 1900 <= found.year < 2100 else "Enter a real day"


def _time(text: str) -> str:
    return "" if re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text) else "Enter a time, like 15:30"


def _age(text: str) -> str:
    right = text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= 25
    return "" if right else "Enter an age in years, 25 at most"


def _text(text: str) -> str:
    return f"Write at most {TEXT:,} letters at once" if len(text) > TEXT else ""


_CHECKS = {
    "text": _line,
    "area": _text,
    "lines": _lines,
    "date": _day,
    "time": _time,
    "number": _age,
}


def wrong(fields: Iterable[Field], values: Values) -> Errors:
    """What is wrong with the answers, by field."""
    return {f.name: said for f in fields if (said := f.wrong(values[f.name]))}


def moment(day: str, clock: str, zone: ZoneInfo) -> str | None:
    """That day at that time, or at its beginning, as it is sent; None for no day."""
    if not day:
        return None
    at = time.fromisoformat(clock) if clock else time()
    return datetime.combine(date.fromisoformat(day), at, zone).isoformat()


def put(whole: dict[str, Any], place: tuple[str, ...], value: Any) -> None:
    """Set one member of what is sent."""
    *way, last = place
    for name in way:
        whole = whole.setdefault(name, {})
    whole[last] = value


def by_field(
    fields: Iterable[Field], faults: Iterable[Mapping[str, Any]], otherwise: str
) -> Errors:
    """An API's faults, by the field that each is about; what is about none of them, by the first."""
    known, found = list(fields), Errors()
    for fault in faults or [{"message": otherwise}]:
        pointer = tuple(str(fault.get("pointer", "")).strip("/").split("/"))
        about = [f.name for f in known if pointer[: len(f.place)] == f.place]
        found[about[0] if about else known[0].name if known else "send"] = str(fault["message"])
    return found
