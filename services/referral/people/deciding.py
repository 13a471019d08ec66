"""What a practitioner made of two referrals: one young person, or two. Pure.

A decision is one change of the young person whom the referrals are about; what moves follows."""

from collections.abc import Iterable, Sequence
from typing import Literal

from services.referral.people.telling import Description, agree, contradictions, fits
from services.referral.sharing.subject import Subject, about
from shared.errors import Refused
from shared.events.subject import SubjectMatchDecided
from shared.storage.records import Change, changed, unchanged

Decided = Literal["same_person", "different_people"]


def decide_same(
    subject: Subject, referral_id: str, other_id: str, other_subject_id: str
) -> Change[Subject]:
    """All referrals of this young person are about the other one: from now on they move there.
    Saying it again changes nothing, nor where the other referral has just come here. Raises
    `Refused` while any of them moves to somebody else."""
    _there(subject, referral_id)
    if other_id in subject.facts:
        return unchanged(subject)
    if subject.moving and set(subject.moving.values()) != {other_subject_id}:
        raise _otherwise()
    if set(subject.moving) == set(subject.facts):
        return unchanged(subject)
    moving = dict.fromkeys(subject.facts, other_subject_id)
    return changed(
        subject,
        _decided(subject, referral_id, other_id, other_subject_id, "same_person"),
        moving=moving,
    )


def decide_different(
    subject: Subject, referral_id: str, other_id: str, other_subject_id: str
) -> Change[Subject]:
    """The referral is about somebody else than another young person's: neither is ever linked to
    the other by itself. Saying it again changes nothing."""
    _there(subject, referral_id)
    if subject.moving.get(referral_id) == other_subject_id:
        raise _otherwise()
    if other_id in subject.facts[referral_id].apart:
        return unchanged(subject)
    event = _decided(subject, referral_id, other_id, other_subject_id, "different_people")
    after = _told_apart(subject, referral_id, other_id)
    return Change(after, (event,))


def decide_parting(
    subject: Subject, referral_id: str, other_id: str, new_id: str
) -> Change[Subject]:
    """Two referrals of this young person are about two: from now on one of them moves, with those
    that belong to it, to whom it was about before, or to a new young person of the id `new_id`.
    Saying it again while they move changes nothing. Raises `Refused` while either moves already.
    """
    _there(subject, referral_id)
    _there(subject, other_id)
    moves = {i for i in (referral_id, other_id) if i in subject.moving}
    if len(moves) == 1 and other_id in subject.facts[referral_id].apart:
        return unchanged(subject)
    if moves:
        raise _otherwise()
    to, group = parting(subject, referral_id, other_id, new_id)
    event = _decided(subject, referral_id, other_id, to, "different_people")
    after = _told_apart(_told_apart(subject, referral_id, other_id), other_id, referral_id)
    return Change(after.but(moving={**subject.moving, **dict.fromkeys(group, to)}), (event,))


def parting(
    subject: Subject, referral_id: str, other_id: str, new_id: str
) -> tuple[str, tuple[str, ...]]:
    """To whom, and which referrals, when two are parted.

    Joined by a person: the joining that made them one is undone, the later one where each came by
    its own, and all that came with it goes back. Linked by themselves: the first goes. Who was
    linked by itself goes along where that is sure.
    """
    mine, theirs = _way(subject, referral_id), _way(subject, other_id)
    same = 0
    while same < min(len(mine), len(theirs)) and mine[-1 - same] == theirs[-1 - same]:
        same += 1
    order = list(subject.facts)
    came = [i for i in (referral_id, other_id) if len(_way(subject, i)) > same]
    if not came:
        return new_id, _with_those_of(subject, [referral_id], order, other_id)
    going = max(came, key=order.index)
    end = _way(subject, going)[-1 - same :]
    group = [i for i in order if _way(subject, i)[-1 - same :] == end]
    since = order[order.index(group[0]) :]
    staying = other_id if going == referral_id else referral_id
    return end[0], _with_those_of(subject, group, since, staying)


def _with_those_of(
    subject: Subject, group: list[str], since: Sequence[str], staying: str
) -> tuple[str, ...]:
    """The group with each referral linked by itself that fits it, and either contradicts the one
    that stays, or has nothing else in common with any who stays that was there before it."""
    going, order = list(group), list(subject.facts)
    way = _way(subject, staying)
    for i in since:
        described = subject.facts[i].described
        own = _way(subject, i)
        if i in going or i == staying or described is None or way[-len(own) :] != own:
            continue
        stay = subject.facts[staying].described or Description()
        before = [j for j in order[: order.index(i)] if j not in going]
        if fits(described, _described(subject, going), joined=True) and (
            contradictions(described, stay)
            or not any(agree(described, d) for d in (stay, *_described(subject, before)))
        ):
            going.append(i)
    return tuple(i for i in order if i in going)


def _described(subject: Subject, referral_ids: Iterable[str]) -> list[Description]:
    known = (subject.facts[i].described for i in referral_ids)
    return [described for described in known if described is not None]


def _way(subject: Subject, referral_id: str) -> tuple[str, ...]:
    return (*subject.facts[referral_id].came_from, subject.id)


def kept_apart(one: Subject, other: Subject) -> bool:
    """Whether a person said that referrals of these two are about different people."""
    return _says_apart(one, other) or _says_apart(other, one)


def _says_apart(one: Subject, other: Subject) -> bool:
    return any(not set(f.apart).isdisjoint(other.facts) for f in one.facts.values())


def _told_apart(subject: Subject, referral_id: str, other_id: str) -> Subject:
    apart = {*subject.facts[referral_id].apart, other_id}
    return subject.told(referral_id, apart=tuple(sorted(apart)))


def _decided(
    subject: Subject, referral_id: str, other_id: str, other_subject_id: str, decision: Decided
) -> SubjectMatchDecided:
    return SubjectMatchDecided(
        **about(subject, referral_id),
        other_subject_id=other_subject_id,
        decision=decision,
        other_referral_id=other_id,
    )


def _there(subject: Subject, referral_id: str) -> None:
    if referral_id not in subject.facts:
        raise _otherwise()


def _otherwise() -> Refused:
    detail = "Somebody has just decided otherwise; look at the referral again."
    return Refused("decided_otherwise", detail)
