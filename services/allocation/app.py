"""The composition root of the allocation service."""

from pathlib import Path

from services.allocation.clocks import keep_sweeping
from services.allocation.domain.policy import load_policy
from services.allocation.handlers import handlers
from services.allocation.routes import routers
from services.allocation.store import Desk
from shared.runner import Build, Platform, Service
from shared.settings import Settings

DEFAULT_POLICY = Path(__file__).parent / "policies" / "seraf-shaped-1.toml"


class AllocationSettings(Settings):
    """`RISK_POLICY` is the path of a policy file; the default comes with the service.

    `CLOCK_EVERY` is how often, in seconds, clocks that ran out are looked for.
    """

    risk_policy: Path = DEFAULT_POLICY
    clock_every: float = 5.0


def build(settings: AllocationSettings) -> Build:
    """The service on a platform. Raises when the policy file is faulty: better not to start."""
    policy = load_policy(settings.risk_policy.read_text("utf-8"))

    def on(platform: Platform) -> Service:
        desk = Desk.on(platform, policy)
        return Service(
            name="allocation",
            state=desk,
            routers=routers,
            prepare=desk.prepare,
            handlers=handlers(desk),
            loops=[lambda: keep_sweeping(desk, settings.clock_every)],
        )

    return on
