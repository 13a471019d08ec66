"""What a young person's answers come to, and what an API's no means to them. Pure."""

from typing import Any

from services.web.api import Refused
from services.web.visit import Form

MOST = 4_000
WORDS = ("wants", "how", "change")
NOT_NOW = (
    "We could not do it just now. Wait a minute and press the button again. Or call Childline on "
    "0800 1111, at any time, for free."
)


def said(form: Form) -> dict[str, Any]:
    """The answers, none longer than is taken."""
    return {
        **{name: form.text(name)[:MOST] for name in WORDS},
        "feeling": form.text("feeling"),
        "read_by": form.text("read_by"),
        "themes": form.each("themes")[:20],
        "never": form.each("never")[:7],
    }


def wrong(answers: dict[str, Any]) -> dict[str, str]:
    """What is still to be said before it can be sent."""
    if not any(answers[name] for name in (*WORDS, "feeling", "themes", "never")):
        return {"wants": "Say or choose one thing, whichever you like"}
    return {} if answers["read_by"] else {"read_by": "Choose who may read it"}


def entry(answers: dict[str, Any], code: str) -> dict[str, Any]:
    """The answers as `POST /v1/participation/answers` takes them."""
    return {"card_code": code, **answers, "feeling": answers["feeling"] or None}


def why_not(error: Exception) -> str:
    """Why it was not taken, in words for a young person."""
    if isinstance(error, Refused) and error.status == 409:
        return error.said(NOT_NOW)
    if isinstance(error, Refused) and error.status == 429:
        return "Too many codes were tried from here. Wait an hour, then try again."
    return NOT_NOW
