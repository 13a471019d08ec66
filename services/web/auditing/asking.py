"""What an auditor asks the trail: as it stands in a form, in an address, and in the API's words. Pure.

No name stands in an address: only what is written as ids, codes and days are.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from urllib.parse import urlencode

from services.web.visit import Form
from services.web.words import options
from shared.events.catalogue import event_types

IDS = ("referral_id", "subject_id", "agency", "worker", "actor", "asked")
CODES = ("type", "ground", "outcome")
DAYS = ("from", "to")
AN_ID = re.compile(r"[a-z]{2,10}[_:][A-Za-z0-9_.:-]{1,88}", re.ASCII)
A_CODE = re.compile(r"[a-z0-9_.]{1,60}", re.ASCII)
NO_ID = "Enter an id, like ref_ and what follows. Names of people are not in the trail"
NO_DAY = "Enter a real day"
ENDINGS = ("rejected", "failed", "conflict")

Asked = dict[str, str]


def asked_in(said: Mapping[str, str]) -> Asked:
    """What an address asks for. What is not written as ids, codes and days are is left out."""
    return {name: said[name] for name in (*IDS, *CODES, *DAYS) if _fits(name, said.get(name, ""))}


def is_named(form: Form) -> bool:
    """Whether it has an agency in other words than its id."""
    return bool(form.text("agency")) and not _fits("agency", form.text("agency"))


def asked_by(form: Form, agencies: Sequence[tuple[str, str]] = ()) -> tuple[Asked, dict[str, str]]:
    """What a form asks for, and what is wrong with it. One of the `agencies`, each an id and a name,
    can be called by its name where no other has the same."""
    said = {name: form.text(name) for name in (*IDS, *CODES, *DAYS)}
    meant = [each for each, name in agencies if name.casefold() == said["agency"].casefold()]
    said["agency"] = meant[0] if len(meant) == 1 else said["agency"]
    wrong = {
        name: NO_DAY if name in DAYS else NO_ID
        for name, value in said.items()
        if value and not _fits(name, value)
    }
    if not form.text("purpose"):
        wrong["purpose"] = "Say why you ask. It is written down"
    return asked_in(said), wrong


def address(path: str, asked: Mapping[str, str], purpose: str) -> str:
    """That page, with what is asked for."""
    return f"{path}?{urlencode({**asked, 'purpose': purpose})}"


def choices() -> dict[str, list[tuple[str, str]]]:
    """The codes that a form offers."""
    kinds = [(name, name.replace(".", ": ").replace("_", " ")) for name in sorted(event_types())]
    endings = [(code, code.capitalize()) for code in ENDINGS]
    return {
        "type": kinds,
        "outcome": options("disclosure_kind") + endings,
        "purpose": options("trail_purpose"),
    }


def _fits(name: str, value: str) -> bool:
    if name in DAYS:
        return _is_day(value)
    return (AN_ID if name in IDS else A_CODE).fullmatch(value) is not None


def _is_day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
