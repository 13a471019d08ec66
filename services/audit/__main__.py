"""Run the audit service alone: `python -m services.audit`."""

import asyncio

from services.audit.app import AuditSettings, build
from shared.runner import run_alone

if __name__ == "__main__":
    settings = AuditSettings()
    asyncio.run(run_alone("audit", settings, build(settings)))
