"""How much is recorded about one young person. Pure."""

from collections.abc import Sequence

from shared.errors import Refused

# Of each kind of record.
MAX_RECORDS = 500
# Kept free for a refusal or withdrawal, whatever else was recorded.
RESERVE = 500
# So much of it one agency records, and as much again that says no: the room of others is not its to
# fill, nor to measure, for that would tell what they have recorded.
MAX_OF_AGENCY = 100


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
