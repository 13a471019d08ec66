"""What a worker's forms come to. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.web.visit import Form

Goals = Sequence[Mapping[str, Any]]


def still_open(goals: Goals) -> list[Mapping[str, Any]]:
    """The goals of which nobody has said what came of them."""
    return [goal for goal in goals if goal["outcome"] is None]


def closing(form: Form, goals: Goals) -> tuple[dict[str, Any], dict[str, str]]:
    """The end of a case, and what is still to be said for it."""
    outcomes = [
        {"goal_id": goal["id"], "outcome": form.text(goal["id"])} for goal in still_open(goals)
    ]
    wrong = {each["goal_id"]: "Say what came of it" for each in outcomes if not each["outcome"]}
    if not form.text("reason"):
        wrong["reason"] = "Say why the case ends"
    return {"reason": form.text("reason"), "outcomes": outcomes}, wrong


def leave(form: Form) -> dict[str, str]:
    """Leave as it is asked for; what was left empty is left out."""
    entry = {"start": form.text("start"), "to": form.text("to"), "kind": form.text("kind")}
    return {name: value for name, value in entry.items() if value}
