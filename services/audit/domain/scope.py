"""Who may ask the trail what. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import Forbidden
from shared.events.codes import Role


@dataclass(frozen=True)
class Scope:
    """What a caller's search is narrowed to, whether leaves are shown, and what must hold first."""

    where: Mapping[str, Any]
    leaves: bool
    hub_id: str | None = None
    agency_id: str | None = None

    def sees(self, fields: Mapping[str, Any]) -> bool:
        """Whether a single entry, found by its place or id, is within the scope."""
        return self.agency_id is None or self.agency_id in fields.get("concerns", ())


def scope_of(
    role: Role, where: Mapping[str, Any], *, agency_id: str | None, hub_id: str | None
) -> Scope:
    """An auditor sees everything. A Hub manager sees referrals of their Hub, one at a time. An
    agency sees that entries concerning it exist, in words and with their hash for a proof, but
    not the leaf: a leaf names the subject, and that would tell who is known elsewhere.

    Raises `Forbidden` for everyone else, and for a Hub manager who names no referral.
    """
    if role == "auditor":
        return Scope(where, leaves=True)
    if role == "hub_manager" and where.get("referral_id"):
        return Scope(where, leaves=True, hub_id=hub_id)
    if role == "agency" and agency_id:
        return Scope({**where, "concerns": agency_id}, leaves=False, agency_id=agency_id)
    raise Forbidden
