"""Which claims of a token say who somebody is. Every issuer calls them otherwise. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Which ids a token of a role must name, and which it may. Any other makes it two kinds of caller.
NEEDED: dict[str, tuple[str, ...]] = {
    "agency": ("agency_id",),
    "worker": ("worker_id",),
    "hub_manager": ("hub_id",),
    "coordinator": ("area_id",),
    "auditor": (),
    "operator": (),
}
ALLOWED = {"worker": ("hub_id",)}
IDS = ("agency_id", "worker_id", "hub_id", "area_id")

# The name of a claim, or the way to one that stands within others.
Place = str | tuple[str, ...]

# In everybody's token: who it is of, and the program that asked for it. Where an id is read from one
# of these, it is an id of those only who need one.
OF_EVERYBODY = ("sub", "client_id", "azp")
# Several words in one text (RFC 6749 §3.3, RFC 9068 §2.2.3).
SCOPES = ("scope", "scp")


@dataclass(frozen=True)
class Claims:
    """Where an issuer says the role and the ids, where it does not call them so itself; and what it
    calls the roles. `places` has `role` and names of `IDS`, `roles` the issuer's words and which roles
    they are."""

    places: Mapping[str, Place] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)

    def read(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """The role and ids as we call them; what is not there is left out. Where the issuer names
        several roles, one of them must be one of ours: others are for other programs. Raises
        `ValueError` where a caller would be two people."""
        role = self._role(_at(claims, self.places.get("role", "role")))
        asked = [name for name in IDS if self._is_asked(name, role)]
        ids = {name: _at(claims, self.places.get(name, name)) for name in asked}
        return {n: v for n, v in {"role": role, **ids}.items() if v is not None}

    def _is_asked(self, name: str, role: Any) -> bool:
        return self.places.get(name) not in OF_EVERYBODY or name in NEEDED.get(role, ())

    def _role(self, said: Any) -> Any:
        if isinstance(said, str) and self.places.get("role") in SCOPES:
            said = said.split(" ")
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
