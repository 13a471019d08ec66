"""Hubs and their policy: who may take what, how much, and how fast someone must answer. Pure.

Nothing here is law. The defaults come from published local procedures (named below), differ from
area to area, and are data of the Hub: no single number is defensible (ADCS survey,
docest.com/doc/687264).
"""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from services.allocation.directory.card import HubCard
from services.allocation.documents import Code, Codes, Incoming, Points
from services.allocation.risk.policy import LEVELS
from services.allocation.rota.plan import KnownGap, Rota
from shared.errors import Contradiction, Refused, Stale
from shared.events.codes import UNKNOWN_AREA, RiskLevel, Urgency, WorkerRole
from shared.events.workers import HubRegistered
from shared.storage.records import Change, Record, changed, unchanged

DUTY_DUE = "duty_due"
Minutes = Annotated[int, Field(ge=1, le=60 * 24 * 31)]
Days = Annotated[int, Field(ge=1, le=366)]


class Demand(Incoming):
    """What a level asks for: one of these qualifications, or so many months of experience."""

    qualifications: Codes = ()
    experience_months: Annotated[int, Field(ge=0, le=600)] = 0


class Scoring(Incoming):
    """What each reason for a worker is worth, in points; the sum decides."""

    continuity: Points = 500
    free_capacity: Points = 300
    specialism: Points = 100
    language: Points = 100
    preferred_times: Points = 50
    same_host: Points = 50


class Clocks(Incoming):
    """How long before something happens by itself.

    `answer_minutes`: for the worker, by urgency (a Hub's duty tray is allocated within 24 hours,
    liverpoolcs.trixonline.co.uk). `waiting_days`: before a waiting case is escalated, by level
    (two weeks in Cumberland, four in Walsall; higher levels sooner). As long may work that was
    accepted not have begun: the young person is waiting still. Reviews are weekly there.
    """

    answer_minutes: dict[Urgency, Minutes] = Field(
        {
            "immediate": 30,
            "same_day": 120,
            "one_working_day": 240,
            "five_working_days": 1440,
            "ten_working_days": 2880,
        }
    )
    waiting_days: dict[RiskLevel, Days] = Field(
        {
            "none_apparent": 28,
            "mild": 14,
            "moderate": 3,
            "significant": 1,
        }
    )
    review_days: Days = 7
    hold_review_days: Days = 28
    max_offers: Annotated[int, Field(ge=1, le=20)] = 3


class HubEntry(Incoming):
    """A Hub: its areas and its policy. Services differ on whether Spokes take high-risk work."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    areas: Annotated[tuple[Code, ...], Field(min_length=1, max_length=200)]
    duty_worker_id: Code | None = None
    spoke_ceiling: RiskLevel = "moderate"
    weights: dict[RiskLevel, Annotated[int, Field(ge=1, le=100)]] = Field(
        default_factory=lambda: dict(zip(LEVELS, (1, 2, 3, 5), strict=True))
    )
    caps: dict[WorkerRole, Points] = Field(
        {"hub_worker": 40, "spoke_worker": 30, "hub_manager": 20}
    )
    soft_percent: Annotated[int, Field(ge=1, le=100)] = 80
    demands: dict[RiskLevel, Demand] = Field({})
    scoring: Scoring = Scoring()
    clocks: Clocks = Clocks()
    supervision_days: Days = 31
    debrief_from: RiskLevel = "significant"

    @field_validator("areas")
    @classmethod
    def _named_once(cls, areas: tuple[str, ...]) -> tuple[str, ...]:
        if UNKNOWN_AREA in areas:
            raise Contradiction(
                "This code stands for an area that nobody knows: name the areas that the Hub serves."
            )
        return tuple(dict.fromkeys(areas))


class Hub(Record):
    """A Hub as stored. `revision` is the number of its entry; it is what If-Match is about, and
    `rota_revision` likewise. `on_rota` are all whom the rota names; at `duty_at` somebody
    else may be on duty; of `gaps_known` its managers were
    told, at `gaps_at`. `card`: what the directory says of its desk."""

    name: str
    areas: tuple[str, ...]
    duty_worker_id: str | None = None
    spoke_ceiling: RiskLevel = "moderate"
    weights: dict[str, int]
    caps: dict[str, int]
    soft_percent: int = 80
    demands: dict[str, Demand] = Field(default_factory=dict)
    scoring: Scoring = Scoring()
    clocks: Clocks = Clocks()
    supervision_days: int = 31
    debrief_from: RiskLevel = "significant"
    revision: int = 1
    rota: Rota | None = None
    rota_revision: int = 0
    on_rota: tuple[str, ...] = ()
    duty_at: datetime | None = None
    gaps_known: tuple[KnownGap, ...] = ()
    gaps_at: datetime | None = None
    card: HubCard | None = None
    card_revision: int = 0

    def timers(self) -> dict[str, datetime | None]:
        return {DUTY_DUE: self.duty_at}

    def weight(self, level: RiskLevel) -> int:
        """What a case of this level takes of a cap; a level without a weight of its own takes 1."""
        return self.weights.get(level, 1)

    def answer_minutes(self, urgency: Urgency) -> int:
        """How long a worker has to answer; a clock the Hub left out is the default one."""
        return self.clocks.answer_minutes.get(urgency, Clocks().answer_minutes[urgency])

    def waiting_days(self, level: RiskLevel) -> int:
        """When waiting is escalated; a clock the Hub left out is the default one."""
        return self.clocks.waiting_days.get(level, Clocks().waiting_days[level])


def to_begin_by(hub: Hub | None, level: RiskLevel, at: datetime) -> datetime:
    """When somebody asks why what was accepted at that time has not begun."""
    days = hub.waiting_days(level) if hub else Clocks().waiting_days[level]
    return at + timedelta(days=days)


def register_hub(hub_id: str, entry: HubEntry, revision: int = 1) -> tuple[Hub, HubRegistered]:
    """A new Hub and its event."""
    hub = Hub(id=hub_id, revision=revision, **entry.model_dump())
    event = HubRegistered(
        hub_id=hub_id, areas=hub.areas, spoke_ceiling=hub.spoke_ceiling, revision=revision
    )
    return hub, event


def hub_entry(hub: Hub) -> HubEntry:
    """The entry as it was put."""
    return HubEntry.model_validate(hub.model_dump(include=set(HubEntry.model_fields)))


def amend_hub(hub: Hub, entry: HubEntry, seen: Hub | None) -> Change[Hub]:
    """The Hub as it should be; the same again changes nothing. Open cases keep their weight.

    Raises `Stale` when it is not as it was `seen`: its areas were reserved for that state.
    """
    if hub_entry(hub) == entry:
        return unchanged(hub)
    if seen is None or hub.revision != seen.revision:
        raise Stale
    return _amended(hub, entry)


def amend_policy(hub: Hub, entry: HubEntry) -> Change[Hub]:
    """All but its areas as they should be, by a manager of the Hub."""
    if set(entry.areas) != set(hub.areas):
        raise Refused("areas_are_given", "An operator gives and takes the areas of a Hub.")
    if hub_entry(hub) == entry:
        return unchanged(hub)
    return _amended(hub, entry)


def _amended(hub: Hub, entry: HubEntry) -> Change[Hub]:
    _, event = register_hub(hub.id, entry, hub.revision + 1)
    return changed(hub, event, **entry.model_dump(), revision=hub.revision + 1)
