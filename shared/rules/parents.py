"""Whether a young person asked that their parents are not told. Pure.

It stands until the young person says otherwise themselves, later, or a practitioner of the Hub
decides otherwise with a reason. Nobody else's word ends it: no parent's, no other agency's.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from shared.events.codes import OF_FAMILY, UNKNOWN_KIND, Instruction
from shared.rules.known import ParentsWord

OF_KIND = "agency_kind:"
HUB = ("worker:", "hub_manager:")


def counts_as_family(kind: str) -> bool:
    """Whether an agency of this kind may be the parents: accounts of family, and each whose kind
    nobody has confirmed, for what it says of itself is no reason to show it anything."""
    return kind in OF_FAMILY or kind in ("", UNKNOWN_KIND)


def parents_not_told(words: Sequence[ParentsWord]) -> bool:
    """Whether "do not tell them" stands: it does unless each time it was said it was lifted since."""
    return any(
        word.tell == "no" and not any(_lifts(other, word) for other in words) for word in words
    )


def closed_to(words: Sequence[ParentsWord]) -> tuple[str, ...]:
    """Whom it keeps from reading and being told, by name as in safety marks: accounts of parents,
    relatives and carers; who may be one bears that name, too (`Person.names`)."""
    if not parents_not_told(words):
        return ()
    return tuple(sorted(f"{OF_KIND}{kind}" for kind in OF_FAMILY))


def instructions(names: Collection[str]) -> tuple[Instruction, ...]:
    """What every notice about somebody and every view of them says, by the names closed to them."""
    told = any(name.startswith(OF_KIND) for name in names)
    return ("do_not_tell_parents",) if told else ()


def _lifts(word: ParentsWord, no: ParentsWord) -> bool:
    """Only a yes whose time is known to be later. Who recorded the no may record that it was taken
    back, and so may the Hub; for anybody else it would be their own word against the young person's.
    """
    if word.tell != "yes" or word.by_family:
        return False
    of_hub = word.recorded_by.startswith(HUB)
    if word.reason is not None:
        return of_hub and word.recorded_at > no.recorded_at
    later = word.said_at is not None and _said_at(word) > _said_at(no)
    return later and (of_hub or word.recorded_by == no.recorded_by)


def _said_at(word: ParentsWord) -> datetime:
    """Nothing is said after it was recorded, whatever a clock said."""
    return min(word.said_at or word.recorded_at, word.recorded_at)
