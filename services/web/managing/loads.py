"""How much a worker carries, in words and as a bar. Pure. The allocation service counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Load:
    """Points now, points then (the same, where nothing is about to change), and the caps."""

    now: int
    then: int
    soft_cap: int
    hard_cap: int

    def share(self, points: int) -> float:
        """That many points in hundredths of the bar, which ends where the greatest of all does."""
        whole = max(self.now, self.then, self.hard_cap, self.soft_cap, 1)
        return round(100 * max(points, 0) / whole, 1)

    @property
    def state(self) -> str:
        """`over` the hard cap, `above` the soft one, or `within` both."""
        if self.then > self.hard_cap:
            return "over"
        return "above" if self.then > self.soft_cap else "within"

    @property
    def words(self) -> str:
        """The bar for who does not see it."""
        points = f"{self.now}" if self.now == self.then else f"{self.now} now, {self.then} then,"
        return f"{points} of {self.hard_cap} points (soft cap {self.soft_cap}). {self.verdict}"

    @property
    def verdict(self) -> str:
        """What follows from it."""
        if self.state == "over":
            return f"Over the hard cap by {self.then - self.hard_cap}."
        if self.state == "above":
            return f"Over the soft cap by {self.then - self.soft_cap}."
        if self.then == self.soft_cap:
            return "At the soft cap: no room."
        return f"Room for {self.soft_cap - self.then} more."


def load_of(worker: Mapping[str, Any], more: int = 0) -> Load:
    """A worker's load as it is, or with so many points more."""
    now = worker["caseload"]
    return Load(now, now + more, worker["soft_cap"], worker["hard_cap"])


def heaviest_first(workers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Workers in post, each with their load: those over a cap first, then the fullest."""
    shown = [{**each, "load": load_of(each)} for each in workers if each["entry"]["active"]]
    states = ("over", "above", "within")
    return sorted(
        shown,
        key=lambda each: (
            states.index(each["load"].state),
            -each["load"].share(each["caseload"]),
            each["id"],
        ),
    )


def name_of(worker: Mapping[str, Any]) -> str:
    """What a worker is called; the id of who has given no name."""
    return str(worker["entry"]["name"] or worker["id"])
