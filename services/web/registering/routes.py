"""`/register…`, `/new…`, `/import…`: what the network keeps, for who may see or change it."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from services.web.paths import Id, Line
from services.web.registering.entries import (
    Shown,
    added,
    blank,
    changed,
    form_of,
    gaps_of,
    heading,
    kind_of,
    known,
    line_changed,
    line_of,
)
from services.web.registering.importing import MOST_SHOWN, imported, listing_of
from services.web.registering.kinds import KINDS
from services.web.registering.lists import list_of
from services.web.registering.removing import removed
from services.web.visit import Visit, Visiting, to

router = APIRouter()


@router.get("/register")
async def get_register(visit: Visiting) -> Response:
    """What somebody of this role looks after."""
    return visit.page("registering/all.html", own=visit.person.own_id)


@router.get("/register/{name}")
async def get_list(
    visit: Visiting, name: Id, cursor: str | None = None, only: str | None = None
) -> Response:
    """All of a kind, a page at a time."""
    return visit.page("registering/list.html", **await list_of(visit, name, cursor, only))


@router.get("/new/{name}")
async def get_new(visit: Visiting, name: Id) -> Response:
    """The form for a new one."""
    return _new(visit, name, await blank(visit, kind_of(name)))


@router.post("/new/{name}")
async def post_new(visit: Visiting, name: Id) -> Response:
    """A new one."""
    form = await visit.form()
    shown = await added(visit, kind_of(name), form)
    return (
        _new(visit, name, shown) if shown.wrong else to(f"/register/{name}/{form.text('new_id')}")
    )


@router.get("/register/{name}/{entry_id}")
async def get_entry(visit: Visiting, name: Id, entry_id: Id, saved: bool = False) -> Response:
    """An entry: as a form for who changes it, as lines for who may look."""
    return await _entry(visit, name, entry_id, saved=saved)


@router.post("/register/{name}/{entry_id}")
async def post_entry(visit: Visiting, name: Id, entry_id: Id) -> Response:
    """The entry as it should be."""
    shown = await changed(visit, kind_of(name), entry_id, await visit.form())
    if shown.wrong:
        return await _entry(visit, name, entry_id, shown)
    return to(f"/register/{name}/{entry_id}?saved=yes")


@router.get("/register/{name}/{entry_id}/{part}/{number}")
async def get_line(visit: Visiting, name: Id, entry_id: Id, part: Id, number: Line) -> Response:
    """One line of a list in it."""
    shown = await line_of(visit, kind_of(name), entry_id, part, number)
    return await _line(visit, (name, entry_id, part, number), shown)


@router.post("/register/{name}/{entry_id}/{part}/{number}")
async def post_line(visit: Visiting, name: Id, entry_id: Id, part: Id, number: Line) -> Response:
    """That line as it should be, or without it."""
    form = await visit.form()
    shown = await line_changed(visit, kind_of(name), entry_id, part, number, form)
    if shown.wrong:
        return await _line(visit, (name, entry_id, part, number), shown)
    return to(f"/register/{name}/{entry_id}?saved=yes")


@router.get("/import/{name}")
async def get_import(visit: Visiting, name: Id) -> Response:
    """How a list is to be, and where it is put."""
    shown: dict[str, Any] = {
        "which": name,
        "report": None,
        "list": "",
        "wrong": {},
        "most": MOST_SHOWN,
    }
    return visit.page("registering/import.html", listing=listing_of(name), **shown)


@router.post("/import/{name}")
async def post_import(visit: Visiting, name: Id) -> Response:
    """The list, and what became of each line of it."""
    form, listing = await visit.form(), listing_of(name)
    report, wrong = await imported(visit, listing, form)
    shown: dict[str, Any] = {
        "which": name,
        "report": report,
        "list": form.text("list"),
        "most": MOST_SHOWN,
    }
    status = 422 if wrong else 200
    return visit.page("registering/import.html", status, listing=listing, wrong=wrong, **shown)


@router.post("/workers/{worker_id}/removal")
async def post_removal(visit: Visiting, worker_id: Id) -> Response:
    """The worker leaves."""
    await removed(visit, worker_id, await visit.form())
    return to("/workers")


def _new(visit: Visit, name: str, shown: Shown) -> Response:
    status = 422 if shown.wrong else 200
    return visit.page("registering/new.html", status, kind=KINDS[name], which=name, shown=shown)


async def _entry(
    visit: Visit, name: str, entry_id: str, shown: Shown | None = None, *, saved: bool = False
) -> Response:
    kind = kind_of(name)
    seen = await known(visit, kind, entry_id)
    page: dict[str, Any] = {"kind": kind, "which": name, "id": entry_id, "seen": seen}
    page["shown"] = shown or await form_of(visit, kind, seen.entry)
    page |= {"title": heading(kind, entry_id, seen.entry), "saved": saved}
    page["gaps"] = await gaps_of(visit, kind, entry_id)
    status = 422 if shown else 200
    return visit.page("registering/entry.html", status, **page)


async def _line(visit: Visit, where: tuple[str, str, str, int], shown: Shown) -> Response:
    name, entry_id, part, number = where
    kind = kind_of(name)
    seen = await known(visit, kind, entry_id)
    page: dict[str, Any] = {"kind": kind, "which": name, "id": entry_id, "part": part}
    page |= {"number": number, "shown": shown, "tag": seen.tag}
    page["there"] = number < len(seen.entry.get(part, []))
    return visit.page("registering/line.html", 422 if shown.wrong else 200, **page)
