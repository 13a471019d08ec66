"""docs/forms.md, what real forms ask and where it has its home: `make intake-rules`."""

import sys
from pathlib import Path

from services.referral.records import SEALED

PAGE = Path(__file__).parents[2] / "docs" / "forms.md"
SUSPECT, FAMILY, OTHERS = "people_concern", "people_family", "people_professional"
# What forms ask, with the members of `POST /v1/referrals` and the sealed sections they are in.
ROWS: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "suspects: name, aliases, birth date, address, phone, vehicle, relationship",
        dict.fromkeys(
            (
                *("people/name", "people/aliases", "people/date_of_birth", "people/addresses"),
                *("people/phones", "people/vehicles", "people/relationship", "people/agency_id"),
                "people/worker_id",
            ),
            SUSPECT,
        ),
    ),
    (
        "missing now; last seen; present place",
        dict.fromkeys(
            ("missing/now", "missing/last_seen_at", "missing/last_seen_place", "missing/present_place"),
            "missing",
        ),
    ),
    ("danger to a visiting worker", dict.fromkeys(("visit_risk/risk", "visit_risk/what"), "visit_risk")),
    (
        "parents and carers; parental responsibility; whether they know and agree",
        dict.fromkeys(
            ("people/parental_responsibility", "people/knows_of_referral", "people/agrees"), FAMILY
        ),
    ),
    (
        "siblings and household; other children at risk",
        dict.fromkeys(("people/lives_with", "people/at_risk"), FAMILY),
    ),
    ("associates, peers, other victims", {"people/kind": SUSPECT, "people/notes": SUSPECT}),
    (
        "the child's phones and e-mail, in order, each safe or not",
        dict.fromkeys(("contacts/ways",), "contacts"),
    ),
    ("legal and placement status", dict.fromkeys(("legal/legal", "legal/placement"), "legal")),
    (
        "migration, asylum; trafficking, National Referral Mechanism",
        {
            "migration/status": "migration",
            "trafficking/nrm": "trafficking",
            "trafficking/nrm_reference": "trafficking",
        },
    ),
    (
        "professionals involved",
        {"people/organisation": OTHERS, "people/role": OTHERS, "people/emails": OTHERS},
    ),
    (
        "day of the concern; when the referral was made",
        {"history/concern_on": "history", "history/made_at": "history"},
    ),
    ("kind of disability, mental health, pregnancy", dict.fromkeys(
        ("condition/disabilities", "condition/mental_health", "condition/pregnant"), "condition")),
    ("ethnicity by the census codes", {"background/ethnicity_code": "background"}),
    ("other ids: UPN, local authority, case numbers", {"identifiers/known": "identifiers"}),
    (
        "primary need, protection plan, earlier referrals, death",
        dict.fromkeys(
            (
                *("history/primary_need", "history/protection_plan_from"),
                *("history/protection_plan_to", "history/earlier_referrals", "history/died_on"),
            ),
            "history",
        ),
    ),
    (
        "religion, sexual orientation, first language",
        {
            "personal/religion": "personal",
            "personal/orientation": "personal",
            "background/first_language": "background",
        },
    ),
    (
        "implied consent; the requester's ODS code",
        {"history/implied_consent": "history", "referrer/organisation_code": "referrer"},
    ),
    (
        "the referrer's relationship to the child, line manager",
        {"referrer/relationship": "referrer", "referrer/line_manager": "referrer"},
    ),
    ("birth date not known in full", {"subject/born_about": "identity"}),
)  # fmt: skip
HEAD = """\
# What real forms ask, and where it goes

`make intake-rules` writes this page. It has what forms of partnerships, the children in need census and \
messages of the NHS ask beside a name and a story, each with its members in `POST /v1/referrals` and the \
category that lets a partner read it; a test posts each and looks who sees it. Everything is sealed, may \
be left out, goes with the erasure, and can be corrected by an amendment: a section by a merge patch, \
people by adding. `nobody`: only the sender and the Hub.

People are in three sections by their `kind`: parents, carers, siblings and household are `family`; \
professionals `health`, for who is involved tells of what; suspects, associates, other victims and \
whoever is of another kind `intelligence`. A suspect with an `agency_id` or `worker_id` of the network \
is marked as unsafe before the referral is stored, so nobody gives it to them (decision 1402).

`visit_risk` `yes` is in the event, too, as a flag without words; the Hub and the worker are told \
to read it before anybody goes.

| asked | members | category |
|---|---|---|
"""


def page() -> str:
    """The page as it should be."""
    lines = []
    for asked, members in ROWS:
        names = ", ".join(f"`{name}`" for name in members)
        categories = dict.fromkeys(str(SEALED[section] or "nobody") for section in members.values())
        lines.append(f"| {asked} | {names} | {', '.join(categories)} |\n")
    return HEAD + "".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write("docs/forms.md\n")
