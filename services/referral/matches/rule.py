"""A possible match of two referrals: whether it waits for a decision, and who is shown what. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from services.referral.access import Viewer, facts_of, person_of
from services.referral.matches.decision import Decision, Doubt, Standing
from services.referral.people.deciding import kept_apart
from services.referral.people.matching import Field, How, PossibleMatch
from services.referral.people.telling import Contradiction
from services.referral.records import ENDED, Referral
from services.referral.sharing.subject import Subject
from shared.events.codes import MatchGround
from shared.events.referral import MatchNoted, MatchSuspected
from shared.rules.access import decide
from shared.rules.access_table import Action
from shared.storage.records import Change, changed, unchanged


class Compared(BaseModel):
    """What two referrals say of who somebody is, side by side: codes, no values."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    agrees: dict[Field, How] = {}
    differs: tuple[Field, ...] = ()
    contradicts: tuple[Contradiction, ...] = ()
    score: int = 0

    @classmethod
    def of(cls, match: PossibleMatch, contradicts: Iterable[Contradiction]) -> "Compared":
        """As it is stored and shown."""
        return cls(
            agrees=dict(match.agrees),
            differs=match.differs,
            contradicts=tuple(contradicts),
            score=match.score,
        )


class Entry(BaseModel):
    """A possible match as it is kept: the two referrals in the order of their ids, since when it
    waits, what agreed when they were compared last, what was decided, and whether that is doubted."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    id: str
    referral_ids: tuple[str, str]
    since: datetime
    compared: Compared
    decisions: tuple[Decision, ...] = ()
    doubt: Doubt | None = None


@dataclass(frozen=True)
class Side:
    """One of the two referrals, with the young person it is about now."""

    referral: Referral
    subject: Subject


def is_undecided(one: Side, other: Side, doubt: Doubt | None = None) -> bool:
    """Whether a person has still to say whether the two are about one child. Whoever said
    something of either, and however they came to be one, it is said of both; unless it is doubted:
    what was said of sharing through a referral goes on counting after its erasure, so this does, too."""
    if doubt is not None:
        return True
    if one.referral.erased_at or other.referral.erased_at:
        return False
    return one.subject.id != other.subject.id and not are_apart(one, other)


def are_apart(one: Side, other: Side) -> bool:
    """Whether a person said that they are two, or one is on its way to the other."""
    moving = {*one.subject.moving.values(), *other.subject.moving.values()}
    return kept_apart(one.subject, other.subject) or bool(
        moving & {one.subject.id, other.subject.id}
    )


class ProposalView(BaseModel):
    """A Hub says that the two are one young person; it has no effect until somebody else, of the
    other Hub, decides the same. `yours`: your Hub proposed it. `by` is an account."""

    model_config = ConfigDict(frozen=True)

    id: str
    by: str
    hub_id: str | None
    at: datetime
    ground: MatchGround
    yours: bool


class MatchView(BaseModel):
    """A possible match as a Hub's manager may see it.

    `referral_ids` are those of your Hub. Where the other referral is another Hub's you are told
    that there is one and whom to speak with (`hub_id`; null while no Hub has it), and nothing of it:
    `elsewhere`. `decided_again`: it was decided, by somebody who may not have; somebody else decides
    again. `contradicts` says why nobody was linked: `nhs_number` (two valid ones), `gender`
    (with another sign), `number_of_another` (one number, other names and birth dates). `score` only
    sorts. `open_case`: one of the referrals you see has not ended.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    referral_ids: tuple[str, ...]
    elsewhere: bool
    hub_id: str | None
    since: datetime
    open_case: bool
    decided_again: bool = False
    proposed: ProposalView | None = None
    agrees: dict[str, str] | None = None
    differs: tuple[str, ...] | None = None
    contradicts: tuple[str, ...] | None = None
    explanation: tuple[str, ...] | None = None
    score: int | None = None


def holder(referral: Referral, served: Mapping[str, str]) -> str | None:
    """The Hub that has a referral: until one holds it, the one that serves its area."""
    return referral.hub_id or served.get(referral.area)


def own_sides(sides: tuple[Side, Side], viewer: Viewer, action: Action) -> tuple[Side, ...]:
    """The sides with which this viewer may do that: none of them where they are marked as unsafe
    for the child of either."""
    who = person_of(viewer)
    verdicts = [decide(action, who, facts_of(s.referral, viewer, s.subject)) for s in sides]
    if any(verdict.relation == "unsafe" for verdict in verdicts):
        return ()
    return tuple(s for s, verdict in zip(sides, verdicts, strict=True) if verdict.allowed)


def view(
    entry: Entry, sides: tuple[Side, Side], viewer: Viewer, served: Mapping[str, str]
) -> MatchView | None:
    """What this viewer is shown of an undecided match; None: it is not there."""
    if not is_undecided(*sides, entry.doubt) or not (
        own := own_sides(sides, viewer, "view_matches")
    ):
        return None
    elsewhere = [s.referral for s in sides if s not in own]
    told = MatchView(
        id=entry.id,
        referral_ids=tuple(s.referral.id for s in own),
        elsewhere=bool(elsewhere),
        hub_id=holder(elsewhere[0], served) if elsewhere else None,
        since=entry.since,
        open_case=any(s.referral.status not in ENDED for s in own),
        decided_again=entry.doubt is not None,
        proposed=_proposed(entry, sides, viewer, served),
    )
    if elsewhere:
        return told
    match = PossibleMatch(tuple(entry.compared.agrees.items()), entry.compared.differs)
    codes = entry.compared.model_dump() | {"explanation": match.explanation}
    return told.model_copy(update=codes)


def _proposed(
    entry: Entry, sides: tuple[Side, Side], viewer: Viewer, served: Mapping[str, str]
) -> ProposalView | None:
    told = Standing(decisions=entry.decisions).proposal
    holds = {s.referral.id: holder(s.referral, served) for s in sides}
    if told is None or told.hub_id != holds.get(told.referral_id):
        return None  # the referral went to another Hub: it proposes for itself
    fields = told.model_dump(include=set(ProposalView.model_fields))
    return ProposalView(**fields, yours=told.hub_id == viewer.hub_id)


# So many Hubs' worth of news is enough of one referral: the list shows all of them.
MOST_TOLD = 100


def suspect_match(
    referral: Referral, others: Iterable[str], *, elsewhere: Collection[str] = ()
) -> Change[Referral]:
    """Other referrals may be about the same young person. Each is told once; of those of another
    Hub (`elsewhere`) only that there are some."""
    new = set(others) - set(referral.suspected)
    if not new:
        return unchanged(referral)
    event = MatchSuspected(
        referral_id=referral.id,
        subject_id=referral.subject_id,
        other_referral_ids=tuple(sorted(new - set(elsewhere))),
        elsewhere=bool(new & set(elsewhere)),
    )
    return changed(referral, event, suspected=(*referral.suspected, *sorted(new)))


def note_match(referral: Referral, other_id: str, *, elsewhere: bool) -> Change[Referral]:
    """A later referral may be about the same young person. Its own Hub hears so by that one; the
    Hub of this one, where it is another, by this."""
    if other_id in referral.suspected or len(referral.suspected) >= MOST_TOLD:
        return unchanged(referral)
    if elsewhere:
        return suspect_match(referral, [other_id], elsewhere=[other_id])
    event = MatchNoted(
        referral_id=referral.id, subject_id=referral.subject_id, other_referral_ids=(other_id,)
    )
    return changed(referral, event, suspected=(*referral.suspected, other_id))
