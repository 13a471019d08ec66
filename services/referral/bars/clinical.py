"""What is said of the young person: concerns, flags, notes, the plan of care. Pure.

What is readable goes into the narrative, where everybody who works with it reads it; a code that
means something here counts as well."""

from collections.abc import Iterator
from typing import Any

from services.referral.bars import codes
from services.referral.bars.concepts import Coded, address_of, coding, notes_of, reference, said
from services.referral.bars.message import Message
from services.referral.bars.nodes import Node

Document = dict[str, Any]
# What counts by its code.
KNOWN = (*codes.CONCERNS, codes.PROTECTION_PLAN, codes.LOOKED_AFTER, codes.SCENE_SAFETY, codes.SAFE)
OVER = ("inactive", "resolved", "remission")


class Clinical:
    """What was found: the pieces of the narrative, indicators, details, and danger to visitors."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.indicators: dict[str, Document] = {}
        self.subject: Document = {}
        self.visit: Document = {}

    def tell(self, label: str, *parts: str) -> None:
        """One more piece of the narrative, if it says anything."""
        if told := ", ".join(dict.fromkeys(part for part in parts if part)):
            self.pieces.append(f"{label}: {told}" if label else told)

    def count(self, found: list[Coded]) -> None:
        """A concern counts, whatever kind of resource says it."""
        for one in found:
            if one.code == codes.PROTECTION_PLAN:
                self.subject["child_protection_plan"] = "yes"
            elif one.code == codes.LOOKED_AFTER:
                self.subject["looked_after"] = "yes"
            elif one.code in codes.CONCERNS:
                raw = f"{one.code} {one.display}".strip()[:200]
                code = codes.CONCERNS[one.code] or raw
                self.indicators[code] = {"code": code, "recency": "current"}


def read_clinical(message: Message) -> Clinical:
    """All that the resources about the young person say, in the order in which they stand."""
    found = Clinical()
    _request(message.request, message.asked, found)
    for node in message.all("Encounter"):
        _encounter(node, found)
    for node in message.all("CarePlan"):
        _plan(node, found)
    for node in message.all("Flag"):
        _flag(node, found)
    for kind in ("Condition", "Observation", "AllergyIntolerance", "Procedure"):
        for node in message.all(kind):
            _observed(kind, node, found)
    for node in message.all("Communication"):
        texts = [one.text("contentString") for one in node.nodes("payload")]
        found.tell("", *texts, *notes_of(node))
        _links(node)
    for node in message.all("Location"):
        place = node.node("address")
        found.tell("Place", node.text("name"), node.text("description"), address_of(place))
        _links(node)
    return found


def _request(request: Node, categories: list[str], found: Clinical) -> None:
    concepts = [said(one) for one in request.nodes("reasonCode")]
    asked, words = said(request.node("code"))
    found.count([*asked, *(c for each, _ in concepts for c in each)])
    found.tell("", *(text for _, text in concepts))
    for text in notes_of(request):
        found.tell("", text)
    found.tell("Asked for", words, *categories)
    found.tell("For the young person", request.text("patientInstruction"))
    period = request.node("occurrencePeriod")
    times = [request.text("occurrenceDateTime"), period.text("start"), period.text("end")]
    found.tell("Wanted by the sender at, or from and to", *times)
    _links(request)
    request.drop("intent")


def _encounter(encounter: Node, found: Clinical) -> None:
    kind, period = coding(encounter.node("class")), encounter.node("period")
    times = period.text("start"), period.text("end")
    found.tell("Encounter", kind.display or kind.code, encounter.text("status"), *times)
    reference(encounter.node("serviceProvider"))
    _links(encounter)


def _plan(plan: Node, found: Clinical) -> None:
    found.tell("", plan.text("title"), plan.text("description"))
    for activity in plan.nodes("activity"):
        for one in activity.nodes("outcomeCodeableConcept"):
            concepts, text = said(one)
            found.count(concepts)
            found.tell("", text)
        found.tell("", activity.node("detail").text("description"))
    for text in notes_of(plan):
        found.tell("", text)
    period = plan.node("period")
    found.tell("The plan begins, or begins and ends", period.text("start"), period.text("end"))
    _links(plan)
    plan.drop("intent")


def _flag(flag: Node, found: Clinical) -> None:
    categories = [said(one, KNOWN) for one in flag.nodes("category")]
    concepts, text = said(flag.node("code"), KNOWN)
    status = flag.text("status")
    names = [name for _, name in categories if name]
    kinds = {c.code for each, _ in categories for c in each}
    _links(flag)
    if status != "active":
        found.tell("Flag that is over", *names, text)
        return
    found.count(concepts)
    scene = codes.SCENE_SAFETY in kinds or any("scene safety" in n.casefold() for n in names)
    if scene:
        safe = bool(concepts) and all(c.code == codes.SAFE for c in concepts)
        if not safe:
            found.visit = {"risk": "yes", "what": text or ", ".join(names)}
        elif not found.visit:
            found.visit = {"risk": "no", "what": text}
    found.tell("Flag", *names, text)


def _observed(kind: str, node: Node, found: Clinical) -> None:
    concepts, text = said(node.node("code"), KNOWN)
    status, _ = said(node.node("clinicalStatus"))
    verified, _ = said(node.node("verificationStatus"))
    over = any(one.code in OVER for one in status)
    if not over:
        found.count(concepts)
    quantity = node.node("valueQuantity")
    amount = " ".join(p for p in (quantity.number("value"), quantity.text("unit")) if p)
    quantity.drop("system", "code")
    values = [node.text("valueString"), said(node.node("valueCodeableConcept"))[1], amount]
    doubt = "not confirmed" if any(one.code != "confirmed" for one in verified) else ""
    when = [node.text(name) for name in ("effectiveDateTime", "onsetDateTime", "recordedDate")]
    past = "over" if over else ""
    kinds = [said(one)[1] for one in node.nodes("category")]
    found.tell(kind, text, *values, doubt, past, *when, *notes_of(node), *kinds)
    _links(node)


# Links between the resources of one message, and what says how far each is: routing, read and done with.
_LINKS = ("subject", "patient", "encounter", "requester", "author", "recorder", "source", "sender")
_LISTS = (
    "basedOn",
    "performer",
    "locationReference",
    "supportingInfo",
    "recipient",
    "reasonReference",
)


def _links(node: Node) -> None:
    for one in _linked(node):
        reference(one)
    node.drop("status")


def _linked(node: Node) -> Iterator[Node]:
    for name in _LINKS:
        yield node.node(name)
    for name in _LISTS:
        yield from node.nodes(name)
