"""XML of strangers, read piece by piece into small trees. Pure.

Nothing is fetched or expanded: a document type, and with it every entity of its own, ends the reading.
A tree is as deep and as large as it may be, whatever comes after it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

MAX_DEPTH = 30
# Elements of one tree, and the text of one.
MAX_ELEMENTS = 5_000
MAX_TEXT = 500_000


class NotRead(Exception):
    """The file can't be read any further: `code` says why, `line` where."""

    def __init__(self, code: str, line: int) -> None:
        super().__init__(code)
        self.code, self.line = code, line


@dataclass
class Element:
    """An element with its text and its children; what is taken out of it counts as understood."""

    name: str
    line: int = 0
    text: str = ""
    children: "list[Element]" = field(default_factory=list)

    def all(self, name: str) -> "list[Element]":
        """Its children of that name."""
        return [one for one in self.children if one.name == name]

    def take(self, name: str) -> str:
        """The text of its first child of that name, which is taken; empty where there is none. One that
        says more than a text stays."""
        for one in self.children:
            if one.name == name and not one.children:
                self.children.remove(one)
                return one.text.strip()
        return ""

    def left(self) -> Any:
        """What nobody has taken, as JSON; None where that is nothing."""
        found: dict[str, list[Any]] = {}
        for one in self.children:
            if (inner := one.left()) is not None:
                found.setdefault(one.name, []).append(inner)
        text = self.text.strip()
        if not found:
            return text or None
        plain = {name: each[0] if len(each) == 1 else each for name, each in found.items()}
        return {**plain, "text": text} if text else plain


class Reader:
    """Gives every element of one name, as soon as it is whole. Raises `NotRead`."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._open: list[Element] = []
        self._depth = self._elements = self._size = 0
        self._whole: list[Element] = []
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._refused

    def feed(self, piece: bytes, *, last: bool = False) -> Iterator[Element]:
        """The elements that this piece ends."""
        try:
            self._parser.Parse(piece, last)
        except expat.ExpatError as error:
            yield from self._given()
            raise NotRead("not_xml", error.lineno) from None
        except NotRead:
            yield from self._given()
            raise
        yield from self._given()

    def _given(self) -> Iterator[Element]:
        whole, self._whole = self._whole, []
        yield from whole

    def _start(self, name: str, _: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NotRead("too_deep", self._parser.CurrentLineNumber)
        plain = name.rpartition(":")[2]
        if self._open or plain == self._wanted:
            if not self._open:
                self._elements = self._size = 0
            self._elements += 1
            if self._elements > MAX_ELEMENTS:
                raise NotRead("too_large", self._parser.CurrentLineNumber)
            self._open.append(Element(plain, self._parser.CurrentLineNumber))

    def _end(self, _: str) -> None:
        self._depth -= 1
        if self._open:
            done = self._open.pop()
            (self._open[-1].children if self._open else self._whole).append(done)

    def _text(self, text: str) -> None:
        if self._open:
            self._size += len(text)
            if self._size > MAX_TEXT:
                raise NotRead("too_large", self._parser.CurrentLineNumber)
            self._open[-1].text += text

    def _refused(self, *_: object) -> None:
        raise NotRead("document_type", self._parser.CurrentLineNumber)
