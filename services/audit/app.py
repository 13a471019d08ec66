"""The composition root of the audit service."""

from services.audit.routes import router
from services.audit.store import Trail
from shared.bus import Feed
from shared.runner import Build, Platform, Service
from shared.settings import Settings


class AuditSettings(Settings):
    """Nothing beyond what every service has."""


def build(_: AuditSettings) -> Build:
    """The service on a platform."""

    def on(platform: Platform) -> Service:
        trail = Trail(platform.database)
        return Service(
            name="audit",
            state=trail,
            routers=[router],
            prepare=trail.prepare,
            feed=Feed("audit", trail.append, trail.last_offset),
            loops=[trail.keep_lease],
        )

    return on
