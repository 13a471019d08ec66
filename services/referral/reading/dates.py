"""Birth dates as people write them. Pure.

What is read is what can only be meant so: between day and month nobody guesses."""

import re
from datetime import date

from shared.rules.values import END, FIRST

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_YEAR_FIRST = re.compile(r"(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})")
_DIGITS = re.compile(r"(\d{4})(\d\d)(\d\d)")
_YEAR_LAST = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})")
_MONTH = re.compile(r"(\d{4})[-/.](\d{1,2})|(\d{1,2})[-/.](\d{4})")
_NAMED = re.compile(r"(?:(\d{1,2})(?:st|nd|rd|th)?[-/. ]+)?([a-z]{3,9})[-/., ]+(\d{4})")


def read_birth_date(text: str) -> tuple[str, str] | None:
    """The member it belongs into and what it says there: `date_of_birth`, or `born_about` where only
    the year, or the year and the month, is sure. None where not even the year is."""
    said = " ".join(text.lower().split())
    if found := _YEAR_FIRST.fullmatch(said) or _DIGITS.fullmatch(said):
        year, month, day = (int(part) for part in found.groups())
        return _whole(year, month, day) or _only(year)
    if found := _YEAR_LAST.fullmatch(said):
        one, other, year = (int(part) for part in found.groups())
        ways = {w for w in (_whole(year, one, other), _whole(year, other, one)) if w}
        return ways.pop() if len(ways) == 1 else _only(year)
    if found := _MONTH.fullmatch(said):
        year, month = (int(g) for g in (found[1] or found[4], found[2] or found[3]))
        return _only(year, month)
    if (found := _NAMED.fullmatch(said)) and found[2][:3] in _MONTHS:
        month, year = _MONTHS.index(found[2][:3]) + 1, int(found[3])
        return _whole(year, month, int(found[1])) if found[1] else _only(year, month)
    return _only(int(said)) if re.fullmatch(r"\d{4}", said) else None


def _whole(year: int, month: int, day: int) -> tuple[str, str] | None:
    try:
        born = date(year, month, day)
    except ValueError:
        return None
    return ("date_of_birth", born.isoformat()) if FIRST <= born < END else None


def _only(year: int, month: int | None = None) -> tuple[str, str] | None:
    if not FIRST.year <= year < END.year:
        return None
    known = month is not None and 1 <= month <= 12
    return "born_about", f"{year}-{month:02}" if known else f"{year}"
