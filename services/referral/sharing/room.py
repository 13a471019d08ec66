"""How much is recorded about one young person. Pure."""

from collections.abc import Sequence

from shared.errors import Refused
from shared.rules.carried import carried
from shared.rules.sharing import Consent, SharingState

# Of each kind of record.
MAX_RECORDS = 500
# Kept free for a refusal or withdrawal, whatever else was recorded.
RESERVE = 500
# So much of it one agency records, and as much again that says no: the room of others is not its to
# fill, nor to measure, for that would tell what they have recorded.
MAX_OF_AGENCY = 100
# So many bytes of an event its words take, and as much again with those that say no: what others say
# travels in the same event, and a no of theirs must fit.
MAX_BYTES_OF_AGENCY = 6_000


def room(by: str, recorded_by: Sequence[str | None], *, says_no: bool = False) -> None:
    """Returns if there is room for one more record of this recorder beside those that there are.

    Raises `Refused` where the record is full, and for an agency that has said its share.
    """
    theirs = MAX_OF_AGENCY * (2 if says_no else 1)
    if by.startswith("agency:") and recorded_by.count(by) >= theirs:
        detail = "You have recorded as much about them as one agency can: phone the Hub."
        raise Refused("too_many_records", detail)
    if len(recorded_by) - (RESERVE if says_no else 0) >= MAX_RECORDS:
        raise Refused("too_many_records", "A person must look at this record first.")


def share(by: str, consents: Sequence[Consent], consent: Consent, *, says_no: bool) -> None:
    """Returns if what this recorder has said, with one consent more, leaves the others their room.

    Only what can still decide travels, and counts. What others have said is not looked at: how much
    room is left does not tell of it. Raises `Refused` for an agency that would take more.
    """
    if not by.startswith("agency:"):
        return
    before = [each for each in consents if each.recorded_by == by]
    most = MAX_BYTES_OF_AGENCY * (2 if says_no else 1)
    size = _size([*before, consent])
    if size > most and size > _size(before):
        detail = "You have recorded as much about them as one agency can: phone the Hub."
        raise Refused("too_many_records", detail)


def _size(consents: Sequence[Consent]) -> int:
    standing = carried(SharingState(consents=tuple(consents))).consents
    return sum(len(each.model_dump_json()) + 1 for each in standing)
