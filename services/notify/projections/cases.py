"""A referral as notify knows it. Pure.

A case has five sources, each with a version of its own: the referral's snapshot (`version`), its
status (`status_version`), the worker (`allocation_version`), the Hub (`hub_version`), and whom it
was taken from and given to (ordered by time). So events may come twice, late, or in any order.
"""

from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.notify.projections.state import State
from shared.events import Event
from shared.events.allocation import (
    AllocationAccepted,
    AllocationDeclined,
    AllocationEscalated,
    AllocationLapsed,
    AllocationMade,
    AllocationWaiting,
)
from shared.events.casework import AllocationClosed, AllocationHandedOver
from shared.events.codes import ReferralStatus, StatusReason, Urgency
from shared.events.erasure import ReferralErased
from shared.events.notify import RetractionReason
from shared.events.referral import ReferralAmended, ReferralReceived, ReferralStatusChanged
from shared.events.subject import SubjectRelinked
from shared.events.transfer import ReferralTransferred
from shared.events.unsafe import (
    AllocationCoverCalled,
    AllocationHolderChanged,
    AllocationTakenAway,
)

Snapshot = ReferralReceived | ReferralAmended
AboutWorker = (
    AllocationMade
    | AllocationWaiting
    | AllocationAccepted
    | AllocationDeclined
    | AllocationLapsed
    | AllocationHandedOver
    | AllocationEscalated
    | AllocationTakenAway
    | AllocationHolderChanged
    | AllocationCoverCalled
    | AllocationClosed
)
CASE_FIELDS = (
    *("subject_id", "subject_version", "agency_id", "area", "urgency", "due_at", "received_at"),
)


class Case(BaseModel):
    """A referral whose snapshot has arrived: identifiers and codes.

    `retraction_reason` says why nobody should know of it. `subject_pending` says that it was taken
    from this young person, and that the event which names the next one is still on its way.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    version: int = 0
    seen: int = 0
    subject_id: str
    subject_version: int = 0
    agency_id: str
    area: str
    urgency: Urgency
    due_at: datetime
    hub_id: str | None = None
    worker_id: str | None = None
    holder_id: str | None = None
    received_at: datetime | None = None
    taken_over_at: datetime | None = None
    retraction_reason: RetractionReason | None = None
    subject_pending: bool = False


class CaseState(State):
    """A case as stored, perhaps in part. `seen` is the newest version of the referral that arrived.

    `void` is why its status says that it should never have been; `left` and `joined` are when it
    was taken from each young person, and given to them. They keep the names they are stored under:
    replicas of two releases write them side by side.
    """

    guards: ClassVar[tuple[str, ...]] = (
        *("version", "seen", "status_version", "allocation_version", "hub_version"),
        *("left", "joined", "transfers"),
    )
    own: ClassVar[str] = "referral."

    subject_id: str | None = None
    subject_version: int = 0
    agency_id: str | None = None
    area: str | None = None
    urgency: Urgency | None = None
    due_at: datetime | None = None
    seen: int = 0
    status_version: int = 0
    void: RetractionReason | None = None
    erased: bool = False
    allocation_version: int = 0
    worker_id: str | None = None
    holder_id: str | None = None
    received_at: datetime | None = None
    hub_version: int = 0
    hub_id: str | None = None
    transfers: int = 0
    taken_over_at: datetime | None = None
    left: dict[str, datetime] = Field(default_factory=dict)
    joined: dict[str, datetime] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _hub_without_version(cls, stored: dict[str, Any]) -> dict[str, Any]:
        """The Hub had no version of its own once: it is not older than the worker's then."""
        if stored.get("hub_id") and "hub_version" not in stored:
            return {**stored, "hub_version": stored.get("allocation_version", 0)}
        return stored

    def retraction_reason(self, subject_id: str | None) -> RetractionReason | None:
        """Why nobody should know of this referral as one of this young person; None if all is well.

        Erased is for good, whatever follows.
        """
        if self.erased:
            return "erased"
        if self.void is not None:
            return self.void
        elsewhere = self.subject_id is not None and self.subject_id != subject_id
        return "wrong_person" if elsewhere or self.taken_from(subject_id) else None

    def taken_from(self, subject_id: str | None) -> bool:
        """Whether the referral was taken from this young person and not given back since."""
        at, back = self.left.get(subject_id or ""), self.joined.get(subject_id or "")
        return at is not None and (back is None or at > back)

    def case(self, referral_id: str) -> Case | None:
        """The case, or None while its snapshot has not arrived."""
        if self.area is None:
            return None
        fields = {name: getattr(self, name) for name in (*CASE_FIELDS, "version", "seen")}
        return Case(
            id=referral_id,
            **fields,
            hub_id=self.hub_id,
            worker_id=self.worker_id,
            holder_id=self.holder_id,
            taken_over_at=self.taken_over_at,
            retraction_reason=self.retraction_reason(self.subject_id),
            subject_pending=self.taken_from(self.subject_id),
        )


