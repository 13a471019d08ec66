"""`/board`, `/caseloads`."""

from fastapi import APIRouter
from starlette.responses import Response

from services.web.managing.looking import board_of, caseloads_of
from services.web.managing.paging import Number
from services.web.visit import Visiting

router = APIRouter()


@router.get("/board")
async def get_board(visit: Visiting) -> Response:
    """What presses in the Hub."""
    return visit.page("managing/board.html", **await board_of(visit))


@router.get("/caseloads")
async def get_caseloads(visit: Visiting, page: Number = 1) -> Response:
    """Each worker's load, against what they may have."""
    return visit.page("managing/caseloads.html", **await caseloads_of(visit, page))
