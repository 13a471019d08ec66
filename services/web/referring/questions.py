"""The questions of a referral, in their order. Pure: what is asked, what is wrong, what it comes to.

Only the danger, the place and what was noticed are asked for until answered: nothing that could
protect a child is kept from being sent for its form (DESIGN rule 12). Each other question may be left.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

Answers = Mapping[str, Any]
Errors = dict[str, str]
WORDS = 20_000


@dataclass(frozen=True)
class Step:
    """A page of the form: its name in the address, what it asks, the fields it has."""

    name: str
    title: str
    fields: tuple[str, ...]
    lists: tuple[str, ...] = ()
    wrong: Callable[[Answers], Errors] = lambda _: {}


def needed(field: str, said: str) -> Callable[[Answers], Errors]:
    """Wrong where this was not answered."""
    return lambda answers: {} if answers.get(field) else {field: said}


def born(answers: Answers) -> Errors:
    """Wrong where a date of birth was begun and is none."""
    parts = [answers.get(f"born_{part}", "") for part in ("day", "month", "year")]
    if not any(parts) or _date(parts):
        return {}
    return {"born_day": "Enter a real date of birth, like 17 5 2012, or leave all three empty"}


def _date(parts: list[str]) -> str | None:
    day, month, year = parts
    if not all(part.isascii() and part.isdigit() for part in parts):
        return None
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


def aged(answers: Answers) -> Errors:
    """Wrong where both are wrong: the date, or an age that is no number."""
    age = str(answers.get("age", ""))
    right = not age or (age.isascii() and age.isdigit() and len(age) < 4 and int(age) <= 25)
    return born(answers) | ({} if right else {"age": "Enter an age in years, 25 at most"})


def agreed(answers: Answers) -> Errors:
    """Wrong where a yes or a no was begun: who said it, and about what."""
    if answers.get("consent_status") not in ("given", "refused"):
        return {}
    found: Errors = {}
    if not answers.get("consent_by"):
        found["consent_by"] = "Say who said so"
    if not answers.get("consent_categories"):
        found["consent_categories"] = "Tick what it is about"
    day = str(answers.get("consent_day", ""))
    if day and not _date(list(reversed(day.split("-"))) if day.count("-") == 2 else ["", "", ""]):
        found["consent_day"] = "Enter a day, or leave it empty"
    return found


DANGER = "Say how soon somebody has to act"
STEPS: tuple[Step, ...] = (
    Step(
        "danger", "How soon does somebody have to act?", ("urgency",), (), needed("urgency", DANGER)
    ),
    Step("name", "Who is the young person?", ("name", "known_as", "gender")),
    Step("age", "How old are they?", ("born_day", "born_month", "born_year", "age"), (), aged),
    Step(
        "place",
        "Where do they live?",
        ("area", "address"),
        (),
        needed("area", "Choose an area, or write its name: without one no Hub hears of it"),
    ),
    Step("signs", "What have you noticed?", ("recency",), ("indicators",)),
    Step(
        "what",
        "What happened?",
        ("narrative",),
        (),
        needed("narrative", "Write what was seen or heard: a few words are enough"),
    ),
    Step("words", "What does the young person say?", ("own_words",)),
    Step(
        "talked",
        "Have you talked about this with them?",
        ("discussed", "not_discussed_because", "discussed_what", "wishes", "service_agreement"),
    ),
    Step(
        "sharing",
        "May others who work with them be told?",
        ("consent_status", "consent_by", "consent_day", "gillick"),
        ("consent_kinds", "consent_categories"),
        agreed,
    ),
    Step("parents", "May their parents or carers know?", ("tell_parents",)),
    Step(
        "contact",
        "How can they be reached safely?",
        ("contact_details", "never_contact"),
        ("channels", "settings_avoided"),
    ),
    Step(
        "risk",
        "Is there somebody who may have harmed them?",
        ("suspect_name", "suspect_aliases", "suspect_relationship", "suspect_notes"),
    ),
    Step("you", "Who are you?", ("referrer_name", "referrer_role", "referrer_contact")),
)
BY_NAME = {step.name: step for step in STEPS}


def after(step: Step) -> Step | None:
    """The page that follows; None after the last."""
    place = STEPS.index(step) + 1
    return STEPS[place] if place < len(STEPS) else None


def before(step: Step) -> Step | None:
    """The page that comes before it."""
    place = STEPS.index(step)
    return STEPS[place - 1] if place else None


def unanswered(answers: Answers) -> Errors:
    """Everything that is still wrong, on all pages."""
    return {name: said for step in STEPS for name, said in step.wrong(answers).items()}


def cut(answers: Answers) -> dict[str, Any]:
    """The answers that are questions of ours, none longer than is taken."""
    known = {name for step in STEPS for name in step.fields}
    lists = {name for step in STEPS for name in step.lists}
    return {
        name: value[:WORDS] if name in known else value[:100]
        for name, value in answers.items()
        if (name in known and isinstance(value, str)) or (name in lists and isinstance(value, list))
    }


def referral(answers: Answers, reference: str) -> dict[str, Any]:
    """The referral that the answers come to, as `POST /v1/referrals` takes it. What was not answered
    is left out."""
    said = {name: value for name, value in answers.items() if value}
    recency = said.get("recency", "current")
    whole = {
        "agency_reference": reference,
        "urgency": said.get("urgency", "immediate"),
        "area": said.get("area", ""),
        "subject": _subject(said),
        "referrer": _some(said, "referrer_", "name", "role", "contact"),
        "indicators": [{"code": code, "recency": recency} for code in said.get("indicators", ())],
        "narrative": said.get("narrative"),
        "own_words": said.get("own_words"),
        "discussion": _discussion(said),
        "service_agreement": said.get("service_agreement"),
        "consents": [_consent(said)]
        if said.get("consent_status") in ("given", "refused")
        else None,
        "tell_parents": said.get("tell_parents"),
        "safe_contact": _contact(said),
        "settings_avoided": said.get("settings_avoided"),
        "people": [_suspect(said)] if any(name.startswith("suspect_") for name in said) else None,
    }
    return {name: value for name, value in whole.items() if value not in (None, {}, [])}


def _some(said: Answers, prefix: str, *names: str) -> dict[str, Any]:
    return {name: said[prefix + name] for name in names if said.get(prefix + name)}


def _subject(said: Answers) -> dict[str, Any]:
    found = _some(said, "", "name", "known_as", "gender", "address")
    whole = _date([said.get(f"born_{part}", "") for part in ("day", "month", "year")])
    if whole:
        found["date_of_birth"] = whole
    elif said.get("age"):
        found["estimated_age"] = int(said["age"])
    return found


def _discussion(said: Answers) -> dict[str, Any] | None:
    if said.get("discussed") not in ("yes", "no"):
        return None
    found: dict[str, Any] = {"discussed": said["discussed"] == "yes"}
    if found["discussed"]:
        found |= {"what": said.get("discussed_what", ""), "wishes": said.get("wishes", "")}
    elif said.get("not_discussed_because"):
        found["not_discussed_because"] = said["not_discussed_because"]
    return found


def _consent(said: Answers) -> dict[str, Any]:
    found: dict[str, Any] = {
        "status": said["consent_status"],
        "given_by": said["consent_by"],
        "categories": said["consent_categories"],
        "agency_kinds": said.get("consent_kinds", []),
    }
    if said.get("gillick") in ("yes", "no"):
        found["gillick_competent"] = said["gillick"] == "yes"
    if said.get("consent_day"):
        found["said_at"] = f"{said['consent_day']}T00:00:00Z"
    return found


def _contact(said: Answers) -> dict[str, Any]:
    found = {"channels": said.get("channels"), "details": said.get("contact_details")}
    never = [line.strip() for line in said.get("never_contact", "").split("\n") if line.strip()]
    return {name: value for name, value in {**found, "never_contact": never[:20]}.items() if value}


def _suspect(said: Answers) -> dict[str, Any]:
    found = {"kind": "suspect", **_some(said, "suspect_", "name", "relationship", "notes")}
    aliases = [each.strip() for each in re.split(r"[,\n]", said.get("suspect_aliases", ""))]
    return (
        {**found, "aliases": kept} if (kept := [each for each in aliases if each][:20]) else found
    )
