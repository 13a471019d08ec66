"""The composition root of the allocation service."""

import tomllib
from pathlib import Path

from services.allocation.domain.risk import RiskPolicy
from services.allocation.handlers import handlers
from services.allocation.routes import router
from services.allocation.store import Desk
from shared.runner import Build, Platform, Service
from shared.settings import Settings

DEFAULT_POLICY = Path(__file__).parent / "policies" / "seraf-shaped-1.toml"


class AllocationSettings(Settings):
    """`RISK_POLICY` is the path of a policy file; the default comes with the service."""

    risk_policy: Path = DEFAULT_POLICY


def build(settings: AllocationSettings) -> Build:
    """The service on a platform. Raises when the policy file is faulty: better not to start."""
    policy = RiskPolicy.model_validate(tomllib.loads(settings.risk_policy.read_text("utf-8")))

    def on(platform: Platform) -> Service:
        desk = Desk.on(platform, policy)
        return Service(
            name="allocation",
            state=desk,
            routers=[router],
            prepare=desk.prepare,
            handlers=handlers(desk),
        )

    return on
