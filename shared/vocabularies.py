"""The register of vocabularies: every closed set of codes of the API, as data. Pure but for its file."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

CODES = Path(__file__).with_name("web") / "codes.toml"
EVERY_CODE = "all"
# How a code of others stands to ours, as FHIR R4 says it (ConceptMap): theirs means the same, means
# more, means less, or is near.
Equivalence = Literal["equivalent", "wider", "narrower", "inexact"]


class Mapped(BaseModel):
    """A code of another system, how it stands to ours, and where it is to be found."""

    model_config = ConfigDict(frozen=True)

    system: str
    code: str
    equivalence: Equivalence
    source: str


class Code(BaseModel):
    """A code, what it is called, the code of the children in need census that means the same, and what
    it is in other systems, as far as somebody says so."""

    model_config = ConfigDict(frozen=True)

    code: str
    label: str
    census: str | None = None
    mappings: tuple[Mapped, ...] = ()


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
    mapped = _mapped(entry.get("maps", {}))
    codes = tuple(
        Code(
            code=code,
            label=labels.get(code) or code.replace("_", " ").capitalize(),
            census=code.upper() if census == EVERY_CODE else census.get(code),
            mappings=mapped.get(code, ()),
        )
        for code in entry["codes"].split()
    )
    return Vocabulary(name=name, title=entry["title"], source=entry.get("source"), codes=codes)


def theirs(name: str, system: str) -> Mapping[str, str]:
    """For each code of that system what it is in the vocabulary: how what comes in is read. Raises
    `ValueError` where one code would be two of ours."""
    found: dict[str, str] = {}
    for ours in vocabularies()[name].codes:
        for one in ours.mappings:
            if one.system == system and found.setdefault(one.code, ours.code) != ours.code:
                raise ValueError(f"{name}: {one.code} is {found[one.code]} and {ours.code}")
    return found


def ours_in(name: str, system: str) -> Mapping[str, str]:
    """For each code of the vocabulary its first one in that system: how what goes out is written."""
    return {
        ours.code: one.code
        for ours in vocabularies()[name].codes
        for one in reversed(ours.mappings)
        if one.system == system
    }


def _mapped(maps: Mapping[str, Any]) -> Mapping[str, tuple[Mapped, ...]]:
    """By code of ours. A map says its system, its source, and by equivalence which codes are which."""
    found: dict[str, tuple[Mapped, ...]] = {}
    for entry in maps.values():
        said = {"system": entry["system"], "source": entry["source"]}
        for equivalence in get_args(Equivalence):
            for ours, codes in entry.get(equivalence, {}).items():
                told = [Mapped(code=c, equivalence=equivalence, **said) for c in codes.split()]
                found[ours] = (*found.get(ours, ()), *told)
    return found
