"""What a search found, held against the entries themselves: what they are found by is a copy. Pure."""

from collections.abc import Collection, Mapping
from typing import Any

from services.audit.search.fields import BUT, TIMES, search_from


def found_by(document: Mapping[str, Any]) -> frozenset[str]:
    """The `name:value` keys that the leaf gives; of one that is no leaf, none."""
    try:
        return frozenset(search_from(document["leaf"])["keys"])
    except (ValueError, KeyError, TypeError):
        return frozenset()


def is_found(keys: Collection[str], where: Mapping[str, Any]) -> bool:
    """Whether an entry of these keys is what a search asks for, as `query_of` asks the store; the
    times aside, which are found by the entries' own."""
    for name, value in where.items():
        if name in TIMES:
            continue
        if name == BUT:
            if not frozenset(value).isdisjoint(keys):
                return False
        else:
            any_of = value if isinstance(value, list) else [value]
            if not any(f"{name}:{one}" in keys for one in any_of):
                return False
    return True
