"""Every value of every code that an event has ever carried. `make golden` adds, it never removes.

A reader out there may hold any of them: a value that is no longer readable would park old events.
"""

import json
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from shared.events.catalogue import event_types
from shared.events.codes import INDICATORS
from shared.events.indicators import UNSCORED_INDICATORS

FOLDER = Path(__file__).parent / "codes"
Codes = dict[str, list[str]]


def codes_of(kind: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each field that holds a code: its path (`concerns.recency`) and its `Literal`."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        yield path, kind
    elif origin is Annotated:
        yield from codes_of(inner[0], path)
    elif origin in (Union, types.UnionType, tuple):
        for one in inner:
            yield from codes_of(one, path)
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield from codes_of(field.annotation, f"{path}.{name}" if path else name)


@cache
def current() -> dict[str, Codes]:
    """File name to the codes as they are in code: a file for each type, and one of indicators."""
    found = {
        name: {path: sorted(map(str, get_args(kind))) for path, kind in codes_of(data)}
        for name, data in event_types().items()
    }
    found["indicators"] = {"code": sorted(INDICATORS | UNSCORED_INDICATORS)}
    return {name: codes for name, codes in found.items() if codes}


def published(name: str) -> Codes:
    """What the golden file holds; nothing where there is none."""
    path = FOLDER / f"{name}.json"
    found: Codes = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def publish() -> list[str]:
    """Add what is new to the files; the names of those that changed."""
    FOLDER.mkdir(exist_ok=True)
    written = []
    for name, codes in current().items():
        before = published(name)
        after = {
            path: sorted({*before.get(path, ()), *codes.get(path, ())})
            for path in sorted({*before, *codes})
        }
        if after != before:
            (FOLDER / f"{name}.json").write_text(json.dumps(after, indent=1) + "\n", "utf-8")
            written.append(name)
    return written
