"""Run the allocation service alone: `python -m services.allocation`."""

import asyncio

from services.allocation.app import AllocationSettings, build
from shared.runner import run_alone

if __name__ == "__main__":
    settings = AllocationSettings()
    asyncio.run(run_alone("allocation", settings, build(settings)))
