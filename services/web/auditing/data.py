"""`/trail/data/…`: what the browser's own check computes from, as the audit API gives it, with the token of
whoever is here. Nothing is added, nothing is judged, nothing can be changed by it.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import JSONResponse, Response

from services.web.api import Refused
from services.web.auditing.why import Purpose
from services.web.paths import Place
from services.web.visit import Visit, Visiting

router = APIRouter(prefix="/trail/data")
# As C2SP tlog-tiles writes it: a level, groups of three digits, the width of one that is not full.
TILE = r"^[0-9]{1,2}(/x[0-9]{3})*/[0-9]{3}(\.p/[0-9]{1,3})?$"
Size = Annotated[int, Query(ge=0, lt=2**53)]


@router.get("/checkpoint")
async def get_checkpoint(visit: Visiting) -> Response:
    """The newest checkpoint, a signed note; as a file, to be kept somewhere else."""
    answer = await _given(visit, "/checkpoint")
    answer.headers["Content-Disposition"] = 'attachment; filename="checkpoint.txt"'
    return answer


@router.get("/keys")
async def get_keys(visit: Visiting) -> Response:
    """The keys of the trail, as it names them itself."""
    return await _given(visit, "/v1/keys")


@router.get("/entries/{seq}")
async def get_leaf(visit: Visiting, seq: Place, purpose: Purpose) -> Response:
    """An entry with the exact bytes that were sealed."""
    return await _given(visit, f"/v1/trail/{seq}", purpose=purpose)


@router.get("/inclusion")
async def get_inclusion(visit: Visiting, seq: Size, size: Size) -> Response:
    """The proof that an entry is in the trail of that size."""
    return await _given(visit, "/v1/proofs/inclusion", seq=seq, size=size)


@router.get("/tile/{path:path}")
async def get_tile(visit: Visiting, path: Annotated[str, Path(pattern=TILE)]) -> Response:
    """Hashes of the tree, as they are stored."""
    return await _given(visit, f"/tile/{path}")


@router.get("/consistency")
async def get_consistency(visit: Visiting, first: Size, second: Size) -> Response:
    """The proof that a later trail only adds to an earlier one."""
    return await _given(visit, "/v1/proofs/consistency", first=first, second=second)


async def _given(visit: Visit, path: str, **params: Any) -> Response:
    try:
        answer = await visit.api.ask("audit", "GET", path, params=params)
    except Refused as error:
        return JSONResponse({"code": error.code}, error.status)
    return Response(answer.content, media_type=answer.kind)
