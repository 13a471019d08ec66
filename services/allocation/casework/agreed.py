"""Goals as they are agreed and end, of which a case hears."""

from services.allocation.store import Stores
from shared.events import Event
from shared.events.goals import GoalAgreed, GoalClosed
from shared.origin import Origin


async def keep_goal(
    stores: Stores, event: Event[GoalAgreed] | Event[GoalClosed], by: Origin
) -> None:
    """The case can't be closed before the goal has an outcome; or it has one."""
    await stores.goals.keep(event)
