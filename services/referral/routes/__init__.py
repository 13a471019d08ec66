"""HTTP in, a file per resource."""

from services.referral.routes import agencies, intake, matches, records, sharing, steps

ROUTERS = (
    intake.router,
    records.router,
    steps.router,
    sharing.router,
    matches.router,
    agencies.router,
)
