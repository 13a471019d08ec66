"""The columns of a table of referrals, and what each is. Pure.

A cell is text: a column that no referral has, and a cell that is not what its column is, are kept as
they stand under `table`, a member that no referral has: set aside and marked (docs/intake.md)."""

from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]
TEXTS = frozenset(
    """agency_reference urgency area nation narrative own_words requested_action service_agreement
    tell_parents referrer.name referrer.role referrer.contact referrer.relationship
    referrer.organisation_code subject.name subject.known_as subject.date_of_birth
    subject.born_about subject.gender subject.ethnicity subject.disability subject.looked_after
    subject.child_protection_plan subject.nhs_number subject.address subject.school
    subject.living_situation safe_contact.details safe_contact.hours safe_contact.code_word
    history.concern_on history.made_at history.primary_need missing.now missing.last_seen_place
    visit_risk.risk visit_risk.what background.ethnicity_code background.first_language
    migration.status trafficking.nrm legal.placement personal.religion
    discussion.not_discussed_because discussion.what discussion.wishes""".split()
)
# In one cell, with semicolons between.
LISTS = frozenset(
    """settings_avoided preferred_times languages linked_issues subject.communication_needs
    safe_contact.channels safe_contact.never_contact legal.legal condition.disabilities""".split()
)
NUMBER, FLAG = "subject.estimated_age", "discussion.discussed"
TRUTHS = {"yes": True, "true": True, "no": False, "false": False}
# Columns that are members of a list: which list, and what else the member says.
MEMBERS: Mapping[str, tuple[str, str, str]] = {
    "upn": ("identifiers", "known", "upn"),
    "la_child_id": ("identifiers", "known", "la_child_id"),
    "case_number": ("identifiers", "known", "case_number"),
    "phone": ("contacts", "ways", "phone"),
    "email": ("contacts", "ways", "email"),
}
# `code@recency`, with semicolons between.
INDICATORS = "indicators"
COLUMNS = sorted([*TEXTS, *LISTS, *MEMBERS, INDICATORS, NUMBER, FLAG])


def put(document: Document, name: str, cell: str) -> None:
    """Put a cell where it belongs."""
    if name in MEMBERS:
        section, member, kind = MEMBERS[name]
        ways = document.setdefault(section, {}).setdefault(member, [])
        ways += [{"kind": kind, "value": one} for one in _parts(cell)]
    elif (value := _value(name, cell)) is None:
        document.setdefault("table", {})[name] = cell
    else:
        *parents, last = name.split(".")
        for part in parents:
            document = document.setdefault(part, {})
        document[last] = value


def _value(name: str, cell: str) -> Any:
    """What the cell says; None where it is not what its column is."""
    if name == INDICATORS:
        return [_indicator(one) for one in _parts(cell)]
    if name in LISTS:
        return _parts(cell)
    if name == FLAG:
        return TRUTHS.get(cell.casefold())
    if name == NUMBER:
        return int(cell) if cell.isascii() and cell.isdigit() and len(cell) < 4 else None
    return cell if name in TEXTS else None


def _indicator(text: str) -> Document:
    code, _, recency = text.partition("@")
    return {"code": code.strip(), **({"recency": recency.strip()} if recency.strip() else {})}


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]
