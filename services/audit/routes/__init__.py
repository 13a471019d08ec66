"""HTTP in: reading the trail, its proofs, its accounting, its reports, its exports."""

from fastapi import APIRouter

from services.audit.routes import accounting, entries, exports, proofs, reports, tiles

ROUTERS: list[APIRouter] = [
    tiles.router,
    proofs.router,
    accounting.router,
    reports.router,
    exports.router,
    entries.router,  # last: `/v1/trail/{seq}` would take the others' paths
]
