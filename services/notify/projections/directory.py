"""Agencies, agreements, Hubs, workers and sharing states as notify knows them. Pure.

Each has one source: every event carries the whole state, so the newest version is enough.
"""

from typing import Any

from services.notify.projections.state import State
from shared.events import Event
from shared.rules.sharing import SharingState, Terms


class Agency(State):
    """An agency; one that was never registered is active nowhere."""

    kind: str = ""
    areas: tuple[str, ...] = ()
    active: bool = False
    alias: str | None = None

    @property
    def gone(self) -> bool:
        """Registered once, and not active now."""
        return self.version > 0 and not self.active


class Agreement(State):
    """An information-sharing agreement."""

    terms: Terms | None = None


class Hub(State):
    """A Hub and the areas it serves."""

    areas: tuple[str, ...] = ()


class Worker(State):
    """A worker, and the Hub they belong to."""

    hub_id: str | None = None
    host_agency_id: str | None = None
    active: bool = False

    @property
    def gone(self) -> bool:
        """Registered once, and not active now."""
        return self.version > 0 and not self.active


class Subject(State):
    """A young person: what may be shared about them, with whom, on which ground; and who is unsafe."""

    sharing: SharingState = SharingState()
    unsafe_names: tuple[str, ...] = ()

    @property
    def unsafe(self) -> frozenset[str]:
        """Everybody marked as unsafe for them, by name; from events of before only the agencies."""
        agencies = (f"agency:{agency_id}" for agency_id in self.sharing.unsafe_agencies)
        return frozenset({*agencies, *self.unsafe_names})


def evolve_agency(agency: Agency, event: Event[Any]) -> Agency:
    """The agency after the event."""
    if event.version <= agency.version:
        return agency
    fields = event.data.model_dump(include={"kind", "areas", "active", "alias"})
    return Agency(version=event.version, **fields)


def evolve_agreement(agreement: Agreement, event: Event[Any]) -> Agreement:
    """The agreement after the event."""
    if event.version <= agreement.version:
        return agreement
    return Agreement(version=event.version, terms=event.data.terms)


def evolve_hub(hub: Hub, event: Event[Any]) -> Hub:
    """The Hub after the event."""
    if event.version <= hub.version:
        return hub
    return Hub(version=event.version, areas=event.data.areas)


def evolve_worker(worker: Worker, event: Event[Any]) -> Worker:
    """The worker after the event."""
    if event.version <= worker.version:
        return worker
    fields = event.data.model_dump(include={"hub_id", "host_agency_id", "active"})
    return Worker(version=event.version, **fields)


def evolve_subject(subject: Subject, event: Event[Any]) -> Subject:
    """The young person's sharing state after the event."""
    if event.version <= subject.version:
        return subject
    data = event.data
    return Subject(version=event.version, sharing=data.sharing, unsafe_names=data.marked())
