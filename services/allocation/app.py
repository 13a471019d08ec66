"""The composition root of the allocation service."""

from functools import partial
from pathlib import Path

from services.allocation.absence import route as absence
from services.allocation.assignment import order_route as orders
from services.allocation.assignment import route as allocations
from services.allocation.callers import has_left
from services.allocation.caseload import import_route as worker_import
from services.allocation.caseload import route as workers
from services.allocation.casework import closed_route
from services.allocation.casework import route as casework
from services.allocation.directory import card_route as cards
from services.allocation.directory import route as directory
from services.allocation.handlers import handlers
from services.allocation.handover import route as handover
from services.allocation.hubs import route as hubs
from services.allocation.measures import count_cases
from services.allocation.numbers import route as numbers
from services.allocation.risk import route as risk
from services.allocation.risk.policy_file import load_policy
from services.allocation.rota import route as rota
from services.allocation.store import Stores
from services.allocation.timers import run_timers
from shared.operating.kinds import from_file
from shared.operating.runner import Build, Platform, Service
from shared.operating.settings import Settings

ROUTERS = [
    module.router
    for module in (
        hubs,
        rota,
        worker_import,
        workers,
        absence,
        allocations,
        risk,
        casework,
        closed_route,
        orders,
        handover,
        numbers,
        cards,
        directory,
    )
]
DEFAULT_POLICY = Path(__file__).parent / "policies" / "seraf-shaped-1.toml"


class AllocationSettings(Settings):
    """`RISK_POLICY` is the path of a policy file; the default comes with the service."""

    risk_policy: Path = DEFAULT_POLICY


def build(settings: AllocationSettings) -> Build:
    """The service on a platform. Raises when the policy file is faulty: better not to start."""
    policy = from_file("RISK_POLICY", settings.risk_policy, load_policy)

    def on(platform: Platform) -> Service:
        stores = Stores.on(platform, policy)
        return Service(
            name="allocation",
            state=stores,
            routers=ROUTERS,
            prepare=stores.prepare,
            has_left=partial(has_left, stores),
            handlers=handlers(stores),
            loops=[partial(run_timers, stores)],
            measures=[partial(count_cases, stores)],
        )

    return on