def evolve(state: CaseState, event: Event[Any]) -> CaseState:
    """The state after the event. The same events in any order, with repeats, end in one state."""
    data = event.data
    if isinstance(data, SubjectRelinked):
        return _relinked(state, data, event.time)
    if isinstance(data, AboutWorker):
        return _allocated(state, data, event.version)
    if isinstance(data, ReferralReceived | ReferralAmended):
        state = _snapshot(state, data, event.version)
    elif isinstance(data, ReferralStatusChanged):
        state = _status(state, data, event.version)
    elif isinstance(data, ReferralTransferred):
        state = _transferred(state, data)
    elif isinstance(data, ReferralErased):
        state = state.model_copy(update={"erased": True})
    return state.model_copy(update={"seen": max(state.seen, event.version)})


def _snapshot(state: CaseState, data: Snapshot, version: int) -> CaseState:
    if version <= state.version:
        return state
    fields = {name: getattr(data, name) for name in CASE_FIELDS}
    return state.model_copy(update={**fields, "version": version})


def _status(state: CaseState, data: ReferralStatusChanged, version: int) -> CaseState:
    if version <= state.status_version:
        return state
    reason = reason_to_retract(data.status, data.reason)
    return state.model_copy(update={"void": reason, "status_version": version})


def _transferred(state: CaseState, data: ReferralTransferred) -> CaseState:
    fields: dict[str, Any] = {}
    if state.taken_over_at is None or data.transferred_at > state.taken_over_at:
        fields |= {"taken_over_at": data.transferred_at}
    if data.transfers > state.transfers:
        fields |= {"transfers": data.transfers, "hub_id": data.hub_id}
        fields |= {"worker_id": None, "holder_id": None}
    return state.model_copy(update=fields)


def _allocated(state: CaseState, data: AboutWorker, version: int) -> CaseState:
    fields: dict[str, Any] = {"transfers": max(state.transfers, data.transfers)}
    of_now = data.transfers >= state.transfers  # else it was decided for the Hub before
    if version > state.allocation_version:
        worker = {"worker_id": _worker(data), "holder_id": getattr(data, "holder_id", None)}
        fields |= {"allocation_version": version, **(worker if of_now else {})}
    # Not every event names a Hub. The newest that does counts, also when it comes late.
    if data.hub_id is not None and version > state.hub_version:
        fields |= {"hub_version": version, **({"hub_id": data.hub_id} if of_now else {})}
    return state.model_copy(update=fields)


def _worker(data: AboutWorker) -> str | None:
    return None if isinstance(data, AllocationWaiting) else data.worker_id


def _relinked(state: CaseState, data: SubjectRelinked, time: datetime) -> CaseState:
    # Both young people have this event, each with a version of its own: the time orders them.
    at = time.replace(microsecond=time.microsecond // 1000 * 1000)  # the store keeps milliseconds
    return state.model_copy(
        update={
            "left": _latest(state.left, data.from_subject_id, at),
            "joined": _latest(state.joined, data.to_subject_id, at),
        }
    )


def _latest(times: dict[str, datetime], subject_id: str, at: datetime) -> dict[str, datetime]:
    before = times.get(subject_id)
    return times if before is not None and before >= at else {**times, subject_id: at}


def reason_to_retract(
    status: ReferralStatus, reason: StatusReason | None
) -> RetractionReason | None:
    """Whether the referral should never have been, so that nobody should have been told of it. Its
    status says so: the reason of another turn ("the end was an error") is about that turn."""
    if status != "entered_in_error":
        return None
    return "wrong_person" if reason == "wrong_person" else "entered_in_error"
