"""What the settings form comes to, as `PUT /v1/subscriptions/{id}` takes it. Pure."""

from collections.abc import Mapping
from typing import Any

from services.web.visit import Form

# What partner agencies can ask to hear of (docs/notifications.md).
KINDS = ("concern_in_your_area", "support_arranged", "support_ended")
NOTHING: Mapping[str, Any] = {
    "url": None,
    "url_verified": False,
    "format": "notification",
    "active": True,
    "email": None,
    "email_confirmed": False,
    "kinds": [],
    "areas": [],
    "quiet_hours": None,
    "secret": None,
    "overlap_until": None,
}
KEPT = ("format", "active", "duty_desk")


def entry(form: Form, before: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as they shall be. What the page does not ask for stays as it was."""
    start, end = form.text("quiet_start"), form.text("quiet_end")
    whole = {name: before[name] for name in KEPT if before.get(name) is not None}
    whole |= {"url": form.text("url") or None, "email": form.text("email") or None}
    whole |= {"kinds": form.each("kinds"), "areas": form.text("areas").replace(",", " ").split()}
    if start or end:
        days = {"days_off": form.text("days_off")} if form.text("days_off") else {}
        whole["quiet_hours"] = {"start": start, "end": end, **days}
    return whole
