"""The referral: what is kept of it, and what happens to it whoever has it. Pure.

A sealed field is an encrypted one; `SEALED` says which category of data each belongs to."""

import hashlib
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.referral.areas.request import NearArea
from services.referral.form.sections import FORM, PEOPLE
from services.referral.goals.goal import Goal
from shared.errors import Refused
from shared.events.codes import (
    AgeBand,
    Ethnicity,
    Gender,
    ReferralStatus,
    RiskLevel,
    Setting,
    Urgency,
)
from shared.events.referral import Concern, ReferralAmended
from shared.events.transfer import TransferReason, TransferRefusal
from shared.rules.calendars import Nation
from shared.rules.sharing import Category
from shared.storage.records import Record

RESPONSE_DUE, TRANSFER_DUE = "response_due", "transfer_due"


ENDED: frozenset[ReferralStatus] = frozenset(
    {"closed", "rejected", "signposted", "withdrawn", "entered_in_error"}
)


URGENCIES: tuple[Urgency, ...] = (
    "immediate",
    "same_day",
    "one_working_day",
    "five_working_days",
    "ten_working_days",
)


# Sealed field (before the `~number` of the amendment that wrote it) → the category that lets a
# partner read it. None: nothing does.
SEALED: dict[str, Category | None] = {
    "agency_reference": None,
    "referrer": None,
    "identity": "identity",
    "address": "contact",
    "safe_contact": "contact",
    "health": "health",
    "education": "education",
    "family": "family",
    "raw_indicators": "concerns",
    "narrative": "narrative",
    "own_words": "narrative",
    "discussion": "narrative",
    "intelligence": "intelligence",
    # What was said about sharing, parents and the service, as it was taken.
    "sharing_said": None,
    **{name: category for name, (_, category) in FORM.items()},
    **PEOPLE,
    # What was not taken as it was sent, with where it stood.
    "set_aside": None,
    # The word for an area that nobody knew.
    "area_word": None,
}


class Amendment(BaseModel):
    """One change after sending: who made it, when, and which fields it names.

    What it says is sealed beside what was sent, under `field~number`, the first amendment is 1.
    `was` has the coded values that it replaced, `concerns` says how many it added. `previous` has
    sealed values that it replaced: amendments did, before decision 1103.
    """

    model_config = ConfigDict(frozen=True)

    at: datetime
    by: str
    fields: tuple[str, ...]
    was: dict[str, Any] = Field(default_factory=dict)
    concerns: int = 0
    previous: dict[str, bytes] = Field(default_factory=dict)


TransferStatus = Literal["waiting", "accepted", "declined", "taken_back", "over"]


class Transfer(BaseModel):
    """The last proposal to give the referral to another Hub, with what was known then that the other
    may have to know before it says yes. While it waits, `answer_by` is when the next one is told that
    nobody has answered.
    """

    model_config = ConfigDict(frozen=True)

    status: TransferStatus = "waiting"
    from_hub_id: str
    to_hub_id: str
    reason: TransferReason
    refusal: TransferRefusal | None = None
    area: str
    moves: bool = False
    urgency: Urgency
    level: RiskLevel | None
    age_band: AgeBand
    proposed_by: str
    proposed_at: datetime
    answer_by: datetime
    reminders: int = 0
    # When others were proposed in the day before it, that nobody answered.
    proposed_before: tuple[datetime, ...] = ()


