"""HTTP in: witnesses send what they cosigned; whoever checks the trail fetches it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.audit.trail_query import TheAudit
from services.audit.witnesses.cosignatures import Cosignatures, Cosigned
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["proof"])
# A checkpoint and a hundred lines below it.
LONGEST = 20_000


class CosignedNote(BaseModel):
    """A checkpoint of this trail with a witness's line below it (C2SP tlog-cosignature)."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    note: Annotated[str, Field(min_length=1, max_length=LONGEST)]


class WitnessView(BaseModel):
    """One that the network agreed on, with the newest checkpoint it cosigned: its size, when it signed
    by its own word (a time to come is when it was sent), and the note."""

    name: str
    verifier_key: str
    size: int | None
    cosigned_at: datetime | None
    note: str | None


class WitnessesView(BaseModel):
    """Who vouches for the trail. `vouched`: up to this entry `needed` of them do; null while they are
    too few. What is said here proves nothing: give this answer to the verifier with `--cosigned`."""

    needed: int
    vouched: int | None
    witnesses: list[WitnessView]


@router.post("/v1/cosignatures", dependencies=[may("cosign_log")])
async def post_cosignature(_: AnyCaller, audit: TheAudit, entry: CosignedNote) -> WitnessesView:
    """Send what you cosigned as a witness. It is kept if one of the network's witnesses signed it, and
    it is a checkpoint of this trail; an older one, or one signed earlier, changes nothing."""
    return _view(audit.cosignatures, await audit.cosignatures.take(entry.note))


@router.get("/v1/cosignatures", dependencies=[may("check_log")])
async def get_cosignatures(_: AnyCaller, audit: TheAudit) -> WitnessesView:
    """The witnesses, and up to where each of them, and enough of them, vouch."""
    return _view(audit.cosignatures, await audit.cosignatures.newest())


def _view(kept: Cosignatures, newest: list[Cosigned]) -> WitnessesView:
    found = {each.name: each for each in newest}
    vouched = kept.vouched(newest)
    return WitnessesView(
        needed=kept.witnesses.needed,
        vouched=vouched.size if vouched else None,
        witnesses=[
            WitnessView(
                name=key.name,
                verifier_key=str(key),
                size=found[key.name].size if key.name in found else None,
                cosigned_at=found[key.name].at if key.name in found else None,
                note=found[key.name].note if key.name in found else None,
            )
            for key in kept.witnesses.keys
        ],
    )
