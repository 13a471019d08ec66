"""A faulty data file is refused, and every fault names its line."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from shared.operating.data_files import DataFileFaults, Fault, Lines, read_toml


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid")

    on: str
    tell: tuple[str, ...] = ()


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int
    rows: tuple[Row, ...] = ()
    hub: dict[str, dict[str, int]] = {}


TEXT = """\
# a comment with [brackets] and a = sign
version = 1

[[rows]]
on = "one"
tell = [
  "a",  # ]
  "b",
]

[[rows]]
on = "two"
"quoted" = 3

[hub.north]
minutes = "many"
"""


def refused(file: Path, text: str, *checks: Any) -> list[str]:
    file.write_text(text, "utf-8")
    with pytest.raises(DataFileFaults) as raised:
        read_toml(file, Table, *checks)
    return [fault.removeprefix(f"{file}:").split(": ")[0] for fault in raised.value.faults]


def test_every_fault_of_the_model_names_its_line(tmp_path: Path) -> None:
    assert refused(tmp_path / "t.toml", TEXT) == ["13", "16"]


def test_a_check_names_the_line_within_a_list(tmp_path: Path) -> None:
    def check(raw: dict[str, Any]) -> list[Fault]:
        return [Fault(("rows", 0, "tell"), "unknown", "b"), Fault(("rows", 1, "when"), "missing")]

    assert refused(tmp_path / "t.toml", TEXT, check) == ["8", "11", "13", "16"]


def test_what_is_no_toml_names_its_line(tmp_path: Path) -> None:
    assert refused(tmp_path / "t.toml", "version = 1\nrows = [") == ["2"]
    assert refused(tmp_path / "t.toml", "version = 1\nversion = 2\nrows = []") == ["2"]


def test_a_file_without_a_fault_is_the_model(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text("version = 1\nhub.north.minutes = 3\n[[rows]]\non = 'x'\n", "utf-8")

    assert read_toml(file, Table) == Table(
        version=1, rows=(Row(on="x"),), hub={"north": {"minutes": 3}}
    )


@given(st.lists(st.lists(st.sampled_from("abc"), unique=True, max_size=3), max_size=4))
def test_each_key_of_each_table_has_its_own_line(tables: list[list[str]]) -> None:
    lines, expected = ["top = 1"], {("top",): 1}
    for number, keys in enumerate(tables):
        lines += ["", "[[rows]]"]
        for key in keys:
            lines += [f"{key} = [", '  "x", # [', "]"]
            expected[("rows", number, key)] = len(lines) - 2  # type: ignore[index]

    found = Lines("\n".join(lines))

    assert {where: found.of(Fault(where, "wrong")) for where in expected} == expected
