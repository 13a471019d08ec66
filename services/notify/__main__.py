"""Run the notify service alone: `python -m services.notify`."""

import asyncio

from services.notify.app import NotifySettings, build
from shared.runner import run_alone

if __name__ == "__main__":
    settings = NotifySettings()
    asyncio.run(run_alone("notify", settings, build(settings)))
