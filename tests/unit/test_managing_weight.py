"""However many workers a Hub has, a manager's page stays light."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import Environment

from services.web.agreeing.standing import standing
from services.web.agreeing.writing import FEW as AGREEMENTS
from services.web.app import STATIC
from services.web.forms import Ask
from services.web.managing.board import sections
from services.web.managing.candidates import candidates
from services.web.managing.keeping import FEW
from services.web.managing.loads import heaviest_first, name_of
from services.web.managing.looking import AT_ONCE, MANY
from services.web.managing.paging import piece
from services.web.managing.placing import MOST_ROWS
from services.web.managing.why import HELD_BACK, decided
from services.web.registering.choosing import LONGEST, MOST
from services.web.registering.entries import Shown
from services.web.words import templates
from tests.unit.test_managing_pages import judged, worker
from tests.unit.test_web_front import session, settings_with

MOST_BYTES = 60_000  # as tests/harness/browser.py holds every page to it
STYLE = ("page.css", "page.js")
WORKERS = [
    worker(
        f"wk_{n:032x}",
        entry={"name": f"A Long Sample Name {n}", "areas": ["northtown", "westby"]}
        | {"host_setting": "hub"},
        open_cases=9,
        available=False,
        supervision_overdue=["case"],
        supervision_due_on={"case": "2026-01-01"},
        caseload=9 + n % 3,
    )
    for n in range(500)
]
CANDIDATES = [judged(each["id"], *list(HELD_BACK)[:5]) for each in WORKERS[::2]]
CANDIDATES += [judged(each["id"], **dict.fromkeys(HELD_BACK, 500)) for each in WORKERS[1::2]]
NAMES = {each["id"]: name_of(each) for each in WORKERS}
LEAVE = {
    "id": f"lv_{0:032x}",
    "worker_id": WORKERS[0]["id"],
    "start": "2026-01-01",
    "to": "2026-01-09",
    "kind": "annual",
    "asked_at": "2025-12-01T00:00:00Z",
    "open_cases": 9,
    "uncovered": [{"start": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}] * 3,
}
AGREEMENT = {
    "id": f"isa_{0:032x}",
    "review_at": "2026-12-01T00:00:00Z",
    "terms": {
        "version": 1,
        "parties": ["hub_north", *(f"ag_{n:032x}" for n in range(12))],
        "signed_by": [],
        "categories": ["existence", "identity", "concerns", "narrative", "contact", "risk"],
        "purposes": ["safeguarding", "direct_work", "oversight", "education", "health_care"],
        "effective_from": "2026-01-01T00:00:00Z",
        "effective_to": "2027-01-01T00:00:00Z",
        "ended_at": None,
    },
}
MOMENT = "2026-01-01T00:00:00Z"
HOLD = {
    "id": f"ntf_{0:032x}",
    "referral_id": f"ref_{0:032x}",
    "sentence": "x" * 80,
    "created_at": MOMENT,
}
TRANSFER = {
    "referral_id": f"ref_{0:032x}",
    "from_hub_id": "h" * 40,
    "reason": "conflict_of_interest",
    "urgency": "one_working_day",
    "answer_by": MOMENT,
}
CASE = {"id": f"ref_{0:032x}", "status": "waiting", "urgency": "immediate", "level": "mild"}


@pytest.fixture(scope="module")
def pages() -> Environment:
    return templates(settings_with(), {name: f"/static/{name}" for name in STYLE})


def whole(pages: Environment, name: str, **content: Any) -> int:
    """All that a browser fetches for that page, in bytes."""
    who = session(role="hub_manager", hub_id="hub_north")
    visit = SimpleNamespace(person=who.person, session=who)
    page = pages.get_template(f"{name}.html" if "/" in name else f"managing/{name}.html").render(
        path="/", visit=visit, **content
    )
    return len(page.encode()) + sum(Path(STATIC / each).stat().st_size for each in STYLE)


def test_caseloads_are_shown_in_pieces(pages: Environment) -> None:
    shown = piece(heaviest_first(WORKERS), 1, AT_ONCE)

    assert whole(pages, "caseloads", workers=shown, name_of=name_of) <= MOST_BYTES


def test_workers_are_listed_in_pieces(pages: Environment) -> None:
    shown = piece(WORKERS, 1, MANY)

    assert whole(pages, "workers", workers=shown, name_of=name_of) <= MOST_BYTES


def test_who_could_have_a_case_is_shown_in_pieces(pages: Environment) -> None:
    found = candidates(WORKERS, {"candidates": CANDIDATES, "workers": []}, 3, "")
    placing = SimpleNamespace(
        case={**CASE, "worker_id": None},
        tag='"v1"',
        weight=3,
        decided_at="2026-01-01T00:00:00Z",
        candidates=piece(found, 1, AT_ONCE),
    )

    assert whole(pages, "place", p=placing, said={}, wrong={}) <= MOST_BYTES


def test_a_decision_about_very_many_is_cut(pages: Environment) -> None:
    each = {"at": "2026-01-01T00:00:00Z", "kind": "automatic", "worker_id": WORKERS[1]["id"]}
    each |= {"decision": {"candidates": CANDIDATES}, "sentences": ["x" * 200] * len(WORKERS)}
    shown = piece(decided({"decisions": [each, each]}, {}), 1, 1)
    known: dict[str, Any] = {"level": [], "flags": [], "warning": "", "most": MOST_ROWS}

    assert whole(pages, "why", id=CASE["id"], decisions=shown, **known) <= MOST_BYTES


def test_a_board_on_which_everything_presses_is_cut(pages: Environment) -> None:
    step = {"step": "answer", "by": "2026-01-01T00:00:00Z", "overdue": True}
    case = {**CASE, "next_step": step, "worker_id": WORKERS[0]["id"], "worker_name": "x" * 60}
    case |= {"waiting_since": "2026-01-01T00:00:00Z", "due_at": "2026-01-01T00:00:00Z"}
    gap = {"start": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}
    match = {"id": f"pm_{0:032x}", "referral_ids": [CASE["id"]], "since": gap["start"]}
    plan = {"id": f"plan_{0:032x}", "proposed_at": gap["start"], "moves": 9}
    found: dict[str, dict[str, Any]] = {
        **dict.fromkeys(("overdue", "unaccepted", "waiting"), case),
        "gaps": gap,
        "holds": HOLD,
        "transfers": TRANSFER,
        "leave": LEAVE,
        "matches": {**match, "elsewhere": True, "open_case": True},
        "supervision": WORKERS[0],
        "plans": {**plan, "without_receiver": 3, "reason": "young_person_moved"},
        "agreements": AGREEMENT,
    }
    shown = sections({name: ([each] * 100, True) for name, each in found.items()})
    known = {"unread": [{}] * 20, "after": "ntf_1", "waiting": [("immediate", 100)] * 5}

    assert whole(pages, "board", sections=shown, names=NAMES, **known) <= MOST_BYTES


def test_leave_and_agreements_are_listed_a_few_at_once(pages: Environment) -> None:
    leave = {"requests": [LEAVE] * FEW, "next": "more"}
    agreements = {"agreements": [AGREEMENT] * AGREEMENTS, "next": "more"}
    at = datetime(2026, 6, 1, tzinfo=UTC)
    known = {"own": "hub_north", "standing": standing, "at": at}

    assert whole(pages, "leave", found=leave, names=NAMES, wrong={}) <= MOST_BYTES
    assert whole(pages, "agreeing/all", found=agreements, wrong={}, **known) <= MOST_BYTES


@pytest.mark.parametrize("length", [0, 1, 39, 40, 41, 80, 81])
def test_the_pieces_are_the_whole(length: int) -> None:
    items, number, seen = list(range(length)), 1, list[int]()
    while True:
        one = piece(items, number, 40)
        seen += one.items
        if not one.more:
            break
        number += 1

    assert seen == items


def test_a_form_with_as_many_to_choose_from_as_there_are_stays_light(
    pages: Environment,
) -> None:
    many = [(f"{'a' * 36}{number:03}", "n" * LONGEST) for number in range(MOST)]
    ticks = Ask("parties", "Between whom", "ticks", [*many, *many])
    entry = Shown([ticks], {"parties": [code for code, _ in many]}, {"parties": "Not so."})

    assert whole(pages, "agreeing/terms", id="isa_1", shown=entry, tag="") <= MOST_BYTES
