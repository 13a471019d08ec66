"""What any holder of a token may have: checkpoints, hash tiles, keys. Hashes say nothing by themselves."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from services.audit.log.damage import Damaged
from services.audit.log.store import Signed
from services.audit.log.tiles import BadPath, Tile, parse_path
from services.audit.state import Audit
from services.audit.trail_query import TheAudit
from shared.errors import NotFound, Refused
from shared.rules.values import Number
from shared.web.access import may
from shared.web.tokens import AnyCaller

TEXT = "text/plain; charset=utf-8"
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}

router = APIRouter(tags=["proof"])


class KeyView(BaseModel):
    """A verifier key (C2SP signed-note) and the sizes of checkpoints for which it counts."""

    verifier_key: str
    first: int
    last: int | None


class KeysView(BaseModel):
    """Every key there ever was. Keep your own copy: a key told by the log proves little."""

    origin: str
    keys: list[KeyView]


@router.get("/checkpoint", response_class=Response, dependencies=[may("check_log")])
async def get_checkpoint(_: AnyCaller, audit: TheAudit) -> Response:
    """The newest checkpoint, a C2SP signed note."""
    return _note(await audit.trail.newest())


@router.get("/v1/checkpoints/{size}", response_class=Response, dependencies=[may("check_log")])
async def get_checkpoint_of(
    _: AnyCaller, audit: TheAudit, size: Annotated[Number, Path()]
) -> Response:
    """The checkpoint of exactly this size, if one was ever signed."""
    return _note(await audit.trail.checkpoint(size))


def _note(found: Signed | None) -> Response:
    if found is None:
        raise NotFound("checkpoint")
    return Response(found.note, media_type=TEXT)


@router.get("/tile/{path:path}", response_class=Response, dependencies=[may("check_log")])
async def get_tile(_: AnyCaller, audit: TheAudit, path: str) -> Response:
    """A hash tile by its C2SP path, full or partial. Entries are not served here."""
    found = await _content(audit, _tile_at(path))
    return Response(found, media_type="application/octet-stream", headers=FOR_EVER)


def _tile_at(path: str) -> Tile:
    try:
        tile = parse_path(f"tile/{path}")
    except BadPath:
        raise NotFound("tile") from None
    if not isinstance(tile, Tile):
        raise NotFound("tile")
    return tile


async def _content(audit: Audit, tile: Tile) -> bytes:
    try:
        found = await audit.trail.tree.tile(tile, await audit.trail.state())
    except Damaged:
        raise damaged() from None
    if found is None:
        raise NotFound("tile")
    return found


@router.get("/v1/keys", dependencies=[may("check_log")])
async def get_keys(_: AnyCaller, audit: TheAudit) -> KeysView:
    """The verifier keys with the size range each is valid for."""
    keys = [
        KeyView(verifier_key=e.verifier_key, first=e.first, last=e.last)
        for e in await audit.ring.entries()
    ]
    return KeysView(origin=audit.ring.origin, keys=keys)


def damaged() -> Refused:
    """The answer where the store no longer holds what a proof needs."""
    return Refused("trail_damaged", "The trail is damaged here; /v1/trail/integrity says where.")
