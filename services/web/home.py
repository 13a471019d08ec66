"""`/`: to the first page of whoever is here, or how to begin."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.web.visit import show, to

router = APIRouter()


@router.get("/")
async def get_home(request: Request) -> Response:
    """Where each begins. Nobody needs a token to read what this is and where help is."""
    session = request.state.session
    first = session.person.first_page if session else None
    return to(first) if first else show(request, "home.html", session=session)
