"""More sections of a referral that are amended: what forms ask beside the young person. Pure."""

from services.web.changing.amending import of, patch
from services.web.changing.fields import Errors, Field, Values
from services.web.changing.section import Known, Section, Sent


def person(section: Section, values: Values, known: Known) -> Sent | Errors:
    """Somebody around the young person: added to those who are known."""
    said = {f.name: f.sent(values[f.name]) for f in section.fields if values[f.name]}
    if said.keys() == {"kind"}:
        return {"name": "Write what is known of them: a name, a nickname, a telephone number"}
    return Sent({"people": [said]}, "amendments", tagged=True)


def _at(place: str) -> tuple[str, str, str]:
    return "health", place, "condition"


def _asked(name: str, question: str, category: str, place: str, at: str, hint: str = "") -> Field:
    return Field(name, question, "select", "asked", hint=hint, **of(category, place, at))


MORE = (
    Section(
        "needs",
        "Health and needs",
        "Disability, help with communication, NHS number",
        (
            Field(
                "communication_needs",
                "Help that they need to talk with us",
                "ticks",
                "communication_need",
                **of("health", "health/communication_needs"),
            ),
            _asked("disability", "Disabled", "health", "health/disability", "subject"),
            Field("nhs_number", "NHS number", **of("health", "health/nhs_number")),
            _asked("mental_health", "Mental ill health", *_at("condition/mental_health")),
            _asked("pregnant", "Pregnant", *_at("condition/pregnant")),
            Field(
                "words",
                "What else should be known of their health",
                **of("health", "condition/words", "condition"),
            ),
        ),
        patch,
    ),
    Section(
        "care",
        "Care and school",
        "Looked after, protection plan, where they are placed, school",
        (
            _asked("looked_after", "Looked after", "family", "family/looked_after", "subject"),
            _asked(
                "child_protection_plan",
                "Child protection plan",
                *("family", "family/child_protection_plan", "subject"),
            ),
            Field(
                "legal",
                "Legal status",
                "ticks",
                "legal_status",
                **of("family", "legal/legal", "legal"),
            ),
            Field(
                "placement",
                "Where they are placed",
                "select",
                "placement",
                **of("family", "legal/placement", "legal"),
            ),
            Field("school", "School", **of("education", "education/school")),
        ),
        patch,
    ),
    Section(
        "missing",
        "Missing",
        "Whether they are missing now, and where they were last seen",
        (
            _asked("now", "Are they missing now?", "contact", "missing/now", "missing"),
            Field(
                "last_seen_place",
                "Where they were last seen",
                **of("contact", "missing/last_seen_place", "missing"),
            ),
            Field(
                "last_seen_with",
                "With whom they were last seen",
                **of("contact", "missing/last_seen_with", "missing"),
            ),
            Field(
                "present_place",
                "Where they may be now",
                **of("contact", "missing/present_place", "missing"),
            ),
            _asked(
                "police_informed",
                "Do the police know?",
                *("contact", "missing/police_informed", "missing"),
            ),
            Field(
                "police_reference",
                "The number that the police have given",
                **of("contact", "missing/police_reference", "missing"),
            ),
        ),
        patch,
        "If they are missing and in danger, call 999 first.",
    ),
    Section(
        "visit",
        "Danger to whoever visits",
        "Dogs, weapons, people",
        (
            _asked("risk", "Is there danger?", "contact", "visit_risk/risk", "visit_risk"),
            Field("what", "What is it?", "area", **of("contact", "visit_risk/what", "visit_risk")),
        ),
        patch,
    ),
    Section(
        "trafficking",
        "Trafficking",
        "The National Referral Mechanism",
        (
            Field(
                "nrm",
                "How it stands there",
                "select",
                "nrm_status",
                **of("concerns", "trafficking/nrm", "trafficking"),
            ),
            Field(
                "nrm_reference",
                "Its number",
                **of("concerns", "trafficking/nrm_reference", "trafficking"),
            ),
        ),
        patch,
    ),
    Section(
        "background",
        "Religion, orientation, migration",
        "Only if they were asked",
        (
            Field("religion", "Religion", **of("intelligence", "personal/religion", "personal")),
            Field(
                "orientation",
                "Sexual orientation",
                "select",
                "orientation",
                **of("intelligence", "personal/orientation", "personal"),
            ),
            Field(
                "status",
                "Migration status",
                "select",
                "migration_status",
                **of("intelligence", "migration/status", "migration"),
            ),
        ),
        patch,
        "It is shared with nobody without a ground of its own.",
    ),
    Section(
        "people",
        "People around them",
        "Family, professionals, and who may be a danger",
        (
            Field(
                "kind",
                "Who is it?",
                "radios",
                "person_kind",
                hint="Who may have harmed or exploited them counts at once: they are told nothing and "
                "get no part in this case.",
                needed="Say who it is",
            ),
            Field("name", "Name"),
            Field("aliases", "Nicknames, names online", "lines", hint="One on each line."),
            Field("relationship", "What are they to the young person?"),
            Field("phones", "Telephone numbers", "lines", hint="One on each line."),
            Field("vehicles", "Vehicles", "lines", hint="One on each line."),
            Field("organisation", "Of a professional: where they work"),
            Field("role", "Of a professional: what they are"),
            Field("notes", "What else is known", "area"),
        ),
        person,
        "They are added to those who are known.",
    ),
)
