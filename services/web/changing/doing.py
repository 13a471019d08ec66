"""A section as it is asked, and what becomes of what was typed: it is never lost."""

from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from services.web.api import Answer, Away, Refused
from services.web.changing.fields import Errors, Values, by_field, wrong
from services.web.changing.register import BY_NAME
from services.web.changing.section import Known, Section, Sent
from services.web.errors import AWAY, BY_STATUS
from services.web.visit import Form, Visit, to
from services.web.warnings import warned
from shared.errors import NotFound
from shared.ids import new_id

SAID_HERE = (400, 409, 412, 422, 428, 429)
MEANWHILE = (
    f"{BY_STATUS[412].heading}. Nothing was saved. What you have changed is still here, the rest is as "
    "it is now: look at it, then save it again."
)
WAS = "was-"


@dataclass(frozen=True)
class Place:
    """Which section of which referral, for whom: `entry_id` where it is about one entry of it."""

    visit: Visit
    referral_id: str
    section: Section
    entry_id: str = ""

    @property
    def base(self) -> str:
        """The page that it was opened from."""
        first = "/cases" if self.visit.person.is_practitioner else "/referrals"
        return f"{first}/{self.referral_id}"

    @property
    def path(self) -> str:
        """Its own page."""
        return "/".join([self.base, "change", self.section.name, *filter(None, [self.entry_id])])

    async def record(self) -> Answer:
        """The referral, for who may change it. Raises `NotFound` for a partner, who may only read."""
        path = f"/v1/referrals/{self.referral_id}"
        answer = await self.visit.api.ask("referral", "GET", path)
        if answer.body["viewed_as"] == "agency":
            raise NotFound
        return answer


@dataclass(frozen=True)
class Typed:
    """What a form holds: the answers, how each was before, the referral's tag then, the request's key."""

    values: Values
    was: Values
    tag: str
    key: str


def place_of(visit: Visit, referral_id: str, name: str, entry_id: str = "") -> Place:
    """Raises `NotFound` where there is no such section for them."""
    section = BY_NAME.get(name)
    practitioner = visit.person.is_practitioner
    if section is None or not section.is_for(practitioner=practitioner):
        raise NotFound
    if (entry_id.partition("_")[0] if entry_id else "") != section.about:
        raise NotFound
    return Place(visit, referral_id, section, entry_id)


async def ask(place: Place) -> Response:
    """The section, as far as this person may see it, to be changed."""
    answer = await place.record()
    shown = _as_shown(place, answer.body)
    return _page(place, Typed(shown, shown, answer.tag, new_id("web")), {}, 200)


async def send(place: Place) -> Response:
    """Done, and back to where it was opened; or the page again, with what is wrong."""
    typed = _typed(place, await place.visit.form())
    try:
        answer = await place.record()
    except Away:
        return _page(place, typed, _about(place, AWAY.heading), 503)
    zone = ZoneInfo(place.visit.settings.web_zone)
    known = Known(answer.body, typed.was, zone, place.entry_id)
    fields = place.section.fields
    made: Sent | Errors = wrong(fields, typed.values)
    made = made or place.section.sends(place.section, typed.values, known)
    if not isinstance(made, Sent):
        return _page(place, typed, made, 422)
    try:
        # Of this section nothing has changed since it was shown: what else has is no reason to ask again.
        as_it_was = not made.whole and _as_shown(place, answer.body) == typed.was
        found = await _request(place, made, typed, answer.tag if as_it_was else typed.tag)
    except Away:
        said = (
            f"{AWAY.heading}. What you have typed is still here: wait a minute and save it again."
        )
        return _page(place, typed, _about(place, said), 503)
    except Refused as error:
        return _refused(place, typed, error, answer)
    return _done(place, found)


def _refused(place: Place, typed: Typed, error: Refused, now: Answer) -> Response:
    if error.status not in SAID_HERE:
        raise error
    afresh = replace(typed, key=new_id("web"))
    if error.status in (412, 428):
        shown = _as_shown(place, now.body)
        kept = {
            name: value if value != typed.was[name] else shown[name]
            for name, value in typed.values.items()
        }
        again = Typed(kept, shown, now.tag, afresh.key)
        return _page(place, again, _about(place, MEANWHILE), 422)
    said = error.said("It was not taken as it is.")
    return _page(place, afresh, by_field(place.section.fields, error.errors, said), 422)


async def _request(place: Place, made: Sent, typed: Typed, tag: str) -> Any:
    fields = {"Idempotency-Key": typed.key}
    if made.tagged:
        fields["If-Match"] = tag
    plural = "allocations" if made.service == "allocation" else "referrals"
    path = f"/v1/{plural}/{place.referral_id}/{made.path}"
    asking = place.visit.api.ask(made.service, made.method, path, json=made.body, headers=fields)
    return (await asking).body


def _done(place: Place, found: Any) -> Response:
    """Back, where a line says that it was saved, and what was noticed in it."""
    section, answer = place.section, found if isinstance(found, dict) else {}
    marked = bool(answer.get("marks"))
    told = warned(["not_understood"]) if marked else []
    made = str(answer.get("id", "")) if section.name == "consent" else ""
    if section.name == "consent":
        told = warned(answer.get("warnings", ()))
    place.visit.note(section.title, told, made)
    back = f"{place.base}/{section.back}" if section.back else place.base
    return to(back)


def _as_shown(place: Place, record: Any) -> Values:
    return {f.name: f.shown(record["categories"]) for f in place.section.fields}


def _typed(place: Place, form: Form) -> Typed:
    fields = place.section.fields
    return Typed(
        {f.name: f.read(form) for f in fields},
        {f.name: f.read(form, WAS) for f in fields},
        form.text("tag"),
        form.text("key") or new_id("web"),
    )


def _about(place: Place, said: str) -> Errors:
    return {place.section.fields[0].name if place.section.fields else "send": said}


def _page(place: Place, typed: Typed, errors: Errors, status: int) -> Response:
    return place.visit.page(
        "changing/change.html", status, place=place, section=place.section, t=typed, errors=errors
    )
