"""What a young person said about telling their parents. Pure."""

from datetime import datetime

from services.referral.parents.request import ParentsEntry
from services.referral.sharing.room import room
from services.referral.sharing.rule import still_about
from services.referral.sharing.said import not_ahead, not_before, said_by
from services.referral.sharing.subject import Subject, about
from shared.errors import Refused
from shared.events.parents import ParentsWordRecorded
from shared.rules.parents import HUB
from shared.rules.sharing import ParentsWord
from shared.storage.records import Change, unchanged


def record_parents_word(
    subject: Subject,
    referral_id: str,
    word_id: str,
    entry: ParentsEntry,
    at: datetime,
    *,
    by: str,
    by_family: bool,
    where: str = "/said_at",
) -> Change[Subject]:
    """Add what was said. The same again of the same recorder adds nothing. Raises `Malformed` for
    what was said after now, `Refused` for a decision of somebody who is not of the Hub, and where
    there are too many records: for a "no" as much again has room."""
    still_about(subject, referral_id)
    not_ahead(entry.said_at, at, where)
    if entry.reason is not None and not by.startswith(HUB):
        raise Refused("hub_decides", "A worker on the case or a manager of the Hub decides this.")
    known, heard = subject.facts[referral_id].about_parents, subject.sharing.about_parents
    if entry.tell_parents == "no":
        at = not_before(at, heard)
    word = ParentsWord(
        id=word_id,
        tell=entry.tell_parents,
        said_at=said_by(entry.said_at, at),
        recorded_at=at,
        recorded_by=by,
        by_family=by_family,
        reason=entry.reason,
    )
    if any(_same(word, other) for other in known[-1:]) or any(w.id == word_id for w in known):
        return unchanged(subject)
    room(by, [each.recorded_by for each in heard], says_no=entry.tell_parents == "no")
    after = subject.told(referral_id, about_parents=(*known, word))
    stated = about(after, referral_id)
    event = ParentsWordRecorded(**stated, tell=entry.tell_parents, reason=entry.reason)
    return Change(after, (event,))


def _same(word: ParentsWord, other: ParentsWord) -> bool:
    apart = {"id", "recorded_at"}
    as_then = word.model_copy(update={"said_at": said_by(word.said_at, other.recorded_at)})
    same = other.model_copy(update={"said_at": said_by(other.said_at, other.recorded_at)})
    return as_then.model_dump(exclude=apart) == same.model_dump(exclude=apart)
