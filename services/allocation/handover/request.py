"""Whose cases are to be handed over."""

from typing import Self

from pydantic import model_validator

from services.allocation.documents import Code, Incoming
from shared.errors import Contradiction
from shared.events.codes import HandoverReason


class PlanEntry(Incoming):
    """All open cases of one worker, or of all workers at one host."""

    worker_id: Code | None = None
    host_agency_id: Code | None = None
    reason: HandoverReason

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.worker_id is None) == (self.host_agency_id is None):
            raise Contradiction("Name either a worker or a host agency, one of the two.")
        return self
