"""What the forms of the directory come to. Pure."""

import re
from typing import Any

from services.web.visit import Form

PHONE = re.compile(r"\+?[0-9][0-9 ()-]{3,28}[0-9]", re.ASCII)
EMAIL = re.compile(r"[!-?A-~]{1,64}@[!-?A-~]{1,180}")
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
MOST = 300


def worker_card(form: Form) -> dict[str, Any]:
    """What a worker shows, as the form has it."""
    own = {"name": form.text("name")[:MOST] or None}
    ticked = {"shown": form.text("shown") == "yes", "show_host": form.text("show_host") == "yes"}
    return {**_reached(form), **own, **ticked}


def hub_card(form: Form) -> dict[str, Any]:
    """What a Hub says of its desk, as the form has it."""
    places = {"places": form.text("places")[: MOST + 1] or None}
    return {**_reached(form), **places, "public": form.text("public") == "yes"}


def wrong(card: dict[str, Any]) -> dict[str, str]:
    """What is still to be put right, by its field."""
    found: dict[str, str] = {}
    if card.get("shown") and not card["name"]:
        found["name"] = "Say how you are called, or choose not to be shown"
    if card["phone"] and not PHONE.fullmatch(card["phone"]):
        found["phone"] = "Enter a phone number in digits"
    if card["email"] and not EMAIL.fullmatch(card["email"]):
        found["email"] = "Enter an e-mail address, like name@example.org"
    if card.get("public") and not card["places"]:
        found["places"] = "Say which towns and villages it is for"
    if card.get("public") and not (card["phone"] or card["email"]):
        found.setdefault("phone", "Enter a phone number or an e-mail address")
    if len(card.get("name") or "") > 100:
        found["name"] = "Use at most 100 characters"
    if len(card.get("places") or "") > MOST:
        found["places"] = f"Use at most {MOST} characters"
    return found | _wrong_times(card["start"], card["end"])


def _reached(form: Form) -> dict[str, Any]:
    texts = {name: form.text(name)[:MOST] or None for name in ("phone", "email", "start", "end")}
    return {**texts, **{name: form.each(name) for name in ("days", "helps", "for_whom")}}


def _wrong_times(start: str | None, end: str | None) -> dict[str, str]:
    if start is None and end is None:
        return {}
    if not TIME.fullmatch(start or "") or not TIME.fullmatch(end or ""):
        return {"start": "Enter both times, like 09:00 and 17:00"}
    return {} if (start or "") < (end or "") else {"end": "The end must be later than the start"}
