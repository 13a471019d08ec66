"""`/trail/exports…`: files for a court, as the audit API makes and signs them, passed on byte for byte."""

from collections.abc import AsyncIterator, Sequence

import httpx2
from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from services.web.auditing.asking import Asked, address, asked_by, asked_in, is_named
from services.web.auditing.looking import agencies, offered
from services.web.auditing.why import Purpose
from services.web.paths import Id
from services.web.visit import Form, Visit, Visiting, to

router = APIRouter(prefix="/trail")
REPORTS = {"report_html": "html", "report_csv": "csv"}
KINDS = (
    ("report_html", "A report on one young person, as a page"),
    ("report_csv", "A report on one young person, as a table"),
    ("matching", "Every entry that matches, each with its proof"),
    ("whole", "The whole trail"),
)
SMALL = {
    "report_html": "What was shared, withheld, looked at and refused, in sentences. Signed as a whole.",
    "matching": "An entry that was left out would not show. For that take the whole trail.",
    "whole": "Proves that nothing was changed, removed or left out.",
}


@router.get("/exports")
async def get_exports(request: Request, visit: Visiting) -> Response:
    """What can be taken away."""
    return await _form(visit, asked_in(request.query_params), "", "", {})


@router.post("/exports")
async def post_export(visit: Visiting) -> Response:
    """To the file: a report at once, an export once it is made."""
    form = await visit.form()
    asked, wrong = wanted(form, await agencies(visit) if is_named(form) else ())
    kind, purpose = form.text("kind"), form.text("purpose")
    if wrong:
        return await _form(visit, asked, kind, purpose, wrong)
    if kind in REPORTS:
        return to(_report_at(asked, kind, purpose))
    return to(address(f"/trail/exports/{await _made(visit, form, asked)}", {}, purpose))


@router.get("/exports/{export_id}")
async def get_export(visit: Visiting, export_id: Id, purpose: Purpose) -> Response:
    """Where it is, and how it is checked without us."""
    return visit.page("auditing/export.html", export_id=export_id, purpose=purpose)


@router.get("/exports/{export_id}/file")
async def get_file(visit: Visiting, export_id: Id, purpose: Purpose) -> Response:
    """The file."""
    path = f"/v1/exports/{export_id}"
    return _passed_on(await visit.api.opened("audit", path, purpose=purpose))


@router.get("/subjects/{subject_id}/report")
async def get_subject_report(
    request: Request, visit: Visiting, subject_id: Id, purpose: Purpose, format: str = "html"
) -> Response:
    """The report on one young person."""
    path, asked = f"/v1/subjects/{subject_id}/report", asked_in(request.query_params)
    said = {**asked, "format": format, "purpose": purpose}
    return _passed_on(await visit.api.opened("audit", path, **said))


def wanted(form: Form, named: Sequence[tuple[str, str]] = ()) -> tuple[Asked, dict[str, str]]:
    """What a form asks to take away, an agency by its id or as one of those `named`, and what is wrong
    with it."""
    asked, wrong = asked_by(form, named)
    kind, previous = form.text("kind"), form.text("previous")
    if kind not in dict(KINDS):
        wrong["kind"] = "Choose what you need"
    if kind in REPORTS and "subject_id" not in asked:
        wrong.setdefault("subject_id", "Enter the id of the young person")
    if kind == "matching" and not asked:
        wrong.setdefault("referral_id", "Enter what has to match, or choose the whole trail")
    if previous and not (previous.isascii() and previous.isdigit() and len(previous) < 16):
        wrong["previous"] = "Enter a number of entries, or leave it empty"
    return asked, wrong


async def _form(
    visit: Visit, asked: Asked, kind: str, purpose: str, wrong: dict[str, str]
) -> Response:
    known = {"asked": asked, "kind": kind, "purpose": purpose, "wrong": wrong}
    codes = {"kinds": KINDS, "small": SMALL, "choices": await offered(visit)}
    return visit.page("auditing/exports.html", 422 if wrong else 200, **known, **codes)


def _report_at(asked: Asked, kind: str, purpose: str) -> str:
    days = {name: value for name, value in asked.items() if name in ("from", "to")}
    said = {**days, "format": REPORTS[kind]}
    return address(f"/trail/subjects/{asked['subject_id']}/report", said, purpose)


async def _made(visit: Visit, form: Form, asked: Asked) -> str:
    filters = asked if form.text("kind") == "matching" else {}
    previous = {"previous": int(form.text("previous"))} if form.text("previous") else {}
    made = await visit.api.ask(
        "audit",
        "POST",
        "/v1/exports",
        params={"purpose": form.text("purpose")},
        json={**filters, **previous},
    )
    return str(made.body["id"])


def _passed_on(answer: httpx2.Response) -> Response:
    told = {"Content-Disposition": answer.headers["Content-Disposition"]}
    return StreamingResponse(
        _chunks(answer), media_type=answer.headers["Content-Type"], headers=told
    )


async def _chunks(answer: httpx2.Response) -> AsyncIterator[bytes]:
    # Where it breaks off, the browser's download fails with it: no file that is cut passes for whole.
    try:
        async for chunk in answer.aiter_bytes():
            yield chunk
    finally:
        await answer.aclose()
