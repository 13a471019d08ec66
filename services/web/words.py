"""What a page says of codes, times and ids."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.web.settings import WebSettings
from services.web.warnings import warned
from shared.clock import now
from shared.vocabularies import vocabularies

HERE = __file__.rpartition("/")[0]
ROLES = {
    "agency": "Partner agency",
    "worker": "Worker",
    "hub_manager": "Hub manager",
    "coordinator": "Area coordinator",
    "auditor": "Auditor",
    "operator": "Operator",
}


MENUS = {
    "agency": [
        ("/referrals", "My referrals"),
        ("/refer", "Make a referral"),
        ("/advice", "Ask for advice"),
        ("/directory", "Directory"),
        ("/messages", "Messages"),
        ("/register", "Agency"),
        ("/settings", "How you are told"),
    ],
    "operator": [
        ("/stranded", "Stranded"),
        ("/transfers", "Transfers"),
        ("/register/agencies", "Agencies"),
        ("/register/areas", "Areas"),
        ("/register/hubs", "Hubs"),
        ("/workers", "Workers"),
        ("/agreements", "Agreements"),
        ("/messages", "Messages"),
        ("/settings", "How you are told"),
    ],
    "worker": [
        ("/today", "Today"),
        ("/cases", "My cases"),
        ("/advice", "Questions"),
        ("/directory", "Directory"),
        ("/messages", "Messages"),
        ("/leave-times", "My leave"),
        ("/settings", "How you are told"),
    ],
    "auditor": [
        ("/trail", "Search"),
        ("/trail/reports", "Reports"),
        ("/trail/exports", "For a court"),
        ("/trail/integrity", "Is it whole?"),
    ],
    "coordinator": [
        ("/messages", "Messages"),
        ("/settings", "How you are told"),
    ],
    "hub_manager": [
        ("/board", "Board"),
        ("/cases", "Cases"),
        ("/caseloads", "Caseloads"),
        ("/matches", "Matches"),
        ("/workers", "Workers"),
        ("/leave-requests", "Leave"),
        ("/hand-over", "Hand over"),
        ("/transfers", "Transfers"),
        ("/register", "Hub"),
        ("/agreements", "Agreements"),
        ("/numbers", "Numbers"),
        ("/voices", "What they say"),
        ("/advice", "Questions"),
        ("/directory", "Directory"),
        ("/messages", "Messages"),
    ],
}


def menu(role: str) -> list[tuple[str, str]]:
    """The pages that somebody in this role begins from."""
    return MENUS.get(role, [])


def label(code: str | None, vocabulary: str = "") -> str:
    """What a code is called; a code that nobody has named is shown as words."""
    if not code:
        return "Not said"
    found = vocabularies().get(vocabulary)
    named = {each.code: each.label for each in found.codes} if found else {}
    return named.get(code) or code.replace("_", " ").capitalize()


def options(vocabulary: str, *only: str) -> list[tuple[str, str]]:
    """The codes of a vocabulary with their labels, all or those only."""
    codes = only or tuple(each.code for each in vocabularies()[vocabulary].codes)
    return [(code, label(code, vocabulary)) for code in codes]


def times(zone: ZoneInfo) -> dict[str, Callable[..., str]]:
    """How a page writes moments, in the reader's zone."""

    def moment(text: str | None) -> str:
        if not text:
            return "not yet"
        at = datetime.fromisoformat(text).astimezone(zone)
        return f"{at:%A} {at.day} {at:%B %Y}, {at:%H:%M}"

    def day(text: str | None) -> str:
        if not text:
            return "not said"
        at = datetime.fromisoformat(text)
        at = at.astimezone(zone) if at.tzinfo else at
        return f"{at.day} {at:%B %Y}"

    def until(text: str | None) -> str:
        if not text:
            return ""
        left = datetime.fromisoformat(text) - now()
        return f"overdue by {_long(-left)}" if left < timedelta() else f"in {_long(left)}"

    return {"moment": moment, "day": day, "until": until}


def _long(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    for size, name in ((1440, "day"), (60, "hour")):
        if minutes >= size:
            count = minutes // size
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def templates(settings: WebSettings, assets: dict[str, str]) -> Environment:
    """The templates. What they show is escaped, always; a name that is not there is a fault."""
    made = Environment(
        loader=FileSystemLoader(f"{HERE}/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    known: dict[str, Any] = {"label": label, "options": options, "ROLES": ROLES, "assets": assets}
    # A guide there is for trying only.
    made.globals |= {"parts_of_menu": menu, "warned": warned, "guide": None}
    made.globals |= {**known, "development": settings.environment == "development"}
    made.filters |= {"label": label, **times(ZoneInfo(settings.web_zone))}
    return made
