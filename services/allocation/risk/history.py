"""What each referral says of a young person, and the level that this leads to. Pure.

A fact belongs to the referral that reported it and goes where that goes: so two who were taken for
one can be parted, and neither is left with what was said of the other.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from services.allocation.risk.policy import LEVELS, RiskPolicy
from services.allocation.risk.score import assess, highest
from shared.events.codes import JudgementReason, RiskLevel
from shared.events.referral import Concern


class Judgement(BaseModel):
    """A practitioner's own level, and the level the score gave when they set it."""

    model_config = ConfigDict(frozen=True)

    level: RiskLevel
    reason: JudgementReason
    by: str
    at: datetime
    scored_level: RiskLevel


class Reported(BaseModel):
    """What one referral says, each concern once, and a judgement that was made looking at it, of the
    referrals `over` which it was made. `home` is the young person it was first about; where it is
    not `here` any more, an older event of it says nothing."""

    model_config = ConfigDict(frozen=True)

    home: str = ""
    concerns: tuple[Concern, ...] = ()
    judgement: Judgement | None = None
    over: tuple[str, ...] = ()
    here: bool = True

    def with_(self, concerns: Iterable[Concern]) -> "Reported":
        """With what an event of the referral says, whichever came first: what was reported stays."""
        return self.model_copy(update={"concerns": merge(self.concerns, concerns)})


GONE = Reported(here=False)


def merge(known: Iterable[Concern], reported: Iterable[Concern]) -> tuple[Concern, ...]:
    """One concern per agency, code and recency, the newest: saying it again adds nothing."""
    newest: dict[tuple[str, str, str], Concern] = {}
    for concern in (*known, *reported):
        key = (concern.agency_id, concern.code, concern.recency)
        if key not in newest or newest[key].reported_at < concern.reported_at:
            newest[key] = concern
    return tuple(newest[key] for key in sorted(newest))


def present(reported: Mapping[str, Reported]) -> dict[str, Reported]:
    """Of the referrals that are about the young person now."""
    return {referral_id: told for referral_id, told in reported.items() if told.here}


def concerns_of(reported: Mapping[str, Reported]) -> tuple[Concern, ...]:
    """All that is reported of the young person."""
    return merge((), (c for told in present(reported).values() for c in told.concerns))


def newest_judgement(reported: Mapping[str, Reported]) -> Judgement | None:
    """The judgement that stands."""
    made = [told.judgement for told in present(reported).values() if told.judgement]
    return max(made, key=lambda judgement: judgement.at, default=None)


def level_from(reported: Mapping[str, Reported], policy: RiskPolicy) -> RiskLevel:
    """The level that these referrals alone lead to, as if no others had ever been there.

    Of two young people who were joined the higher level holds, whoever was judged: a judgement did
    not see what only the other's referrals say. Together they raise it as any two reports do.
    """
    here = present(reported)
    homes: dict[str, dict[str, Reported]] = {}
    for referral_id, told in here.items():
        homes.setdefault(told.home, {})[referral_id] = told
    levels = [_level_over_time(group, here, policy) for group in homes.values()]
    if len(homes) > 1:
        together = _peak(concerns_of(here), policy)
        judged = newest_judgement(here)
        if judged is None or _rank(together) > _rank(judged.scored_level):
            levels.append(together)
    return highest(LEVELS[0], *levels)


def _level_over_time(
    group: Mapping[str, Reported], here: Mapping[str, Reported], policy: RiskPolicy
) -> RiskLevel:
    """A score raises and never lowers. A judgement stands until the score is higher than it was."""
    concerns = concerns_of(group)
    judged = _last_over(group, here)
    if judged is None:
        return _peak(concerns, policy)
    before = [c for c in concerns if c.reported_at <= judged.at]
    scores = [assess(before, policy, judged.at).level]
    scores += [
        assess([c for c in concerns if c.reported_at <= at], policy, at).level
        for at in sorted({c.reported_at for c in concerns if c.reported_at > judged.at})
    ]
    risen = [score for score in scores if _rank(score) > _rank(judged.scored_level)]
    return highest(judged.level, *risen)


def _last_over(group: Mapping[str, Reported], here: Mapping[str, Reported]) -> Judgement | None:
    over = {i: t for i, t in here.items() if i in group or not set(t.over).isdisjoint(group)}
    return newest_judgement(over)


def _peak(concerns: tuple[Concern, ...], policy: RiskPolicy) -> RiskLevel:
    """The highest level that they had as they came."""
    times = sorted({c.reported_at for c in concerns})
    scores = [assess([c for c in concerns if c.reported_at <= at], policy, at) for at in times]
    return highest(LEVELS[0], *(score.level for score in scores))


def _rank(level: RiskLevel) -> int:
    return LEVELS.index(level)
