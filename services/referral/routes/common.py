"""What the routes have in common: the stores, the callers, and who may act on a referral."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Header, Path, Request

from services.referral.domain.disclosure import Look, Refusal, Viewer, ViewerKind, kind_of, refused
from services.referral.domain.incoming import Code
from services.referral.domain.referrals import Referral
from services.referral.store import Desk
from shared.clock import now
from shared.errors import BadRequest, NotFound, Outage
from shared.etags import Match
from shared.events import EventData
from shared.ids import new_id
from shared.records import Change
from shared.telemetry import log
from shared.tokens import AnyCaller, Caller, only


def desk(request: Request) -> Desk:
    """The stores, as `app.py` wired them."""
    found: Desk = request.app.state.referral
    return found


OnDesk = Annotated[Desk, Depends(desk)]
FromAgency = Annotated[Caller, only("agency")]
FromRegistrar = Annotated[Caller, only("operator", "hub_manager")]
ReferralId = Annotated[str, Path(pattern=r"^ref_[0-9a-f]{32}$")]
EntryId = Annotated[Code, Path()]


def idempotency_key(
    idempotency_key: Annotated[
        str | None,
        Header(
            max_length=255,
            description="Needed. Any string of yours that is new for every new request. The same "
            "key with the same body gives the same answer, for ever: after a timeout just send "
            "it again.",
        ),
    ] = None,
) -> str:
    key = (idempotency_key or "").strip().strip('"')
    if not key:
        raise BadRequest("idempotency_key_missing", "Send an Idempotency-Key header.")
    return key


Key = Annotated[str, Depends(idempotency_key)]


async def viewer(caller: AnyCaller, desk: OnDesk) -> Viewer:
    """The caller, with what the rules of disclosure need to know of them."""
    if caller.role == "agency":
        agency_id = caller.agency_id or ""
        try:
            kind = (await desk.agencies.get(agency_id)).kind
        except NotFound:
            kind = ""
        return Viewer("agency", agency_id, agency_kind=kind)
    if caller.role == "worker":
        return Viewer("worker", caller.worker_id or "", hub_id=caller.hub_id)
    if caller.role == "hub_manager":
        return Viewer("hub_manager", caller.sub, hub_id=caller.hub_id)
    role = "auditor" if caller.role == "auditor" else "operator"
    return Viewer(role, caller.sub)  # type: ignore[arg-type]


ByViewer = Annotated[Viewer, Depends(viewer)]


class _NotTheirs(Exception):
    def __init__(self, reason: Refusal) -> None:
        self.reason: Refusal = reason


async def refuse(
    desk: Desk, caller: Caller, viewer: Viewer, referral_id: str, action: str, reason: Refusal
) -> NotFound:
    """Write down that somebody asked for what is not theirs; returns what to raise.

    404, not 403: that a referral exists is information too. Should the writing fail, its error
    goes out as 503 instead, and still nothing is shown.
    """
    event = refused(referral_id, viewer, action, reason)
    await write_down(desk, caller, viewer, referral_id, event)
    return NotFound("referral")


async def write_down(
    desk: Desk, caller: Caller, viewer: Viewer, referral_id: str, event: EventData
) -> None:
    """Record a look or a refusal before it is answered. Raises `Outage` (503) if that fails,
    whatever the reason: what can't be recorded is not shown."""
    look = Look(id=new_id("look"), referral_id=referral_id, viewer_id=viewer.id, at=now())
    try:
        await desk.looks.add(look, event, by=caller.origin(referral_id))
    except Exception as error:
        log.error("look.not_recorded", error=type(error).__name__)
        raise Outage("look_not_recorded") from None


def side(referral: Referral, viewer: Viewer, unsafe: tuple[str, ...] = ()) -> ViewerKind:
    """How a caller who wants to act stands to a referral: its referrer, its worker or its Hub.

    A partner agency may read what it is permitted, never act. Raises what `acting` catches.
    """
    kind = kind_of(referral, viewer)
    if kind is None or kind == "agency" or (kind == "referrer" and not referral.reply):
        raise _NotTheirs("not_theirs")
    if kind == "referrer" and viewer.id in unsafe:
        raise _NotTheirs("recipient_unsafe")
    return kind


async def act(
    desk: Desk,
    caller: Caller,
    viewer: Viewer,
    referral_id: str,
    action: str,
    match: Match,
    rule: Callable[[Referral, ViewerKind], Change[Referral]],
) -> Referral:
    """Change a referral on behalf of a caller who stands to it as one that may act.

    Whoever doesn't is told it isn't there, whatever tag they send, and that is recorded.
    """
    try:
        unsafe = await unsafe_for(desk, referral_id)
        return await desk.referrals.change(
            referral_id,
            match.guard(lambda r: rule(r, side(r, viewer, unsafe))),
            by=caller.origin(referral_id),
        )
    except _NotTheirs as error:
        reason = error.reason
    raise await refuse(desk, caller, viewer, referral_id, action, reason)


async def held(
    desk: Desk, caller: Caller, viewer: Viewer, referral_id: str, action: str, *kinds: ViewerKind
) -> Referral:
    """The referral, for a caller who stands to it as one of `kinds`. Raises `NotFound`."""
    referral = await desk.referrals.get(referral_id)
    try:
        unsafe = (await desk.subjects.get(referral.subject_id)).sharing.unsafe_agencies
        if side(referral, viewer, unsafe) in kinds:
            return referral
        reason: Refusal = "not_theirs"
    except _NotTheirs as error:
        reason = error.reason
    raise await refuse(desk, caller, viewer, referral_id, action, reason)


async def unsafe_for(desk: Desk, referral_id: str) -> tuple[str, ...]:
    """The agencies that are unsafe for the young person of a referral."""
    referral = await desk.referrals.get(referral_id)
    return (await desk.subjects.get(referral.subject_id)).sharing.unsafe_agencies
