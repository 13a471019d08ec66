"""Sections of a referral that are amended: a merge patch of what was changed (RFC 7396). Pure."""

from typing import Any

from services.web.changing.fields import Errors, Field, Stands, Values, put
from services.web.changing.section import Known, Section, Sent

NOTHING = "You have changed nothing"
KEPT = "This can be corrected, not removed"
URGENCY = ("immediate", "same_day", "one_working_day", "five_working_days", "ten_working_days")


def patch(section: Section, values: Values, known: Known) -> Sent | Errors:
    """What differs from how it was shown, and nothing else: what somebody else wrote meanwhile, and
    what this reader may not see, stays as it is."""
    whole: dict[str, Any] = {}
    for one in section.fields:
        value = values[one.name]
        if value == known.was[one.name]:
            continue
        if one.kept and not value:
            return {one.name: KEPT}
        put(whole, one.place, one.sent(value) if value else None)
    return Sent(whole, "amendments", tagged=True) if whole else {section.fields[0].name: NOTHING}


def sooner(section: Section, values: Values, known: Known) -> Sent | Errors:
    """How soon somebody has to act: an amendment can only make it sooner."""
    now = known.record.get("urgency")
    if now in URGENCY and URGENCY.index(values["urgency"]) >= URGENCY.index(now):
        return {
            "urgency": "It stands at this or sooner already. To make it later, talk with the Hub"
        }
    return Sent({"urgency": values["urgency"]}, "amendments", tagged=True)


def signs(section: Section, values: Values, known: Known) -> Sent | Errors:
    """What was noticed: each is added."""
    found = [{"code": code, "recency": values["recency"]} for code in values["indicators"]]
    return Sent({"indicators": found}, "amendments", tagged=True)


def of(section: str, place: str, at: str = "subject") -> Stands:
    """Where a field stands in an amendment, below `at`, and in a record, below its category."""
    name = place.rpartition("/")[2]
    return {"at": f"{at}/{name}" if at else name, "seen": f"{section}/{place}"}


AMENDED = (
    Section(
        "more",
        "Something new",
        "What was seen, heard or said since",
        (
            Field("narrative", "What has become known since", "area"),
            Field("own_words", "What the young person says, in their own words", "area"),
        ),
        patch,
        "It is added to what was written before. Nothing is taken away.",
        "Send it to the Hub",
    ),
    Section(
        "signs",
        "What was noticed",
        "Signs, and when they were last seen",
        (
            Field(
                "indicators",
                "Tick what you have noticed since",
                "ticks",
                "indicator",
                needed="Tick at least one, or write it under “Something new”",
            ),
            Field("recency", "When was it last?", "radios", "recency", needed="Say when it was"),
        ),
        signs,
        "It is added to what was noticed before.",
    ),
    Section(
        "urgency",
        "How soon somebody has to act",
        "Make it sooner",
        (
            Field(
                "urgency",
                "By when?",
                "radios",
                "urgency",
                needed="Say how soon somebody has to act",
            ),
        ),
        sooner,
        "If they are in danger now, call 999 first.",
    ),
    Section(
        "identity",
        "Who they are",
        "Name, date of birth, gender",
        (
            Field("name", "Full name", kept=True, **of("identity", "identity/name")),
            Field("known_as", "The name they go by", **of("identity", "identity/known_as")),
            Field(
                "date_of_birth",
                "Date of birth",
                "date",
                **of("identity", "identity/date_of_birth"),
            ),
            Field(
                "estimated_age",
                "Or about how old, in years",
                "number",
                **of("identity", "identity/estimated_age"),
            ),
            Field("gender", "Gender", "select", "gender", **of("identity", "identity/gender")),
            Field(
                "ethnicity",
                "Ethnic group",
                "select",
                "ethnicity",
                **of("identity", "identity/ethnicity"),
            ),
        ),
        patch,
    ),
    Section(
        "place",
        "Where they live",
        "Area, address, with whom",
        (
            Field("area", "Area", kept=True, **of("existence", "area", "")),
            Field("address", "Address", **of("contact", "address/address")),
            Field(
                "living_situation",
                "With whom they live",
                **of("family", "family/living_situation"),
            ),
        ),
        patch,
        "Another area may mean another Hub.",
    ),
    Section(
        "contact",
        "How they can be reached safely",
        "Ways that are safe, and what must never be used",
        (
            Field(
                "channels",
                "Ways that are safe",
                "ticks",
                "safe_channel",
                **of("contact", "safe_contact/channels", "safe_contact"),
            ),
            Field(
                "details",
                "Number or address for that",
                **of("contact", "safe_contact/details", "safe_contact"),
            ),
            Field(
                "hours",
                "When it is safe",
                **of("contact", "safe_contact/hours", "safe_contact"),
            ),
            Field(
                "code_word",
                "A word by which they know that it is us",
                **of("contact", "safe_contact/code_word", "safe_contact"),
            ),
            Field(
                "never_contact",
                "Whom or what must never be used",
                "lines",
                hint="One on each line.",
                **of("contact", "safe_contact/never_contact", "safe_contact"),
            ),
            Field(
                "settings_avoided",
                "Where they would rather not meet somebody",
                "ticks",
                "setting",
                **of("contact", "settings_avoided", ""),
            ),
            Field(
                "preferred_times",
                "When they would rather meet",
                "ticks",
                "preferred_time",
                **of("contact", "preferred_times", ""),
            ),
        ),
        patch,
    ),
)
