"""Safety marks on a young person: who may know nothing of them, from the answer on."""

from typing import Any

from services.web.api import Refused
from services.web.forms import Ask, Errors, Said, faults, refused, typed
from services.web.paths import is_id
from services.web.registering.choosing import one_of
from services.web.visit import Form, Visit
from services.web.words import options

RELATION = Ask(
    "relation",
    "How do they stand to the young person, or to who harms them?",
    "select",
    options("unsafe_relation"),
    needed="Choose how they stand to the young person",
)
SUB = "Its name, as whoever issues accounts writes it. It must have been used here."
# Whom a mark can be on: what the page calls them, and the list that they are in.
MARKED = {
    "agency": ("An agency", "agencies"),
    "worker": ("A worker", "workers"),
    "account": ("One account, of anybody", ""),
}


async def mark_asks(visit: Visit, kind: str) -> list[Ask]:
    """Whom, and why. A worker who has the case may not list everybody: they write an id."""
    needed = "Say who it is"
    if kind == "account":
        return [Ask("who", "Which account?", hint=SUB, needed=needed), RELATION]
    question = f"Which {kind}?"
    try:
        return [await one_of(visit, "who", question, MARKED[kind][1], needed=needed), RELATION]
    except Refused as error:
        if error.status != 403:
            raise
    return [Ask("who", question, hint="Its id.", needed=needed), RELATION]


async def marks_of(visit: Visit, referral_id: str) -> dict[str, Any]:
    """Who is marked now. That somebody looked is recorded."""
    known = await visit.api.get("referral", f"/v1/referrals/{referral_id}/sharing")
    agencies = [("agency", each) for each in known["sharing"]["unsafe_agencies"]]
    persons = [name.partition(":") for name in known["unsafe_persons"]]
    marked = [*agencies, *((kind, one) for kind, _, one in persons if kind == "worker")]
    accounts = sum(kind == "account" for kind, _, _ in persons)
    return {"id": referral_id, "marked": marked, "accounts": accounts, "kinds": MARKED}


async def marked(visit: Visit, referral_id: str, kind: str, form: Form) -> tuple[Said, Errors]:
    """Mark them, or lift the mark: what was chosen for it. What is wrong with it, by question."""
    asks = await mark_asks(visit, kind)
    said = typed(asks, form)
    wrong = faults(asks, said)
    if not wrong and kind != "account" and not is_id(said["who"]):
        wrong["who"] = "This is no id"
    if not wrong:
        wrong = await _put(visit, referral_id, kind, said, form.text("lift") != "yes", asks)
    return said, wrong


async def _put(
    visit: Visit, referral_id: str, kind: str, said: Said, unsafe: bool, asks: list[Ask]
) -> Errors:
    sent, path = {"unsafe": unsafe, "relation": said["relation"]}, f"/v1/referrals/{referral_id}"
    if kind == "account":
        sent, path = sent | {"sub": said["who"]}, f"{path}/unsafe-accounts"
    else:
        path = f"{path}/unsafe-{'agencies' if kind == 'agency' else 'workers'}/{said['who']}"
    try:
        await visit.api.ask("referral", "PUT", path, json=sent)
    except Refused as error:
        if error.status == 404:
            return {"who": "Nobody is known by this name."}
        return refused(error, asks)
    return {}
