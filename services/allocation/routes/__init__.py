"""HTTP in: Hubs, workers, allocations and their life, hand-over plans, numbers."""

from services.allocation.routes import (
    allocations,
    hubs,
    imports,
    life,
    numbers,
    orders,
    plans,
    workers,
)

routers = [
    module.router for module in (hubs, imports, workers, allocations, life, orders, plans, numbers)
]
