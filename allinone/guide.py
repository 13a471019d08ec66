"""A guided first referral, for whoever has just typed `make run`: `/try`. For trying only.

Each step signs in as the sample person whose turn it is, by one press, and opens the page on which it
goes on. How far it is the APIs say, asked with tokens of the sample people; nothing is kept here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fastapi import FastAPI, Request
from starlette.datastructures import State
from starlette.responses import HTMLResponse, Response

from allinone.issuer import AS, SamplePerson
from services.web.api import Asker, Away, Refused
from services.web.errors import AWAY

GUIDE = "/try"
ACCEPTED = ("accepted", "in_progress", "on_hold", "closed")
NOBODY = (
    "Nobody has been chosen yet. That takes a moment: load this page again. If it stays like this, "
    "the area was not one that the sample Hub serves, as northtown is."
)
A_STRANGER = "The Hub has chosen a worker who is none of the sample people. Make another referral."
FIRST = "This comes after the first step."
PAGE = """{% extends "page.html" %}
{% block title %}A first referral, step by step{% endblock %}
{% block main %}
<div class="text"><h1>A first referral, step by step</h1>
<p>You are four people, one after the other. Everybody here is made up, and nobody needs a
password. After each step come back with the link “Guide” at the top of the page.</p>
{% if referral_id %}<p>This follows the newest referral of the sample school:
<span class="id">{{ referral_id }}</span></p>{% endif %}
<ol>{% for each in steps %}<li>
<h2>{{ each.title }}{% if each.done %} <span class="tag">Done</span>{% endif %}</h2>
<p>{{ each.look }}</p>
{% if each.not_yet %}<p class="soft">{{ each.not_yet }}</p>{% else %}
<form method="post" action="{{ at }}/{{ each.who }}">
<input type="hidden" name="to" value="{{ each.to }}">
<button{% if each.done %} class="second"{% endif %}>{{ each.press }}</button></form>{% endif %}
</li>{% endfor %}</ol>
<p>Then go on as whoever you like: <a href="/sign-in">choose one of the sample people</a>.</p></div>
{% endblock %}
"""


@dataclass(frozen=True)
class Stand:
    """How far the newest referral of the sample school is, and which sample person has it."""

    referral_id: str | None = None
    placed: bool = False
    worker: str | None = None
    accepted: bool = False


@dataclass(frozen=True)
class Step:
    """As whom, on which page, what to look at; `not_yet` is why it can't be done now."""

    title: str
    look: str
    press: str
    who: str = ""
    to: str = ""
    done: bool = False
    not_yet: str = ""


REFER = Step(
    "A teacher makes a referral",
    "Make up a young person in northtown, say that they agreed to the police being told, and see how few "
    "of the answers you must give.",
    "Make a referral as the school",
    "school",
    "/refer",
)
ACCEPT = Step(
    "The worker who was chosen accepts it",
    "See what a worker knows of the case, and press “Accept this case”.",
    "Open the case as the worker",
)
READ = Step(
    "The police read what they were told",
    "They asked to hear of concerns in northtown. Open the message and see what is not in it: they get "
    "what was agreed to, and nothing where nobody agreed.",
    "Read the messages as the police",
    "police",
    "/messages",
)
PROVE = Step(
    "An auditor reads the story, and has it proved",
    "Say why you look, then press “Check”: your own browser proves that each line is in the trail as it "
    "was sealed.",
    "Open the story as the auditor",
    "auditor",
)


def steps(stand: Stand) -> tuple[Step, ...]:
    """What there is to do, in its order."""
    one, first = stand.referral_id, "" if stand.referral_id else FIRST
    missing = first or ("" if stand.worker else A_STRANGER if stand.placed else NOBODY)
    return (
        replace(REFER, done=one is not None),
        replace(
            ACCEPT,
            who=stand.worker or "",
            to=f"/cases/{one}",
            done=stand.accepted,
            not_yet=missing,
        ),
        replace(READ, not_yet=first),
        replace(PROVE, to=f"/trail/referrals/{one}", not_yet=first),
    )


class Guide:
    """The page, over the APIs that the pages of `state` ask."""

    def __init__(
        self, state: State, people: Mapping[str, SamplePerson], token: Callable[..., str]
    ) -> None:
        self._state, self._people, self._token = state, people, token
        self._page = state.templates.from_string(PAGE)

    def add_to(self, app: FastAPI) -> None:
        """Answer there, and say on every page that there is a guide."""
        self._state.templates.globals["guide"] = GUIDE
        app.add_api_route(GUIDE, self._shown)

    async def _shown(self, request: Request) -> Response:
        status, known = 200, dict[str, Any]()
        try:
            stand = await self._stand()
            page, known = self._page, {"steps": steps(stand), "referral_id": stand.referral_id}
        except (Away, Refused):
            status, page, known = (
                503,
                self._state.templates.get_template("no.html"),
                {"words": AWAY},
            )
        shown = page.render(path=GUIDE, at=AS, visit=None, **known)
        return HTMLResponse(shown, status, headers={"Cache-Control": "no-store"})

    async def _stand(self) -> Stand:
        mine = await self._by("school").get("referral", "/v1/referrals", limit=1)
        if not mine["referrals"]:
            return Stand()
        referral_id = mine["referrals"][0]["id"]
        try:
            case = await self._by("manager").get("allocation", f"/v1/allocations/{referral_id}")
        except Refused:  # not there yet, or of no Hub
            return Stand(referral_id)
        had_by = case["worker_id"]
        workers = {each.claims.get("worker_id"): key for key, each in self._people.items()}
        worker = workers.get(had_by) if had_by else None
        return Stand(referral_id, bool(had_by), worker, case["status"] in ACCEPTED)

    def _by(self, who: str) -> Asker:
        asker: Asker = self._state.apis.asked_by(
            self._token(**self._people[who].claims), "127.0.0.1"
        )
        return asker
