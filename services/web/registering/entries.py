"""Reading an entry, changing it, and making a new one. Nothing is overwritten that was not shown."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.web.api import Refused
from services.web.forms import Ask, Errors, Said, amended, faults, refused, shown, typed
from services.web.paths import is_id
from services.web.registering.choosing import name_of
from services.web.registering.kinds import KINDS, Kind
from services.web.visit import Form, Visit
from shared.errors import NotFound

DAYS_AHEAD = 28
# The first rota of a Hub is put so: the one thing of which there is none, and no new id.
NONE_YET = "*"
NEW_ROTA: Mapping[str, Any] = {"nation": "england", "warn_days": 7, "spans": [], "exceptions": []}
ID = Ask("new_id", "Id", hint="Small letters, digits and _, for ever. It is seen by everybody.")
USUAL: dict[str, Any] = {"fte_percent": "100", "times": ["daytime"], "active": "yes"}
BAD_ID = "Enter an id of small letters, digits and _"


@dataclass(frozen=True)
class Known:
    """An entry as it was shown, under `tag`, and all that was answered."""

    entry: dict[str, Any]
    tag: str
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """A form: its questions, what stands in it, and what is wrong with that."""

    asks: list[Ask]
    said: Said
    wrong: Errors = field(default_factory=dict)


def kind_of(name: str) -> Kind:
    """The kind of that name. Raises `NotFound`."""
    if name not in KINDS:
        raise NotFound
    return KINDS[name]


async def known(visit: Visit, kind: Kind, entry_id: str) -> Known:
    """The entry as it is. Raises `Refused`."""
    try:
        answer = await visit.api.ask(kind.service, "GET", kind.path.format(entry_id))
    except Refused as error:
        if kind is not KINDS["rotas"] or error.status != 404:
            raise
        return Known(dict(NEW_ROTA), NONE_YET)
    return Known(kind.entry(answer.body), answer.tag, answer.body)


async def form_of(visit: Visit, kind: Kind, entry: Mapping[str, Any]) -> Shown:
    """The entry, to be changed."""
    asks = await kind.asks(visit, entry)
    return Shown(asks, shown(asks, entry))


async def changed(visit: Visit, kind: Kind, entry_id: str, form: Form) -> Shown:
    """Change the entry that was shown; what is wrong with the form says why it was not."""
    before = await known(visit, kind, entry_id)
    asks = await kind.asks(visit, before.entry)
    said = typed(asks, form)
    wrong = faults(asks, said)
    if not wrong:
        entry = amended(asks, said, before.entry)
        wrong = await put(visit, kind, entry_id, entry, form.text("tag"), asks)
    return Shown(asks, said, wrong)


async def blank(visit: Visit, kind: Kind) -> Shown:
    """The form for a new one, with what usually holds. A manager makes up no name (decision 1013): the
    id is drawn when the form is shown, so sent twice it is one."""
    drawn = f"wk_{secrets.token_hex(16)}"
    return Shown(await _new_asks(visit, kind), USUAL | {ID.name: "" if _names(visit) else drawn})


def _names(visit: Visit) -> bool:
    return visit.person.role == "operator"


async def _new_asks(visit: Visit, kind: Kind) -> list[Ask]:
    return [*([ID] if _names(visit) else []), *await kind.asks(visit, {})]


async def added(visit: Visit, kind: Kind, form: Form) -> Shown:
    """Make a new one, of the id that was chosen or drawn."""
    asks = await _new_asks(visit, kind)
    said = {**typed(asks, form), ID.name: ID.typed(form)}
    wrong = faults(asks, said)
    if not is_id(said[ID.name]):
        wrong[ID.name] = BAD_ID
    if not wrong:
        own = {"hub_id": visit.person.hub_id} if visit.person.hub_id else {}
        about = [ask for ask in asks if ask is not ID]
        entry = amended(about, said, own if kind is KINDS["workers"] else {})
        wrong = await put(visit, kind, said[ID.name], entry, "", asks)
    return Shown(asks, said, wrong)


async def line_of(visit: Visit, kind: Kind, entry_id: str, part: str, number: int) -> Shown:
    """One line of a list in the entry; the one behind the last is a new one."""
    lines = (await known(visit, kind, entry_id)).entry.get(part, [])
    if part not in kind.parts or number > len(lines):
        raise NotFound
    line = lines[number] if number < len(lines) else {}
    asks = await kind.parts[part].asks(visit, line)
    return Shown(asks, shown(asks, line))


async def line_changed(
    visit: Visit, kind: Kind, entry_id: str, part: str, number: int, form: Form
) -> Shown:
    """Change that line, or take it out."""
    before = await known(visit, kind, entry_id)
    lines = list(before.entry.get(part, []))
    if part not in kind.parts or number > len(lines):
        raise NotFound
    asks = await kind.parts[part].asks(visit, lines[number] if number < len(lines) else {})
    said = typed(asks, form)
    out = form.text("take_out") == "yes"
    wrong = {} if out else faults(asks, said)
    if not wrong:
        line = [] if out else [amended(asks, said, {})]
        lines[number : number + 1] = line
        wrong = await put(
            visit, kind, entry_id, before.entry | {part: lines}, form.text("tag"), asks
        )
    return Shown(asks, said, wrong)


async def put(
    visit: Visit, kind: Kind, entry_id: str, entry: Mapping[str, Any], tag: str, asks: list[Ask]
) -> Errors:
    """Store it under this tag; a new one under none. What is wrong with it, by question."""
    fields = {"If-Match": tag} if tag else {}
    path = kind.path.format(entry_id)
    try:
        await visit.api.ask(kind.service, "PUT", path, json=dict(entry), headers=fields)
    except Refused as error:
        return refused(error, asks)
    return {}


def heading(kind: Kind, entry_id: str, entry: Mapping[str, Any]) -> str:
    """What the page of an entry is called."""
    return f"Rota of {entry_id}" if kind is KINDS["rotas"] else name_of({"id": entry_id, **entry})


async def gaps_of(visit: Visit, kind: Kind, entry_id: str) -> list[dict[str, Any]]:
    """Where nobody will be on duty, of a rota; of all else there is none."""
    if kind is not KINDS["rotas"]:
        return []
    path = f"/v1/hubs/{entry_id}/rota/gaps"
    return list((await visit.api.get("allocation", path, days=DAYS_AHEAD))["gaps"])
