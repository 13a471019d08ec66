"""The register of vocabularies: every closed set of codes of the API, as data. Pure but for its file."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

CODES = Path(__file__).with_name("codes.toml")
EVERY_CODE = "all"


class Code(BaseModel):
    """A code, what it is called, and the code of the children in need census that means the same."""

    model_config = ConfigDict(frozen=True)

    code: str
    label: str
    census: str | None = None


class Vocabulary(BaseModel):
    """A closed set of codes: what it is about, and where it comes from if it is not ours."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    source: str | None = None
    codes: tuple[Code, ...]


@cache
def vocabularies() -> Mapping[str, Vocabulary]:
    """All of them, by name."""
    found = tomllib.loads(CODES.read_text("utf-8"))
    return {name: _vocabulary(name, entry) for name, entry in sorted(found.items())}


def _vocabulary(name: str, entry: Mapping[str, Any]) -> Vocabulary:
    labels, census = entry.get("labels", {}), entry.get("census", {})
    codes = tuple(
        Code(
            code=code,
            label=labels.get(code) or code.replace("_", " ").capitalize(),
            census=code.upper() if census == EVERY_CODE else census.get(code),
        )
        for code in entry["codes"].split()
    )
    return Vocabulary(name=name, title=entry["title"], source=entry.get("source"), codes=codes)
