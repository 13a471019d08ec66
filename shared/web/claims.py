"""Which claims of a token say who somebody is. Every issuer calls them otherwise. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Which ids a token of a role must name, and which it may. Any other makes it two kinds of caller.
NEEDED: dict[str, tuple[str, ...]] = {
    "agency": ("agency_id",),
    "worker": ("worker_id",),
    "hub_manager": ("hub_id",),
    "auditor": (),
    "operator": (),
}
ALLOWED = {"worker": ("hub_id",)}
IDS = ("agency_id", "worker_id", "hub_id")
NAMES = ("role", *IDS)

# The name of a claim, or the way to one that stands within others.
Place = str | tuple[str, ...]


@dataclass(frozen=True)
class Claims:
    """Where an issuer says the role and the ids, where it does not call them so itself; and what it
    calls the roles. `places` has names of `NAMES`, `roles` the issuer's words and which roles they are."""

    places: Mapping[str, Place] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)

    def read(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """The role and ids as we call them; what is not there is left out. Where the issuer names
        several roles, one of them must be one of ours: others are for other programs. Raises
        `ValueError` where a caller would be two people."""
        found = {name: _at(claims, self.places.get(name, name)) for name in NAMES}
        return {
            n: v for n, v in {**found, "role": self._role(found["role"])}.items() if v is not None
        }

    def _role(self, said: Any) -> Any:
        words = said if isinstance(said, list) else [said]
        known = self.roles or {role: role for role in NEEDED}
        ours = {known[word] for word in words if isinstance(word, str) and word in known}
        if len(ours) > 1:
            raise ValueError("a token has two roles")
        return next(iter(ours), None)


def _at(claims: Any, place: Place) -> Any:
    """What stands there; None where nothing does."""
    for name in (place,) if isinstance(place, str) else place:
        claims = claims.get(name) if isinstance(claims, Mapping) else None
    return claims
