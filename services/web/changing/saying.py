"""What was said since a referral was sent. Pure."""

from typing import Any

from services.web.changing.fields import Errors, Field, Values, lines, moment
from services.web.changing.section import Known, Section, Sent

YES_NO = (("yes", "Yes"), ("no", "No"))
CATEGORIES = ("existence", "concerns", "risk", "contact", "narrative", "outcome", "identity")
KINDS = ("2a", "6", "3a", "3f", "5a", "4", "8")
SAID_ON = (
    Field("said_on", "On which day did they say it?", "date", at="said_at"),
    Field("said_time", "At about what time?", "time", hint="Leave it empty if you don’t know."),
)


def discussion(section: Section, values: Values, known: Known) -> Sent | Errors:
    """What was discussed, or why it was not."""
    talked = values["discussed"] == "yes"
    if not talked and not values["not_discussed_because"]:
        return {"not_discussed_because": "Say why it was not talked about"}
    names = ("what", "wishes") if talked else ("not_discussed_because",)
    body = {"discussed": talked} | {name: values[name] for name in names if values[name]}
    return Sent(body, "discussion", tagged=True)


def consent(section: Section, values: Values, known: Known) -> Sent | Errors:
    """What was said about sharing: a change of mind is a new entry."""
    body: dict[str, Any] = {
        "status": values["status"],
        "given_by": values["given_by"],
        "categories": values["categories"],
        "agency_kinds": values["agency_kinds"],
        "agency_ids": lines(values["agency_ids"]),
    }
    if values["gillick"]:
        body["gillick_competent"] = values["gillick"] == "yes"
    if said_at := moment(values["said_on"], values["said_time"], known.zone):
        body["said_at"] = said_at
    return Sent(body, "consents")


def mistake(section: Section, values: Values, known: Known) -> Sent | Errors:
    """What was recorded by mistake never counted."""
    return Sent({"reason": values["reason"]}, f"consents/{known.entry_id}/invalidation")


def agreement(section: Section, values: Values, known: Known) -> Sent | Errors:
    """Whether they want the service."""
    return Sent({"agreed": values["agreed"]}, "service-agreement", "PUT")


def parents(section: Section, values: Values, known: Known) -> Sent | Errors:
    """What they said about telling their parents."""
    body = {"tell_parents": values["tell_parents"]}
    if said_at := moment(values["said_on"], values["said_time"], known.zone):
        body["said_at"] = said_at
    return Sent(body, "tell-parents", "PUT")


SAID = (
    Section(
        "discussion",
        "Talked with them",
        "What you have told them, and what they wish",
        (
            Field(
                "discussed",
                "Have you talked about this with them?",
                "radios",
                said=YES_NO,
                needed="Say whether you have",
            ),
            Field("what", "If yes: what did you tell them?", "area"),
            Field(
                "wishes",
                "If yes: what do they wish for?",
                "area",
                hint="Also what they don’t want.",
            ),
            Field("not_discussed_because", "If no: why not?", "radios", "not_discussed_reason"),
        ),
        discussion,
    ),
    Section(
        "consent",
        "Who may be told",
        "A yes, a no, or a yes that is taken back",
        (
            Field(
                "status",
                "What did they say?",
                "radios",
                said=(
                    ("given", "Yes"),
                    ("refused", "No"),
                    ("withdrawn", "They take back a yes of before"),
                ),
                needed="Say what they said",
            ),
            Field(
                "given_by", "Who said so?", "radios", "consent_given_by", needed="Say who said so"
            ),
            Field(
                "categories",
                "About what?",
                "ticks",
                "category",
                CATEGORIES,
                needed="Tick what it is about",
            ),
            Field(
                "agency_kinds",
                "Who may be told, or may not?",
                "ticks",
                "agency_kind",
                KINDS,
                hint="None ticked means everybody.",
            ),
            Field(
                "agency_ids", "Or these agencies, by their ids", "lines", hint="One on each line."
            ),
            *SAID_ON,
            Field(
                "gillick",
                "Under 16: do they understand what they agreed to?",
                "radios",
                said=(
                    ("yes", "Yes, I have talked it through with them"),
                    ("no", "No, or I don’t know"),
                ),
            ),
        ),
        consent,
        "A no, or a yes taken back, counts from the moment you save it. What was said before stays on "
        "record. A yes to your own agency counts once a worker has asked the young person.",
    ),
    Section(
        "consent-mistake",
        "A record of consent that is wrong",
        "",
        (
            Field(
                "reason",
                "What is wrong with it?",
                "radios",
                "invalidation_reason",
                needed="Say why",
            ),
        ),
        mistake,
        "It counts as if it had never been there, and what was told on it is called back. If they have "
        "changed their mind, record that instead.",
        "It was a mistake",
        about="con",
    ),
    Section(
        "agreement",
        "Whether they want this service",
        "A no does not stop the referral",
        (
            Field(
                "agreed",
                "Would they like to be helped by this service?",
                "radios",
                "service_agreement",
                needed="Say what they said",
            ),
        ),
        agreement,
    ),
    Section(
        "parents",
        "Whether parents or carers may be told",
        "From a “no” on they hear nothing through the network",
        (
            Field(
                "tell_parents",
                "What did the young person say?",
                "radios",
                said=(("yes", "They may be told"), ("no", "They must not be told")),
                needed="Say what they said",
            ),
            *SAID_ON,
        ),
        parents,
        "A “yes” ends an earlier “no” only if you say when it was said.",
    ),
)
