"""What a decision on two referrals would change, before it is taken: the same rules that decide
afterwards, asked of the young people as they are and as they would be. Pure."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict

from services.referral.matches.rule import Side
from services.referral.people.deciding import Decided, parting
from services.referral.people.links import join
from services.referral.records import Referral
from services.referral.sharing.subject import Subject
from shared.events.codes import AgeBand
from shared.events.declared import listed, plain
from shared.rules.sharing import CATEGORIES, Category, Request, SharingState, Terms, decide

NEW = "sub_new"


class Shift(BaseModel):
    """What an agency would be shown of one referral, more or less than now. With less, what it was
    told on a ground that ends is taken back."""

    model_config = ConfigDict(frozen=True)

    referral_id: str
    agency_id: str
    more: tuple[Category, ...]
    less: tuple[Category, ...]


class Change(BaseModel):
    """What would hold for one referral of your Hub: how old its young person is taken to be, how
    many consents and lawful-basis decisions count for them, who is marked as unsafe for them."""

    model_config = ConfigDict(frozen=True)

    referral_id: str
    age_before: AgeBand
    age_after: AgeBand
    consents: int
    bases: int
    marks_added: tuple[str, ...]
    marks_gone: tuple[str, ...]
    worker_marked: bool


class Effect(BaseModel):
    """What a decision would change for the referrals of your Hub; in codes, and in sentences.

    `elsewhere` counts the referrals of other Hubs about the two; they change, too. `workers` are
    those who have the two cases now, where they are several and would have one child.
    `second_person`: another Hub is concerned, and somebody there has to decide the same first.
    """

    model_config = ConfigDict(frozen=True)

    decision: Decided
    nothing_changes: bool
    changes: tuple[Change, ...] = ()
    shifts: tuple[Shift, ...] = ()
    workers: tuple[str, ...] = ()
    elsewhere: int = 0
    second_person: bool = False
    sentences: tuple[str, ...] = ()


def afterwards(mine: Side, other: Side, decision: Decided) -> dict[str, Subject]:
    """Referral → the young person it would be about, for all referrals of the two."""
    one, two = mine.subject, other.subject
    if decision == "same_person":
        return _each(one if one.id == two.id else join(two, one, list(one.facts)).after)
    if one.id != two.id:
        return _each(one) | _each(two)
    _, group = parting(one, mine.referral.id, other.referral.id, NEW)
    gone = Subject(id=NEW, facts={i: f for i, f in one.facts.items() if i in group})
    left = Subject(id=one.id, facts={i: f for i, f in one.facts.items() if i not in group})
    return _each(gone) | _each(left)


def _each(subject: Subject) -> dict[str, Subject]:
    return dict.fromkeys(subject.facts, subject)


def effect(
    pair: tuple[Side, Side],
    decision: Decided,
    own: Collection[Referral],
    agencies: Mapping[str, str],
    agreements: Iterable[Terms],
    purpose: str,
    at: datetime,
    *,
    second_person: bool = False,
    aliases: Mapping[str, str | None] = MappingProxyType({}),
) -> Effect:
    """What would change. `own` are the referrals of the asking Hub about the two young people,
    `agencies` the kind of each agency that might be shown something, `aliases` what stands for it
    where it was named before it was registered."""
    now = _each(pair[0].subject) | _each(pair[1].subject)
    then = afterwards(*pair, decision)
    terms = tuple(agreements)
    changes = tuple(_change(r, now[r.id], then[r.id]) for r in own)
    shifts = tuple(
        shift
        for r in own
        for agency in sorted((i, kind, aliases.get(i)) for i, kind in agencies.items())
        if (shift := _shift(r, now[r.id], then[r.id], agency, terms, purpose, at))
    )
    same = all(set(now[i].facts) == set(then[i].facts) for i in now)
    holders = {r.worker_id for r in own if r.worker_id} if decision == "same_person" else set()
    workers = tuple(sorted(holders)) if len(holders) > 1 and not same else ()
    told = Effect(
        decision=decision,
        nothing_changes=same,
        changes=() if same else changes,
        shifts=shifts,
        workers=workers,
        elsewhere=0 if same else len(set(now) - {r.id for r in own}),
        second_person=second_person and not same,
    )
    return told.model_copy(update={"sentences": sentences(told)})


def _change(referral: Referral, now: Subject, then: Subject) -> Change:
    return Change(
        referral_id=referral.id,
        age_before=now.sharing.age_band,
        age_after=then.sharing.age_band,
        consents=len(then.sharing.consents) - len(now.sharing.consents),
        bases=len(then.sharing.bases) - len(now.sharing.bases),
        marks_added=tuple(sorted(set(then.unsafe) - set(now.unsafe))),
        marks_gone=tuple(sorted(set(now.unsafe) - set(then.unsafe))),
        worker_marked=f"worker:{referral.worker_id}" in set(then.unsafe) - set(now.unsafe),
    )


def _shift(
    referral: Referral,
    now: Subject,
    then: Subject,
    agency: tuple[str, str, str | None],
    terms: tuple[Terms, ...],
    purpose: str,
    at: datetime,
) -> Shift | None:
    request = Request(
        sharer=referral.hub_id,
        taken_over_at=referral.transferred_at,
        referrer_id=referral.agency_id,
        agency_id=agency[0],
        agency_kind=agency[1],
        agency_alias=agency[2],
        purpose=purpose,
        categories=CATEGORIES,
    )

    def shown(sharing: SharingState) -> tuple[Category, ...]:
        return decide(request, sharing, terms, at).permitted

    before, after = shown(now.sharing), shown(then.sharing)
    more = tuple(c for c in after if c not in before)
    less = tuple(c for c in before if c not in after)
    if agency[0] == referral.agency_id or not (more or less):
        return None  # a referrer sees its own referral either way
    return Shift(referral_id=referral.id, agency_id=agency[0], more=more, less=less)


def sentences(told: Effect) -> tuple[str, ...]:
    """The same for people."""
    if told.nothing_changes:
        kept = "They are one young person already." if told.decision == "same_person" else ""
        return (kept or "They stay two young people, and are never linked but by a person.",)
    one = "one young person" if told.decision == "same_person" else "two young people"
    found = [f"The referrals would be about {one}."]
    if told.second_person:
        found.append("Another Hub is concerned: a manager there has to decide the same first.")
    for shift in told.shifts:
        who, what = shift.agency_id, shift.referral_id
        if shift.more:
            found.append(f"{who} would be shown more of {what}: {listed(shift.more)}.")
        if shift.less:
            found.append(
                f"{who} would be shown less of {what}: {listed(shift.less)}. What it was told on"
                " grounds that end is taken back."
            )
    if not told.shifts:
        found.append("No agency would be shown more or less.")
    for change in told.changes:
        found += _of(change)
    if told.workers:
        found.append(f"Their cases are with {listed(told.workers)}: one child, several workers.")
    if told.elsewhere:
        found.append(f"Referrals of other Hubs that change, too: {told.elsewhere}.")
    return tuple(found)


def _of(change: Change) -> list[str]:
    what, found = change.referral_id, []
    counts = {"consents": change.consents, "lawful-basis decisions": change.bases}
    for name, count in counts.items():
        if count:
            verb = "come along" if count > 0 else "go"
            found.append(f"For {what}, {name} would {verb}: {abs(count)}.")
    if change.age_before != change.age_after:
        ages = f"{plain(change.age_after)}, not {plain(change.age_before)}"
        found.append(f"The young person of {what} would be taken to be {ages}.")
    if change.marks_added:
        found.append(f"Marked as unsafe for {what} would be, too: {listed(change.marks_added)}.")
    if change.marks_gone:
        gone = listed(change.marks_gone)
        found.append(f"No longer marked as unsafe for {what} would be: {gone}.")
    if change.worker_marked:
        found.append(f"The worker of {what} would be marked: the case is taken from them.")
    return found
