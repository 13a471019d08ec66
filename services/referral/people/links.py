"""Which referrals are about one young person: linked, moved to another. Pure."""

from collections.abc import Collection

from services.referral.people.telling import ANOTHER, fits
from services.referral.records import Referral, snapshot
from services.referral.sharing.facts import Facts, merged
from services.referral.sharing.subject import Subject, about
from shared.errors import Refused
from shared.events import EventData
from shared.events.bounds import ENVELOPE, fit
from shared.events.referral import ReferralAmended
from shared.events.subject import SubjectLinked, SubjectRelinked
from shared.storage.records import Change, unchanged

# Of one young person's record when another's is joined to it; each alone has as much room.
MAX_CONSENTS = 1_000
MAX_BASES = 500
MOST_BYTES = 8_000_000


class SomebodyElse(Exception):
    """The referral is not, or not surely, about this young person."""


def new_subject(subject_id: str, referral_id: str, facts: Facts) -> tuple[Subject, EventData]:
    """A young person not known here before, and the event of the first referral."""
    subject = Subject(id=subject_id, facts={referral_id: facts})
    return subject, SubjectLinked(**about(subject, referral_id), known_before=False)


def link(subject: Subject, referral_id: str, facts: Facts) -> Change[Subject]:
    """One more referral about the same young person. One who is being joined to another takes it
    along.

    Raises `SomebodyElse` unless what it says of them agrees with what is known and contradicts
    nothing of it.
    """
    if referral_id in subject.facts:
        return unchanged(subject)
    if subject.undescribed or facts.described is None:
        raise SomebodyElse
    if not fits(facts.described, subject.described, joined=subject.joined):
        raise SomebodyElse
    moving = dict(subject.moving)
    if moving and set(moving) == set(subject.facts) and len(set(moving.values())) == 1:
        moving[referral_id] = next(iter(moving.values()))
    after = subject.but(facts={**subject.facts, referral_id: facts}, moving=moving)
    return Change(after, (SubjectLinked(**about(after, referral_id), known_before=True),))


def join(subject: Subject, other: Subject, group: Collection[str]) -> Change[Subject]:
    """Some referrals of `other` are about this young person, on a practitioner's word, with all
    that was recorded through them: a refusal must not get lost.

    Joining again brings along what was said since, and changes nothing where nothing was. A
    referral that comes back to whom it was about before is theirs as it was before.
    """
    parted = not set(other.facts) <= set(group)
    arriving = {i: _arriving(subject, other, i, parted=parted) for i in group if i in other.facts}
    facts = {
        i: merged(subject.facts[i], f) if i in subject.facts else f for i, f in arriving.items()
    }
    after = subject.but(
        facts={**subject.facts, **facts},
        arrived={**subject.arrived, **dict.fromkeys(facts, other.id)},
        # Each was decided to be the other at the same moment: it is done.
        moving={i: to for i, to in subject.moving.items() if to != other.id},
    )
    if after == subject:
        return unchanged(subject)
    return Change(after, tuple(_relinked(after, i, other.id, subject.id) for i in facts))


def gives_way(old: Subject, joining: Subject) -> bool:
    """Whether each was decided to be the other at the same moment, and it is `old` who stays: the
    one with the lesser id, so that both who carry it out choose alike."""
    return old.id < joining.id and old.id in joining.moving.values()


def _arriving(subject: Subject, other: Subject, referral_id: str, *, parted: bool) -> Facts:
    """Whom somebody was told apart from is nobody to go back to."""
    facts = other.facts[referral_id]
    came_from = (*facts.came_from, other.id)
    if parted and subject.id not in came_from:
        came_from = ()
    if subject.id in came_from:
        came_from = came_from[: came_from.index(subject.id)]
    elif parted:
        facts = _read_anew(facts)
    return facts.but(came_from=came_from)


def fits_in(subject: Subject, other: Subject) -> None:
    """Raises `Refused` where two records together are more than one may hold, or than can be stored
    at once: every referral that moves has an event with the whole state. The counts are asked first,
    for the rest takes as long as the records are large."""
    both = {**other.facts, **subject.facts}
    consents = sum(len(f.consents) for f in both.values())
    bases = sum(len(f.bases) for f in both.values())
    if consents > MAX_CONSENTS or bases > MAX_BASES:
        raise Refused("too_many_records", "Together they hold more than one record can.")
    for event in join(subject.but(facts=both), other, list(other.facts)[:1]).events:
        body = event.model_dump_json()
        fit(body, event.room() - ENVELOPE)
        if len(body) * len(other.facts) > MOST_BYTES:
            raise Refused("too_many_records", "They are too many to be joined at once.")


def leave(subject: Subject, joining: str, group: Collection[str], carried: int) -> Change[Subject]:
    """Some referrals turned out to be about somebody else.

    `carried` is the version whose facts `joining` has. A later one changes nothing yet: what was
    said since comes along first.
    """
    going = [i for i in group if i in subject.facts]
    if not going or subject.version != carried:
        return unchanged(subject)
    left = {i: f for i, f in subject.facts.items() if i not in group}
    if not any(subject.facts[i].came_from for i in going):  # no join is taken back
        left = {i: _read_anew(f) for i, f in left.items()}
    after = subject.but(
        facts=left,
        arrived={i: other for i, other in subject.arrived.items() if i not in group},
        moving={i: to for i, to in subject.moving.items() if i not in group},
    )
    return Change(after, tuple(_relinked(after, i, subject.id, joining) for i in going))


def _read_anew(facts: Facts) -> Facts:
    """Of a referral that said another child than those did from whom it is parted now."""
    return facts.but(described=None) if facts.described == ANOTHER else facts


def _relinked(after: Subject, referral_id: str, leaving: str, joining: str) -> SubjectRelinked:
    stated = about(after, referral_id)
    return SubjectRelinked(**stated, from_subject_id=leaving, to_subject_id=joining)


def reassign(referral: Referral, subject_id: str, subject_version: int) -> Change[Referral]:
    """A practitioner decided that it is about another young person than thought."""
    if referral.subject_id == subject_id:
        return unchanged(referral)
    after = referral.but(subject_id=subject_id, subject_version=subject_version)
    return Change(after, (ReferralAmended(**snapshot(after), amended=("subject_id",)),))
