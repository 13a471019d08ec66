"""`/docs`: the page of the API, without a token, as the description itself."""

from functools import cache

from fastapi import APIRouter, FastAPI, Response

from shared.web.docs_page import POLICY, page


def docs_of(app: FastAPI) -> APIRouter:
    """The route of the page; it is made once, when somebody first asks."""
    router = APIRouter()
    made = cache(lambda: page(app.openapi()))

    @router.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        headers = {"Content-Security-Policy": POLICY}
        return Response(made(), media_type="text/html", headers=headers)

    return router
