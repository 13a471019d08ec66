"""A message as a tree out of which everything that is understood is taken. Pure.

What is left in the end was not understood: nothing has to be listed for it not to get lost."""

import copy
from collections.abc import Mapping
from typing import Any

from services.referral.reading.marks import Path, pointer
from shared.errors import Malformed

# What every resource and every part of one has, that says nothing about anybody.
_PLAIN = ("resourceType", "id")
_META = ("versionId", "lastUpdated", "profile", "source")
TYPES: Mapping[type, str] = {
    str: "string_type",
    dict: "dict_type",
    list: "list_type",
    bool: "bool_type",
}


class Node:
    """One object of a message, with its place. To read a member is to take it out.

    Raises `Malformed`, with the place, where a member is of another type: a fault of the program
    that sent it.
    """

    def __init__(self, members: dict[str, Any], place: Path) -> None:
        self.members, self.place = members, place

    def text(self, name: str) -> str:
        """The text that this member is; empty where there is none."""
        return str(self._take(name, str) or "")

    def texts(self, name: str) -> list[str]:
        """The texts in a list."""
        found = self._take(name, list) or []
        for at, one in enumerate(found):
            self._right(one, str, (name, at))
        return [one for one in found if one]

    def number(self, name: str) -> str:
        """A number, as text; empty where there is none."""
        found = self.members.pop(name, None)
        if found is not None and (isinstance(found, bool) or not isinstance(found, (int, float))):
            raise Malformed(pointer((*self.place, name)), "float_type", "A number belongs here.")
        return "" if found is None else str(found)

    def node(self, name: str) -> "Node":
        """The object that this member is; an empty one where there is none."""
        found = self.members.get(name)
        self._right(found, dict, (name,))
        return Node({} if found is None else found, (*self.place, name))

    def nodes(self, name: str) -> "list[Node]":
        """The objects in a list."""
        found = self.members.get(name)
        self._right(found, list, (name,))
        for at, one in enumerate(found or ()):
            self._right(one, dict, (name, at))
        places = ((*self.place, name, at) for at in range(len(found or ())))
        pairs = zip(found or (), places, strict=True)
        return [Node(one, place) for one, place in pairs if one is not None]

    def drop(self, *names: str) -> None:
        """Take what was understood, or says nothing by itself."""
        for name in names:
            self.members.pop(name, None)

    def clear(self) -> None:
        """All of it was understood."""
        self.members.clear()

    def left(self) -> Any:
        """What nobody has taken; None where nothing is left."""
        rest = copy.deepcopy(self.members)
        for name in _PLAIN:
            rest.pop(name, None)
        if isinstance(meta := rest.get("meta"), dict):
            rest["meta"] = {n: v for n, v in meta.items() if n not in _META}
        return _pruned(rest)

    def _take(self, name: str, kind: type) -> Any:
        found = self.members.pop(name, None)
        self._right(found, kind, (name,))
        return found

    def _right(self, found: Any, kind: type, inside: Path) -> None:
        if found is not None and not isinstance(found, kind):
            raise Malformed(
                pointer((*self.place, *inside)), TYPES[kind], "Another type belongs here."
            )


def _pruned(value: Any) -> Any:
    """Without what is empty; None where that is all."""
    if isinstance(value, dict):
        kept = {n: v for n, v in ((n, _pruned(v)) for n, v in value.items()) if v is not None}
        return kept or None
    if isinstance(value, list):
        found = [v for v in map(_pruned, value) if v is not None]
        return found or None
    return value
