"""All sections, and which of them a page offers to whom. Pure."""

from collections.abc import Mapping
from typing import Any

from services.web.changing.amending import AMENDED
from services.web.changing.deciding import DECIDED
from services.web.changing.further import MORE
from services.web.changing.saying import SAID
from services.web.changing.section import Section
from services.web.changing.steps import STEPS

GROUPS = (
    ("Add or correct", (*AMENDED, *MORE)),
    ("What the young person has said", SAID),
    ("What you decide", DECIDED),
    ("The referral itself", STEPS),
)
BY_NAME = {section.name: section for _, sections in GROUPS for section in sections}


def offered(record: Mapping[str, Any], *, practitioner: bool) -> list[tuple[str, list[Section]]]:
    """The sections that can be opened from a record, by what they are about. Those of a single entry
    are opened from the entry."""
    found = [
        (
            title,
            [
                one
                for one in sections
                if one.is_for(practitioner=practitioner) and not one.about and one.fits(record)
            ],
        )
        for title, sections in GROUPS
    ]
    return [(title, sections) for title, sections in found if sections]
