"""Goals: the words are sealed first, then the goal is stored if the referral still takes it; every
look at the words is recorded before they are shown."""

from services.referral.acting import Asker, act, held
from services.referral.disclosure.access_record import record_access
from services.referral.disclosure.rule import Shown, viewed
from services.referral.goals.goal import Goal, Review
from services.referral.goals.request import GoalClosure, GoalEntry, GoalRead, GoalReviewEntry, read
from services.referral.goals.rule import agree, close, found, review
from services.referral.records import Referral, not_erased
from services.referral.store import Stores
from services.referral.vault import Erased
from shared.clock import now
from shared.rules.sharing import CATEGORIES
from shared.web.etags import Match


async def agree_goal(
    stores: Stores, asker: Asker, referral_id: str, entry: GoalEntry, key: str, match: Match
) -> tuple[Referral, Goal]:
    """The referral and the goal. Raises `Refused` once it was erased, or where no worker has it."""
    not_erased(await held(stores, *asker, referral_id, "write_goals"))
    by, vault = asker.caller.actor, stores.vault
    goal = Goal(
        id=vault.id_of("goal", referral_id, by, key),
        area=entry.area,
        words=(await vault.seal(referral_id, {"words": entry.words}))["words"],
        asked=vault.fingerprint("goal", entry.area, entry.words),
        agreed_at=now(),
        agreed_by=by,
    )
    after = await act(
        stores, *asker, referral_id, "write_goals", match, lambda r, _: agree(r, goal)
    )
    return after, found(after, goal.id)


async def review_goal(
    stores: Stores,
    asker: Asker,
    referral_id: str,
    goal_id: str,
    entry: GoalReviewEntry,
    key: str,
    match: Match,
) -> tuple[Referral, Goal]:
    """The referral and the goal with one more look at it."""
    by = asker.caller.actor
    review_id = stores.vault.id_of("rev", goal_id, by, key)
    said = Review(id=review_id, progress=entry.progress, at=now(), by=by)
    after = await act(
        stores, *asker, referral_id, "write_goals", match, lambda r, _: review(r, goal_id, said)
    )
    return after, found(after, goal_id)


async def close_goal(
    stores: Stores, asker: Asker, referral_id: str, goal_id: str, entry: GoalClosure, match: Match
) -> tuple[Referral, Goal]:
    """The referral and the goal with its outcome."""
    at, outcome = now(), entry.outcome
    after = await act(
        *(stores, *asker, referral_id, "write_goals", match),
        lambda r, _: close(r, goal_id, outcome, at),
    )
    return after, found(after, goal_id)


async def read_goals(
    stores: Stores, asker: Asker, referral_id: str, purpose: str
) -> tuple[Referral, list[GoalRead]]:
    """The referral and its goals in the young person's words. The look is recorded first."""
    caller, viewer = asker
    referral = await held(stores, caller, viewer, referral_id, "view_goals")
    sealed = {goal.id: goal.words for goal in referral.goals if goal.words is not None}
    try:
        words = await stores.vault.open(referral_id, sealed)
    except Erased:
        words = {}
    shown = Shown("worker" if viewer.role == "worker" else "hub_manager", CATEGORIES)
    event = viewed(referral, viewer, shown, purpose, part="goals")
    await record_access(stores, caller, viewer, referral_id, event)
    return referral, [read(goal, words.get(goal.id)) for goal in referral.goals]