class Referral(Record):
    """A referral as stored: coded fields in the clear, `sealed` ones encrypted with its own key."""

    agency_id: str
    subject_id: str
    subject_version: int
    reference_hash: str
    request_hash: str
    status: ReferralStatus
    reason: str | None = None
    outcome: str | None = None
    urgency: Urgency
    nation: Nation
    area: str
    received_at: datetime
    changed_at: datetime
    # Since when it stands as its sender is shown it: what changed since a moment is found by that.
    stands_since: datetime | None = None
    due_at: datetime
    overdue: bool = False
    reopenings: int = 0
    age_band: AgeBand
    gender: Gender
    ethnicity: Ethnicity
    concerns: tuple[Concern, ...]
    linked_issues: tuple[str, ...]
    settings_avoided: tuple[Setting, ...]
    preferred_times: tuple[str, ...]
    languages: tuple[str, ...] = ()
    needs: tuple[str, ...]
    requested_action: str
    discussed: bool
    # There is danger to whoever visits; what it is, is sealed.
    visit_risk: bool = False
    warnings: tuple[str, ...]
    sealed: dict[str, bytes]
    # Keyed hashes by which referrals about people like this one are found; gone once erased.
    blocks: tuple[str, ...] = ()
    amendments: tuple[Amendment, ...] = ()
    goals: tuple[Goal, ...] = ()
    suspected: tuple[str, ...] = ()
    # Proposals of another Hub to join it, and their ends, of which its Hub was told.
    proposals: tuple[str, ...] = ()
    hub_id: str | None = None
    worker_id: str | None = None
    # The duty worker who holds it while it waits.
    holder_id: str | None = None
    allocation_version: int = 0
    # How often it went to another Hub, and when it last did.
    transfers: int = 0
    transferred_at: datetime | None = None
    transfer: Transfer | None = None
    level: RiskLevel | None = None
    erased_at: datetime | None = None
    reply: bool = True
    # Agencies and kinds that its consents named and that were not there.
    unknown_recipients: tuple[str, ...] = ()
    # Warnings that followed from what was known when it came: its receipt says so again.
    noted: tuple[str, ...] = ()
    # Of an area that nobody knows: the keyed hash of its name, areas that are called nearly so, and
    # those that were suggested when it came.
    area_hash: str | None = None
    area_near: tuple[NearArea, ...] = ()
    noted_near: tuple[NearArea, ...] = ()
    # Keyed hashes of the messages (services/referral/bars) that were carried out on it.
    messages: tuple[str, ...] = ()

    def stamped(self, before: "Referral | None", at: datetime) -> "Referral":
        """With the moment, where what its sender is shown of how it stands became another."""
        last = before.stands_since if before else None
        if before is None or last is None:
            return self.but(stands_since=at)
        same = (
            shown_to_agencies(self) == shown_to_agencies(before) and self.overdue == before.overdue
        )
        return self if same else self.but(stands_since=max(at, last))

    def timers(self) -> dict[str, datetime | None]:
        running = awaits_answer(self) and not self.overdue
        waits = self.transfer if self.transfer and self.transfer.status == "waiting" else None
        return {
            RESPONSE_DUE: self.due_at if running else None,
            TRANSFER_DUE: waits.answer_by if waits else None,
        }


class AccessRecord(Record):
    """The record of one access, allowed or refused. Written before the answer goes out."""

    referral_id: str
    viewer_id: str
    at: datetime


def snapshot(referral: Referral) -> dict[str, Any]:
    """The coded state as `referral.received` and `referral.amended` carry it."""
    names = set(ReferralAmended.model_fields) - {"referral_id", "amended"}
    return {"referral_id": referral.id, **referral.model_dump(include=names)}


def not_erased(referral: Referral) -> None:
    """Raises `Refused` once nothing can be sealed for this referral any more: its key is gone."""
    if referral.erased_at is not None:
        raise Refused("erased", "The personal data of this referral was destroyed.")


def gave_up_reference(referral: Referral) -> bool:
    """Whether its agency may use its reference again: it went outside the network, or was erased."""
    return referral.reference_hash.startswith(("transferred:", "erased:"))


def awaits_answer(referral: Referral) -> bool:
    """Whether an answer is due: nobody has said yes, no or wait yet, or who sent it has not said
    what was asked for."""
    return referral.status in ("received", "screening", "returned")


def shown_to_agencies(referral: Referral) -> str:
    """A tag that changes with what an agency is shown of how the referral stands, and with nothing
    else: where it is in its life, how soon, and how often somebody amended it."""
    names = ("status", "reason", "outcome", "reopenings", "urgency")
    times = (referral.changed_at, referral.erased_at)
    stands = (
        *(getattr(referral, name) for name in names),
        # The store keeps milliseconds: as new as it is, it has the tag that it has when it is read.
        *(at and at.isoformat(timespec="milliseconds") for at in times),
        len(referral.amendments),
    )
    return hashlib.sha256(repr(stands).encode()).hexdigest()[:16]
