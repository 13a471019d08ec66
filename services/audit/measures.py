"""What operators see of the trail beside what its writer says."""

from services.audit.log import gauges
from services.audit.log.store import Trail
from shared.clock import now


async def age_of_checkpoint(trail: Trail) -> None:
    """Note how old the newest checkpoint is."""
    newest = await trail.checkpoints.find_one({}, {"at": 1}, sort=[("_id", -1)])
    if newest is not None:
        gauges.checkpoint(now() - newest["at"])
