"""The register of areas, and what of a referral depends on it. Pure."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from services.referral.areas.names import key_of, nearest
from services.referral.areas.request import AreaEntry, NearArea
from services.referral.records import Amendment, Referral, snapshot
from shared.errors import Refused
from shared.events.areas import AreaRegistered
from shared.events.codes import UNKNOWN_AREA, ReferralStatus
from shared.events.referral import ReferralAmended
from shared.storage.records import Change, Record, unchanged

WARNING = "area_unknown"
CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
# With a worker, who is not taken away by an amendment.
HELD: frozenset[ReferralStatus] = frozenset({"allocated", "in_progress", "on_hold"})


class Area(Record):
    """An area as registered. `name_keys` are its code and its names as they are compared."""

    name: str
    aliases: tuple[str, ...] = ()
    retired: bool = False
    name_keys: tuple[str, ...] = ()


class Place(NamedTuple):
    """Where a word for an area belongs: a code; for a word that nobody knows, or that is the name of
    several areas, `unknown`, and those that are called nearly so."""

    code: str
    near: tuple[NearArea, ...] = ()

    @property
    def known(self) -> bool:
        """Whether it is one area of the register."""
        return self.code != UNKNOWN_AREA


def register_area(code: str, entry: AreaEntry) -> tuple[Area, AreaRegistered]:
    """An area and its event."""
    keys = tuple(dict.fromkeys(map(key_of, (code, entry.name, *entry.aliases))))
    area = Area(id=code, name_keys=keys, **entry.model_dump())
    return area, _registered(area)


def amend_area(area: Area, entry: AreaEntry) -> Change[Area]:
    """The area with this entry; the same again changes nothing."""
    after = register_area(area.id, entry)[0].but(version=area.version)
    return unchanged(area) if after == area else Change(after, (_registered(after),))


def entry_of(area: Area) -> AreaEntry:
    """The entry as it was put."""
    return AreaEntry.model_validate(area.model_dump(include=set(AreaEntry.model_fields)))


def _registered(area: Area) -> AreaRegistered:
    return AreaRegistered(area=area.id, names=1 + len(area.aliases), retired=area.retired)


class AreaView(AreaEntry):
    """An area: its code, its Hub, and, where an operator registered it, its revision."""

    code: str
    hub_id: str | None
    revision: int | None


def viewed(code: str, area: Area | None, hub_id: str | None) -> AreaView:
    """The view of it; one that only a Hub has is called by its code."""
    entry = entry_of(area) if area else AreaEntry(name=code)
    revision = area.version if area else None
    return AreaView(**entry.model_dump(), code=code, hub_id=hub_id, revision=revision)


def place(word: str, areas: Iterable[Area], of_hubs: Iterable[str]) -> Place:
    """Where the word belongs, by the register and the areas that Hubs have. A code comes before all
    names; of several areas of a name the one that is not retired."""
    known = {area.id: area for area in areas}
    codes = {*known, *of_hubs} - {UNKNOWN_AREA}
    if word in codes:
        return Place(word)
    key = key_of(word)
    keys = {code: known[code].name_keys if code in known else (key_of(code),) for code in codes}
    named = {code for code in codes if key in keys[code]}
    current = {code for code in named if not (code in known and known[code].retired)}
    for found in (current, named):
        if len(found) == 1:
            return Place(min(found))
    suggested = codes - {code for code, area in known.items() if area.retired}
    names = [(code, name) for code in sorted(suggested) for name in keys[code]]
    return Place(UNKNOWN_AREA, tuple(_near(code, known) for code in nearest(key, names)))


def _near(code: str, known: Mapping[str, Area]) -> NearArea:
    return NearArea(code=code, name=known[code].name if code in known else code)


def fields_of(here: Place, fingerprint: str | None, warnings: Iterable[str]) -> dict[str, Any]:
    """What a referral keeps of its place. `fingerprint` is the keyed hash of the word, by which a
    referral of an unknown one is found when its area is registered."""
    others = {one for one in warnings if one != WARNING}
    return {
        "area": here.code,
        "area_hash": None if here.known else fingerprint,
        "area_near": here.near,
        "warnings": tuple(sorted(others if here.known else {*others, WARNING})),
    }


def may_move(referral: Referral, code: str, served: Mapping[str, str]) -> None:
    """Raises `Refused` for a case that a worker has, if the Hub does not serve the other area: it
    is not taken away from them by a word."""
    held = referral.status in HELD and referral.hub_id is not None
    if held and code != referral.area and served.get(code) != referral.hub_id:
        detail = "A worker has this case, whose Hub does not serve that area: ask for a transfer."
        raise Refused("area_held", detail)


def settle(
    referral: Referral, code: str, fingerprint: str | None, by: str, at: datetime
) -> Change[Referral]:
    """The referral of an unknown word in the area that it belongs to. One that has another word by
    now, or whose area is known, stays where it is."""
    same = referral.area == UNKNOWN_AREA and referral.area_hash == fingerprint
    return put_in(referral, code, by, at) if same else unchanged(referral)


def put_in(referral: Referral, code: str, by: str, at: datetime) -> Change[Referral]:
    """The referral in a known area; in the same one again nothing changes."""
    if referral.area == code or referral.erased_at is not None:
        return unchanged(referral)
    past = Amendment(at=at, by=by, fields=("area",), was={"area": referral.area})
    after = referral.but(
        **fields_of(Place(code), None, referral.warnings),
        amendments=(*referral.amendments, past),
    )
    return Change(after, (ReferralAmended(**snapshot(after), amended=("area",)),))
