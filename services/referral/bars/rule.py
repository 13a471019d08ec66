"""A message is carried out once, however often and wherever it comes in. Pure."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from services.referral.lifecycle.states import Move, move
from services.referral.records import Referral
from shared.rules.relations import Relation
from shared.storage.records import Change, unchanged

Rule = Callable[[Referral, Relation], Change[Referral]]
# How a referral ends by a message. The standard has no field that says why.
ENDINGS = {
    "revoked": Move("withdraw", "other"),
    "entered-in-error": Move("enter_in_error", "raised_in_error"),
}


def once(rule: Rule, message: str) -> Rule:
    """The rule, carried out once for this message: the keyed hash of its id is kept in the very write
    that carries it out."""

    def guarded(referral: Referral, stands: Relation) -> Change[Referral]:
        if message in referral.messages:
            return unchanged(referral)
        change = rule(referral, stands)
        if not change.events:
            return change
        after = change.after
        return replace(change, after=after.but(messages=(*after.messages, message)))

    return guarded


def end(wants: str, at: datetime) -> Rule:
    """The referral is withdrawn, or entered in error, by who sent it. Raises what `move` raises."""

    def rule(referral: Referral, _: Relation) -> Change[Referral]:
        return move(referral, ENDINGS[wants], "referrer", at)

    return rule
