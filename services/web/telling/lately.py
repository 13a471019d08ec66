"""What a test came to, and what was sent lately, in words. Pure."""

from collections.abc import Mapping
from typing import Any

# The codes of docs/notifications.md. Beside them stand the answers of others: `http_500`, `smtp_550`.
WHY: Mapping[str, str] = {
    "delivered": "It arrived.",
    "not_verified": "Nothing was sent: your system has not answered our question yet.",
    "not_confirmed": "Nothing was sent: first enter the code that was mailed there.",
    "timeout": "It took the call, and gave no answer in time.",
    "no_connection": "Nothing answered at this address.",
    "broke_off": "The connection broke off before there was an answer.",
    "address_not_allowed": "This is no address of the open internet, or does not begin with https.",
    "no_mail_server": "This network has no mail server: ask whoever runs it.",
    "smtp_login_refused": "Our own mail server refused us: ask whoever runs this network.",
    "no_subscription": "There was no address in use.",
    "http_404": "Your system says that there is nothing at this address (status 404).",
    "http_410": "Your system says that this address is gone for good (status 410).",
}
REFUSES = ("401", "403")


def why(code: str) -> str:
    """What a code says to who set the address up."""
    kind, _, number = code.partition("_")
    if code in WHY or kind not in ("http", "smtp"):
        return WHY.get(code, code.replace("_", " ").capitalize())
    if kind == "smtp":
        return f"The mail server did not take it (code {number})."
    if number.startswith("3"):
        return f"Your system sent us on to another address, where we do not go (status {number})."
    said = "refused the call" if number in REFUSES else "answered that something is wrong"
    return f"Your system {said} (status {number})."


def came_to(trial: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each way that was tested, whether it is well, and why not."""
    ways = (("Webhook", trial["webhook"]), ("Mailbox", trial["email"]))
    return [
        {"way": way, "well": one["result"] == "delivered", "why": why(one["code"]), **one}
        for way, one in ways
        if one is not None
    ]
