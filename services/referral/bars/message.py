"""What a message is: about which referral, and what it wants. Pure.

The standard says in `MessageHeader.reason` only whether it is new; what became of the referral says
`ServiceRequest.status`."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from services.referral.bars import codes
from services.referral.bars.concepts import Coded, coding, reference, said
from services.referral.bars.nodes import Node
from services.referral.reading.marks import Aside, Path, aside, pointer
from shared.errors import Malformed

Wants = Literal["new", "update", "revoked", "entered-in-error"]
REASONS, STATUSES = ("new", "update"), ("active", "revoked", "entered-in-error")
# As long as an `agency_reference` may be.
LONGEST = 100
# Each is looked for.
MOST_NAMES = 5
# What a resource says of itself where it must not count.
MISTAKEN = ("entered-in-error",)


class Entry(NamedTuple):
    """A resource in its place, with every name it has."""

    node: Node
    kind: str
    names: frozenset[str]


class Message:
    """A bundle, taken apart. `header` and `request` are its MessageHeader and ServiceRequest,
    `requester` whom the request says it is from, `asked` what its categories say in words.

    Raises `Malformed` where it has not both, or is no message of ours.
    """

    def __init__(self, bundle: dict[str, Any]) -> None:
        self._bundle = Node(bundle, ())
        self.entries = list(_entries(self._bundle))
        self._named: dict[str, list[Entry]] = {}
        for entry in self.entries:
            for name in entry.names:
                self._named.setdefault(name, []).append(entry)
        self._kinds = {id(entry.node): entry.kind for entry in self.entries}
        self.header = self._only("MessageHeader")
        event = coding(self.header.node("eventCoding"))
        if event.code != codes.REQUEST:
            raise unsupported(
                pointer((*self.header.place, "eventCoding")),
                "Only referrals are taken here (servicerequest-request). Nothing was stored. To "
                "book an appointment, use the service that offers it.",
            )
        self.reason, _ = said(self.header.node("reason"))
        focus = next((reference(one) for one in self.header.nodes("focus")), "")
        self.request = self.find(focus, "ServiceRequest") or self._only("ServiceRequest")
        self.status = self.request.text("status") or "active"
        self.requester = reference(self.request.node("requester"))
        kinds = self.request.nodes("category")
        worded = [bool(one.members.get("text")) for one in kinds]
        told = [said(one, codes.PLAIN_CATEGORIES) for one in kinds]
        self.categories = [c for found, _ in told for c in found]
        self.asked = [
            words
            for has_text, (found, words) in zip(worded, told, strict=True)
            if has_text or not {c.code for c in found} <= codes.PLAIN_CATEGORIES
        ]

    @property
    def wants(self) -> Wants:
        """What is to be done."""
        if self.status in ("revoked", "entered-in-error"):
            return "revoked" if self.status == "revoked" else "entered-in-error"
        reasons = {one.code for one in self.reason}
        return "update" if "update" in reasons else "new"

    def all(self, *kinds: str) -> Iterator[Node]:
        """The resources of these kinds that nobody has taken, and that are not said to be mistakes."""
        for entry in self.entries:
            if entry.kind in kinds and not _mistaken(entry.node):
                yield entry.node

    def find(self, name: str, *kinds: str) -> Node | None:
        """The resource of one of these kinds that a reference means; None where it is not here."""
        found = (entry for entry in self._named.get(name, ()) if not kinds or entry.kind in kinds)
        return next((entry.node for entry in found), None)

    def kind_of(self, node: Node) -> str:
        """Of which kind a resource is."""
        return self._kinds[id(node)]

    def sender_names(self) -> list[str]:
        """Under which names the sender has the referral, the best first."""
        entry = next(one for one in self.entries if one.node is self.request)
        numbers = [one.members.get("value") for one in self.request.nodes("identifier")]
        own = [str(self.request.members.get("id") or "")]
        urls = sorted(name.rpartition(":")[2].rpartition("/")[2] for name in entry.names)
        found = [str(one) for one in [*numbers, *own, *urls] if one]
        usable = [one for one in dict.fromkeys(found) if len(one) <= LONGEST and one.isprintable()]
        return usable[:MOST_NAMES]

    def left(self) -> list[Aside]:
        """What nobody took, resource by resource."""
        found = [(entry.node.place, entry.node.left()) for entry in self.entries]
        self._bundle.drop("entry", "type", "timestamp")
        found.append(((), self._bundle.left()))
        kept = [aside(place, "not_understood", rest) for place, rest in found if rest is not None]
        return [*kept, *self._unknown()]

    def _unknown(self) -> Iterator[Aside]:
        """What it wants in a word that has no meaning here: it counts as what it most likely is."""
        if self.status not in STATUSES:
            place = (*self.request.place, "status")
            yield aside(place, "unknown_code", self.status, "active")
        if strange := [one.code for one in self.reason if one.code not in REASONS]:
            yield aside((*self.header.place, "reason"), "unknown_code", strange, self.wants)

    def _only(self, kind: str) -> Node:
        found = [entry.node for entry in self.entries if entry.kind == kind]
        if len(found) == 1:
            return found[0]
        why = f"A referral has one {kind}."
        raise Malformed("/entry", "missing" if not found else "too_many", why)


def unsupported(place: str, why: str) -> Malformed:
    """The polite no: it is well formed, and not for here."""
    return Malformed(place, "not_supported", why)


def _entries(bundle: Node) -> Iterator[Entry]:
    for number, one in enumerate(bundle.nodes("entry")):
        url, resource = one.text("fullUrl"), one.node("resource")
        kind = str(resource.members.get("resourceType") or "")
        names = {url, f"{kind}/{resource.members.get('id')}" if resource.members.get("id") else ""}
        place: Path = ("entry", number, "resource")
        if (more := Node({n: v for n, v in one.members.items() if n != "resource"}, place)).left():
            resource.members["$entry"] = more.left()
        yield Entry(Node(resource.members, place), kind, frozenset(names - {""}))


def _mistaken(node: Node) -> bool:
    verification = node.members.get("verificationStatus")
    told = str(verification) if isinstance(verification, dict) else ""
    return node.members.get("status") in MISTAKEN or any(
        word in told for word in ("entered-in-error", "refuted")
    )


def concern_of(found: list[Coded]) -> bool:
    """Whether one of these codes is a safeguarding concern about a child."""
    known = {*codes.CONCERNS, codes.PROTECTION_PLAN, codes.LOOKED_AFTER}
    return any(one.code in known for one in found)
