"""What a practitioner decides on a case: grounds to share, consents of others, danger, risk. Pure."""

import re
from typing import Any

from services.web.changing.fields import Errors, Field, Values, lines, moment
from services.web.changing.saying import YES_NO
from services.web.changing.section import Known, Section, Sent

CONFIRMING = ("asked_young_person", "asked_parent", "seen_in_writing")
REJECTING = ("not_said", "said_under_pressure", "recorded_in_error", "could_not_be_asked")
AN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
MARKED = (("agency", "An agency"), ("worker", "A worker"), ("account", "One account"))


def basis(section: Section, values: Values, known: Known) -> Sent | Errors:
    """A decision to share without consent."""
    body: dict[str, Any] = {
        "basis": values["basis"],
        "agency_ids": lines(values["agency_ids"]),
        "categories": values["categories"],
        "reason": values["reason"],
        "necessity": values["necessity"],
        "review_at": moment(values["review_on"], "", known.zone),
        "subject_told": values["subject_told"] == "yes",
    }
    if values["condition"]:
        body["condition"] = values["condition"]
    return Sent(body, "bases")


def basis_end(section: Section, values: Values, known: Known) -> Sent | Errors:
    """It ends now."""
    return Sent(None, f"bases/{known.entry_id}/end")


def confirm(section: Section, values: Values, known: Known) -> Sent | Errors:
    """A yes that an agency recorded: whether it was said. The reason says which it is."""
    body = {"confirmed": values["reason"] in CONFIRMING, "reason": values["reason"]}
    return Sent(body, f"consents/{known.entry_id}/confirmation")


def unsafe(section: Section, values: Values, known: Known) -> Sent | Errors:
    """A mark of safety, or its end."""
    kind, who = values["kind"], values["who"]
    body: dict[str, Any] = {"unsafe": values["unsafe"] == "yes", "relation": values["relation"]}
    if kind == "account":
        return Sent({**body, "sub": who}, "unsafe-accounts", "PUT")
    if not AN_ID.fullmatch(who):
        return {"who": "Enter the id as it stands in the network: letters, digits, - and _"}
    place = "unsafe-agencies" if kind == "agency" else "unsafe-workers"
    return Sent(body, f"{place}/{who}", "PUT")


def tell(section: Section, values: Values, known: Known) -> Sent | Errors:
    """The parents are told, whatever the young person has asked."""
    return Sent({"tell_parents": "yes", "reason": values["reason"]}, "tell-parents", "PUT")


def judge(section: Section, values: Values, known: Known) -> Sent | Errors:
    """A level of one's own."""
    body = {"level": values["level"], "reason": values["reason"]}
    return Sent(body, "judgement", service="allocation")


def reassess(section: Section, values: Values, known: Known) -> Sent | Errors:
    """Looked at again."""
    return Sent(None, "reassessment", service="allocation")


BASIS = Section(
    "basis",
    "Share without consent",
    "A decision of yours, with its reason",
    (
        Field("basis", "On which basis?", "radios", "lawful_basis", needed="Choose the basis"),
        Field(
            "condition",
            "For health, risk and what happened: on which condition?",
            "radios",
            "condition",
            hint="Without one, none of these is shared.",
        ),
        Field(
            "agency_ids",
            "With which agencies?",
            "lines",
            hint="One id on each line.",
            needed="Name them",
        ),
        Field("categories", "What?", "ticks", "category", needed="Tick what is shared"),
        Field("reason", "Why?", needed="Say why"),
        Field("necessity", "Why is no less enough?", needed="Say why no less is enough"),
        Field(
            "review_on",
            "When is it looked at again?",
            "date",
            hint="Within a year. On that day it ends by itself.",
            at="review_at",
            needed="Enter the day",
        ),
        Field(
            "subject_told",
            "Has the young person been told?",
            "radios",
            said=YES_NO,
            needed="Say whether they were",
        ),
    ),
    basis,
    "Ask first, where that is safe. The decision is recorded with your name; only the words are sealed.",
    "Decide so",
    practitioners=True,
    back="sharing",
)
BASIS_END = Section(
    *("basis-end", "End a decision to share", "", (), basis_end),
    note="From now on nothing is shared on it. What was told on it is called back.",
    button="End it now",
    about="bas",
    practitioners=True,
    back="sharing",
)
CONFIRM = Section(
    "confirm",
    "A yes that an agency recorded",
    "",
    (
        Field(
            "reason",
            "What have you found out?",
            "radios",
            "confirmation_reason",
            (*CONFIRMING, *REJECTING),
            hint="The first three confirm the yes. The others reject it: then it never counted.",
            needed="Say what you have found out",
        ),
    ),
    confirm,
    "Until somebody who does not gain by it has asked, it opens nothing to that agency.",
    about="con",
    practitioners=True,
    back="sharing",
)
UNSAFE = Section(
    "unsafe",
    "Somebody who is not safe",
    "They see nothing of this young person from then on",
    (
        Field(
            "unsafe",
            "What is it?",
            "radios",
            said=(("yes", "Mark them"), ("no", "Take a mark away")),
            needed="Say which",
        ),
        Field("kind", "Who?", "radios", said=MARKED, needed="Say who"),
        Field(
            "who",
            "Their id",
            hint="Of an account: the name by which your issuer knows it.",
            needed="Enter their id",
        ),
        Field(
            "relation",
            "What are they to the young person?",
            "radios",
            "unsafe_relation",
            needed="Say what",
        ),
    ),
    unsafe,
    "From the moment you save it nothing about this young person is shown or sent to them, under any "
    "of their names, on no ground. A case that a marked worker has is given to somebody else. They are "
    "not told why. Only a manager takes a mark away.",
    practitioners=True,
    back="sharing",
)
JUDGE = Section(
    "judgement",
    "How likely harm is",
    "Your own judgement, where the points are not right",
    (
        Field("level", "In your judgement", "radios", "risk_level", needed="Choose the level"),
        Field("reason", "Why?", "radios", "judgement_reason", needed="Say why"),
    ),
    judge,
    "It may be higher or lower than the points say. How soon somebody has to act does not fall by it.",
    practitioners=True,
)
REASSESS = Section(
    *(
        "reassessment",
        "I have looked at the risk again",
        "The next look is due in three months",
        (),
        reassess,
    ),
    note="The points are counted anew over all that was reported.",
    button="I have looked at it",
    practitioners=True,
)
TELL = Section(
    "tell-parents",
    "Tell the parents all the same",
    "Where the young person has asked that they are not told",
    (Field("reason", "Why?", "radios", "parents_reason", needed="Say why"),),
    tell,
    "Talk with the young person first, where that is safe. The decision is recorded with your name.",
    "Decide so",
    practitioners=True,
)
DECIDED = (JUDGE, REASSESS, BASIS, UNSAFE, TELL, BASIS_END, CONFIRM)
