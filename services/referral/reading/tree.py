"""A JSON document out of which members are taken, which stays what it was sent as. Pure."""

import re
from typing import Any

from services.referral.reading.marks import Aside, Path, aside

GONE: Any = object()
MISSING: Any = object()
# Control characters but for tabs and ends of lines, and halves of pairs of surrogates.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Tree:
    """A copy of a document. Places are those of what was sent: what is taken out of a list leaves its
    place behind."""

    def __init__(self, sent: dict[str, Any]) -> None:
        self.asides: list[Aside] = []
        self.unwritable: list[Path] = []
        self._origin: dict[Path, Path] = {}
        self.sent = sent
        self._root = self._cleaned(sent, ())

    def _cleaned(self, value: Any, here: Path) -> Any:
        if isinstance(value, str):
            if not _UNWRITABLE.search(value):
                return value if not value.isspace() else ""
            self.unwritable.append(here)
            self.asides.append(aside(here, "control_characters", value))
            return _UNWRITABLE.sub("", value)
        if isinstance(value, dict):
            odd = [k for k in value if isinstance(k, str) and _UNWRITABLE.search(k)]
            self.unwritable += [(*here, name) for name in odd]
            for name in odd:
                self.asides.append(aside((*here, name), "unknown_member", {name: value[name]}))
            return {k: self._cleaned(v, (*here, k)) for k, v in value.items() if k not in odd}
        if isinstance(value, list):
            return [self._cleaned(v, (*here, n)) for n, v in enumerate(value)]
        return value

    def whole(self) -> Any:
        """What is left of the document."""
        self._origin.clear()
        return self._left(self._root, (), ())

    def _left(self, value: Any, here: Path, was: Path) -> Any:
        self._origin[here] = was
        if isinstance(value, dict):
            return {k: self._left(v, (*here, k), (*was, k)) for k, v in value.items()}
        if isinstance(value, list):
            kept = [(n, v) for n, v in enumerate(value) if v is not GONE]
            return [self._left(v, (*here, at), (*was, n)) for at, (n, v) in enumerate(kept)]
        return value

    def place(self, loc: Path) -> Path:
        """The place in what was sent of one in what is left."""
        for length in range(len(loc), -1, -1):
            if loc[:length] in self._origin:
                return self._origin[loc[:length]] + loc[length:]
        return loc

    def get(self, path: Path) -> Any:
        value = self._root
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return MISSING
            if value is GONE:
                return MISSING
        return value

    def original(self, path: Path) -> Any:
        """What was sent there; None where nothing was."""
        value: Any = self.sent
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def put(self, path: Path, value: Any) -> None:
        self.get(path[:-1])[path[-1]] = value

    def take(self, path: Path) -> None:
        """Take out what is there."""
        parent = self.get(path[:-1])
        if isinstance(parent, list):
            parent[int(path[-1])] = GONE
        elif isinstance(parent, dict):
            parent.pop(path[-1], None)
