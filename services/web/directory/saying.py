"""How pages say when and about what somebody can be asked. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.web.words import label

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Kinds of help as a young person would call them; of the others they are not told.
PLAIN = {
    "one_to_one": "Time with one worker",
    "group_work": "Groups with others your age",
    "outreach": "Somebody who comes to where you are",
    "return_interviews": "A talk when you have been away from home",
    "online_safety": "Help with what happens online",
    "sexual_health": "Help with your body and health",
    "drugs_and_alcohol": "Help with drugs and drink",
    "counselling": "Somebody to talk to about how you feel",
    "court_support": "Help if you have to go to court",
    "school_sessions": "Talks at school",
}


def when(said: Mapping[str, Any]) -> str:
    """On which days, from when to when; nothing where it is not said."""
    days = [day for day in (*DAYS, "bank_holiday") if day in said["days"]]
    hours = f"{said['start']} to {said['end']}" if said["start"] else ""
    return ", ".join(each for each in (_days(days), hours) if each)


def plain(kinds: Sequence[str]) -> list[str]:
    """The kinds of help in words for a young person."""
    return [PLAIN[each] for each in kinds if each in PLAIN]


def _days(days: list[str]) -> str:
    row = [DAYS.index(day) for day in days if day in DAYS]
    in_a_row = len(row) == len(days) > 2 and row == list(range(row[0], row[-1] + 1))
    if in_a_row:
        return f"{label(days[0])} to {label(days[-1])}"
    return ", ".join(label(day) for day in days)
