"""What was understood of a file, in numbers and codes. Pure."""

from collections import Counter
from typing import Any

from pydantic import BaseModel, Field

# Taken, or, where it was only looked at, what would be.
TAKEN = (200, 201)


class Understood(BaseModel):
    """What was understood: how many lines were taken and refused, and how often each warning, each mark
    (place and code) and each fault came. Nothing that was sent is in it."""

    taken: int = Field(
        default=0,
        description="Lines that are referrals now, or were already; with `validate_only` that would be.",
    )
    refused: int = Field(default=0, description="Lines of which nothing was stored, or would be.")
    warnings: dict[str, int] = Field(default={}, description="How often each warning came.")
    marked: dict[str, int] = Field(default={}, description="How often each place was marked so.")
    faults: dict[str, int] = Field(default={}, description="How often a line was refused for it.")


class Counting:
    """Counts results of lines, as they are answered."""

    def __init__(self) -> None:
        self._lines = Counter[bool]()
        self._warnings, self._marked, self._faults = (Counter[str]() for _ in range(3))

    def count(self, line: dict[str, Any]) -> None:
        """One more line. Places in lists are counted together."""
        taken = line["status"] in TAKEN
        self._lines[taken] += 1
        self._warnings.update(line.get("warnings") or ())
        for mark in line.get("marks") or ():
            parts = ("*" if p.isdigit() else p for p in mark["pointer"].split("/"))
            self._marked[f"{'/'.join(parts)} {mark['code']}"] += 1
        if not taken:
            self._faults[line.get("code") or "unknown"] += 1

    def report(self) -> Understood:
        """What was counted, the most frequent first."""
        return Understood(
            taken=self._lines[True],
            refused=self._lines[False],
            warnings=dict(self._warnings.most_common(100)),
            marked=dict(self._marked.most_common(200)),
            faults=dict(self._faults.most_common(100)),
        )
