"""A decision on a match that its maker, or both makers, may not have taken: doubted, until somebody
else decides. Pure.

Who somebody is may be known only after they have decided. Nothing is undone by itself, for that would
make one child of two, or two of one, without a person: the match waits again, and until somebody else
has decided nothing of the young people opens to the agencies that they call for.
"""

from typing import NamedTuple

from services.referral.matches.decision import Doubt, Standing
from services.referral.sharing.speakers import MATCHED, spoken
from services.referral.sharing.subject import Subject, about
from shared.errors import Outage
from shared.events.subject import MatchDecidedAgain, MatchDoubted
from shared.origin import account_of
from shared.storage.records import Change, unchanged


def makers(standing: Standing) -> tuple[str, ...]:
    """The accounts by whose word the decision holds: of one that two Hubs took, both."""
    held = standing.held
    if held is None:
        return ()
    earlier = standing.decisions[: standing.decisions.index(held)]
    proposed = earlier[-1] if earlier and earlier[-1].proposed else None
    both = (proposed, held) if proposed and held.decision == "same_person" else (held,)
    return tuple(dict.fromkeys(account_of(one.by) for one in both if one))


class Made(NamedTuple):
    """By whose account a decision on these two referrals is carried out, and what there is to doubt of
    it already."""

    match_id: str
    decision_id: str
    pair: tuple[str, str]
    account: str
    doubt: Doubt | None


def signed(change: Change[Subject], made: Made) -> Change[Subject]:
    """The change that carries a decision out, with whose it is: what is doubted opens to nobody that it
    is closed to even for a moment."""
    if not change.events:
        return change
    change = spoken(change, made.pair[0], made.account, f"{MATCHED}{made.decision_id}")
    for referral_id in made.pair if made.doubt else ():
        if made.doubt and referral_id in change.after.facts:
            then = doubted(change.after, referral_id, made.match_id, made.doubt)
            change = Change(then.after, (*change.events, *then.events), change.due)
    return change


def doubted(subject: Subject, referral_id: str, match_id: str, doubt: Doubt) -> Change[Subject]:
    """The decision is doubted, and nothing opens to those agencies. Nothing changes where
    somebody has decided since. Safe to repeat. Raises `Outage` while the referral moves."""
    if referral_id not in subject.facts:
        raise Outage("referral_moved")
    doubts = subject.facts[referral_id].doubts
    before = doubts.get(doubt.decision_id, ())
    if before is None or (doubt.decision_id in doubts and {*doubt.agency_ids} <= {*before}):
        return unchanged(subject)
    closed = tuple(sorted({*before, *doubt.agency_ids}))
    after = subject.told(referral_id, doubts={**doubts, doubt.decision_id: closed})
    event = MatchDoubted(
        **about(after, referral_id),
        match_id=match_id,
        decision_id=doubt.decision_id,
        agency_ids=closed,
    )
    return Change(after, (event,))


def decided_again(
    subject: Subject, referral_id: str, match_id: str, decision_id: str
) -> Change[Subject]:
    """Somebody else has decided: that decision is no longer doubted, nor ever will be. Safe to repeat.
    Raises `Outage` while the referral moves."""
    if referral_id not in subject.facts:
        raise Outage("referral_moved")
    doubts = subject.facts[referral_id].doubts
    if decision_id in doubts and doubts[decision_id] is None:
        return unchanged(subject)
    after = subject.told(referral_id, doubts={**doubts, decision_id: None})
    event = MatchDecidedAgain(
        **about(after, referral_id), match_id=match_id, decision_id=decision_id
    )
    return Change(after, (event,))
