"""What a young person's form comes to. Pure. Only what happens is asked for until there is an answer:
nobody is sent away for not saying who they are."""

from typing import Any

from services.web.visit import Form

FIELDS = ("urgency", "words", "name", "age", "area", "details", "hours", "never", "tell_parents")
LISTS = ("channels",)
URGENCY = {"now": "immediate", "today": "same_day", "soon": "five_working_days"}
MOST = 20_000


def said(form: Form) -> dict[str, Any]:
    """The answers, none longer than is taken."""
    return {
        **{name: form.text(name)[:MOST] for name in FIELDS},
        **{name: form.each(name)[:10] for name in LISTS},
    }


def wrong(answers: dict[str, Any]) -> dict[str, str]:
    """What is still to be said before it can be sent."""
    found: dict[str, str] = {}
    if answers["urgency"] not in URGENCY:
        found["urgency"] = "Tell us how soon you need somebody"
    if not answers["words"]:
        found["words"] = "Tell us in a few words what is going on"
    if not answers["area"]:
        found["area"] = "Tell us the town or place, so that the right people get this"
    age = answers["age"]
    if age and not (age.isascii() and age.isdigit() and len(age) < 4 and int(age) <= 25):
        found["age"] = "Write your age as a number, or leave it empty"
    return found


def referral(answers: dict[str, Any], key: str) -> dict[str, Any]:
    """The referral, as `POST /v1/referrals` takes it of an account of kind `1c`."""
    subject: dict[str, Any] = {"name": answers["name"][:500]} if answers["name"] else {}
    if answers["age"]:
        subject["estimated_age"] = int(answers["age"])
    never = [line.strip()[:500] for line in answers["never"].split("\n") if line.strip()][:20]
    contact = {
        "channels": answers["channels"],
        "details": answers["details"][:500],
        "hours": answers["hours"][:500],
        "never_contact": never,
    }
    whole = {
        "agency_reference": f"YOU-{key[-20:].upper()}",
        "urgency": URGENCY[answers["urgency"]],
        "area": answers["area"],
        "subject": subject,
        "own_words": answers["words"],
        "discussion": {"discussed": True},
        "service_agreement": "agreed",
        "safe_contact": {name: value for name, value in contact.items() if value},
        "tell_parents": answers["tell_parents"] or "not_asked",
    }
    return {name: value for name, value in whole.items() if value != {}} | {"subject": subject}
