"""XML of strangers, read piece by piece into small trees. Pure.

Nothing is fetched or expanded: a document type, and with it every entity of its own, ends the reading.
A tree is as deep and as large as it may be: what is more is dropped, and the tree says so; those after it
are read."""

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


@dataclass(eq=False)
class Element:
    """An element with its text and its children (attributes are children, too); what is taken out of it
    counts as understood. `fault`: it was too deep or too large, and not all of it is here."""

    name: str
    line: int = 0
    text: str = ""
    children: "list[Element]" = field(default_factory=list)
    fault: str = ""

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
        # How deep within a wanted element; how many elements and letters of it there are.
        self._depth = self._elements = self._size = 0
        self._whole: list[Element] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._refused

    def feed(self, piece: bytes, *, last: bool = False) -> Iterator[Element]:
        """The elements that this piece ends."""
        why: NotRead | None = None
        try:
            self._parser.Parse(piece, last)
        except expat.ExpatError as error:
            why = NotRead("not_xml", error.lineno)
        except NotRead as refused:
            why = refused
        whole, self._whole = self._whole, []
        yield from whole
        if why is not None:
            raise why

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        plain = name.rpartition(":")[2]
        if not self._depth and plain != self._wanted:
            return
        if not self._depth:
            self._elements = self._size = 0
        self._depth += 1
        self._elements += 1 + len(attributes)
        self._size += sum(map(len, attributes.values()))
        if self._is_over():
            return
        line = self._parser.CurrentLineNumber
        told = [Element(f"@{key}", line, value) for key, value in attributes.items()]
        self._open.append(Element(plain, line, children=told))

    def _end(self, _: str) -> None:
        if not self._depth:
            return
        self._depth -= 1
        if self._open[0].fault and self._depth:
            return
        done = self._open.pop() if not self._open[0].fault else self._open[0]
        if self._depth:
            self._open[-1].children.append(done)
        else:
            self._open.clear()
            self._whole.append(done)

    def _text(self, text: str) -> None:
        if self._depth:
            self._size += len(text)
            if not self._is_over():
                self._open[-1].text += text

    def _is_over(self) -> bool:
        """Whether the tree is more than it may be by now; from there on it is dropped."""
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS or self._size > MAX_TEXT:
            if not self._open:  # by what its own head says
                self._open.append(Element(self._wanted, self._parser.CurrentLineNumber))
            root = self._open[0]
            root.fault = root.fault or ("too_deep" if self._depth > MAX_DEPTH else "too_large")
            root.children, root.text = [], ""
            del self._open[1:]
        return bool(self._open and self._open[0].fault)

    def _refused(self, *_: object) -> None:
        raise NotRead("document_type", self._parser.CurrentLineNumber)
