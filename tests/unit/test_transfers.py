"""A referral goes to another Hub: who has it at every moment, and which clock runs."""

import random
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.referral.areas.rule import Place
from services.referral.lifecycle.states import Move, move
from services.referral.records import ENDED, TRANSFER_DUE, Referral
from services.referral.transfers.clock import MOST_PROPOSALS, WITHIN, time_to_answer
from services.referral.transfers.request import TransferEntry
from services.referral.transfers.rule import (
    Proposal,
    accept,
    decline,
    propose,
    remind,
    take_back,
    waiting,
)
from services.referral.transfers.view import TOLD, before_it_says_yes, viewed
from shared.errors import Malformed, NotFound, Refused
from shared.events.codes import RiskLevel, Urgency
from shared.events.declared import plain
from shared.events.transfer import (
    ReferralTransferred,
    TransferEnded,
    TransferProposed,
    TransferReason,
    TransferRefusal,
    TransferUnanswered,
)
from shared.rules.calendars import due_at
from shared.rules.consents import waits_anew
from shared.rules.sharing import CATEGORIES, Consent
from shared.storage.records import Change
from tests.harness.cases import every_case
from tests.unit.test_referral_rules import AT, received

NORTH, SOUTH, WEST = "hub_north", "hub_south", "hub_west"
HUBS = (NORTH, SOUTH, WEST)
SERVED = {"northtown": NORTH, "southby": SOUTH, "westby": WEST}
HOUR = timedelta(hours=1)


def placed(**changes: Any) -> Referral:
    """A referral that a worker of the north has."""
    fields = {"status": "in_progress", "hub_id": NORTH, "worker_id": "wk_one", "level": "mild"}
    return received().but(**{**fields, "area": "northtown", **changes})


def proposal(to: str = SOUTH, area: str | None = None, **changes: Any) -> Proposal:
    fields: dict[str, Any] = {
        "entry": TransferEntry(to_hub_id=to, reason=changes.pop("reason", "capacity"), area=area),
        "by": "hub_manager:one",
        "from_hub_id": NORTH,
        "moves_to": Place(area) if area else None,
        "hubs": HUBS,
        "served": SERVED,
        **changes,
    }
    return Proposal(**fields)


def proposed(referral: Referral | None = None, **changes: Any) -> Referral:
    return propose(referral or placed(), proposal(**changes), AT).after


@every_case(product((None, *get_args(RiskLevel)), get_args(Urgency)))
def test_the_clock_of_the_answer_is_shorter_the_higher_the_risk_and_the_urgency(
    level: RiskLevel | None, urgency: Urgency
) -> None:
    by_level = {"significant": 4, "moderate": 24, "mild": 48, "none_apparent": 72, None: 4}
    by_urgency = {"immediate": 1, "same_day": 4}

    hours = min(by_level[level], by_urgency.get(urgency, 72))

    assert time_to_answer(level, urgency) == timedelta(hours=hours)
    after = proposed(placed(level=level, urgency=urgency))
    assert after.timers()[TRANSFER_DUE] == AT + timedelta(hours=hours)


def clock_table() -> str:
    """How long the other Hub has to answer, as Markdown, for docs/states.md."""
    levels, urgencies = get_args(RiskLevel), get_args(Urgency)
    rows = [
        f"| level of risk | {' | '.join(plain(one) for one in urgencies)} |",
        f"|---{'|---' * len(urgencies)}|",
    ]
    for level in levels:
        hours = (time_to_answer(level, urgency) // timedelta(hours=1) for urgency in urgencies)
        rows.append(f"| {plain(level)} | {' | '.join(f'{each} h' for each in hours)} |")
    return "\n".join(rows)


def test_the_page_says_how_long_the_other_hub_has() -> None:
    text = (Path(__file__).parents[2] / "docs" / "states.md").read_text("utf-8")

    assert clock_table() in text, "write what clock_table() here gives into docs/states.md"


def test_a_proposal_changes_nothing_but_that_it_waits() -> None:
    before = placed()
    change = propose(before, proposal(area="southby", reason="moving_area"), AT)

    assert change.after.but(transfer=None) == before
    (event,) = change.events
    assert isinstance(event, TransferProposed)
    assert (event.hub_id, event.to_hub_id, event.worker_id) == (NORTH, SOUTH, "wk_one")
    again = propose(change.after, proposal(area="southby", reason="moving_area"), AT + HOUR)
    assert (again.after, again.events) == (change.after, ())


def test_what_is_taken_back_again_and_again_waits_a_day() -> None:
    referral = placed()
    for _ in range(MOST_PROPOSALS):
        referral = take_back(propose(referral, proposal(), AT).after).after

    with pytest.raises(Refused) as often:
        propose(referral, proposal(WEST), AT + HOUR)
    later = propose(referral, proposal(), AT + WITHIN)

    assert often.value.code == "proposed_often"
    assert later.events


def test_who_is_declined_asks_the_next_one_as_often_as_it_takes() -> None:
    referral = placed()
    for _ in range(3 * MOST_PROPOSALS):
        referral = decline(propose(referral, proposal(), AT).after, "no_capacity").after

    assert propose(referral, proposal(), AT).events


@pytest.mark.parametrize(
    ("referral", "given", "code"),
    [
        (placed, lambda: proposal("hub_nobody"), "hub_unknown"),
        (placed, lambda: proposal(NORTH), "same_hub"),
        (proposed, lambda: proposal(WEST), "transfer_waits"),
        (proposed, lambda: proposal(reason="safety"), "transfer_waits"),
        (placed, lambda: proposal(area="westby"), "area_of_another_hub"),
        (
            placed,
            lambda: proposal(area="x", moves_to=Place("unknown")),
            "area_unknown",
        ),
        (lambda: placed(erased_at=AT), proposal, "erased"),
        *[(lambda s=s: placed(status=s), proposal, "not_from_here") for s in ENDED],
    ],
)
def test_what_is_not_proposed(
    referral: Callable[[], Referral], given: Callable[[], Proposal], code: str
) -> None:
    with pytest.raises(Refused) as caught:
        propose(referral(), given(), AT)

    assert caught.value.code == code


def test_who_moves_area_moves_to_one_that_is_named() -> None:
    with pytest.raises(Malformed):
        propose(placed(), proposal(reason="moving_area"), AT)


def test_accepted_it_is_the_other_hubs_and_its_clock_begins_anew() -> None:
    before = proposed(placed(overdue=True), area="southby", reason="moving_area")
    at = AT + 5 * HOUR

    change = accept(before, "hub_manager:two", at)

    after = change.after
    assert (after.hub_id, after.worker_id, after.holder_id) == (SOUTH, None, None)
    assert (after.status, after.area, after.transfers) == ("accepted", "southby", 1)
    assert (after.due_at, after.overdue) == (due_at(after.urgency, at, after.nation), False)
    assert after.amendments[-1].was == {"area": "northtown"}
    assert after.timers()[TRANSFER_DUE] is None
    said, amended = change.events
    assert isinstance(said, ReferralTransferred)
    assert (said.hub_id, said.from_hub_id, said.from_worker_id) == (SOUTH, NORTH, "wk_one")
    assert amended.model_dump()["area"] == "southby"
    again = accept(after, "hub_manager:two", at + HOUR)
    assert (again.after, again.events) == (after, ())


def test_the_clock_runs_out_again_and_again_and_the_next_one_is_told() -> None:
    referral, told = proposed(), []
    for _ in range(4):
        due = referral.timers()[TRANSFER_DUE]
        assert due is not None
        assert remind(referral, due - HOUR).events == ()
        change = remind(referral, due)
        (event,) = change.events
        assert isinstance(event, TransferUnanswered)
        told.append(event.tells_side)
        referral = change.after

    assert told == ["hub", "operators", "operators", "operators"]
    assert (referral.hub_id, referral.worker_id) == (NORTH, "wk_one")


STEPS = ("north", "south", "west", "accept", "decline", "take_back", "remind", "withdraw", "reopen")


def step(referral: Referral, name: str, at: Any) -> Change[Referral]:
    hubs = {"north": NORTH, "south": SOUTH, "west": WEST}
    if name in hubs:
        given = proposal(hubs[name], from_hub_id=referral.hub_id or NORTH)
        return propose(referral, given, at)
    return {
        "accept": lambda: accept(referral, "hub_manager:two", at),
        "decline": lambda: decline(referral, random.choice(get_args(TransferRefusal))),
        "take_back": lambda: take_back(referral),
        "remind": lambda: remind(referral, at),
        "withdraw": lambda: move(referral, Move("withdraw", "moved_away"), "hub", at),
        "reopen": lambda: move(referral, Move("reopen", "new_information"), "hub", at),
    }[name]()


@for_all(st.lists(st.sampled_from(STEPS), max_size=40))
def test_whatever_is_done_one_hub_has_it_and_an_end_is_said_once(names: list[str]) -> None:
    referral, ends, begun, took = placed(), 0, 0, 0
    for number, name in enumerate(names):
        before = referral
        try:
            change = step(before, name, AT + number * HOUR)
        except (Refused, NotFound):
            continue
        referral = change.after
        begun += sum(isinstance(e, TransferProposed) for e in change.events)
        took += sum(isinstance(e, ReferralTransferred) for e in change.events)
        ends += sum(isinstance(e, TransferEnded) for e in change.events)
        assert referral.hub_id in HUBS
        if referral.hub_id != before.hub_id:
            assert name == "accept"
            assert before.transfer is not None
            assert referral.hub_id == before.transfer.to_hub_id
        stands = waiting(referral)
        assert begun == took + ends + (stands is not None)
        assert stands is None or referral.status not in ENDED
        assert referral.timers()[TRANSFER_DUE] == (stands.answer_by if stands else None)

    assert referral.transfers == took


def test_without_leave_the_other_hub_learns_codes_of_the_offer_alone() -> None:
    referral = proposed()
    assert referral.transfer is not None
    for permitted in ((), ("risk",), ("identity",), TOLD, CATEGORIES):
        seen = viewed(referral.id, referral.transfer, permitted)

        assert (seen.level is not None) == ("risk" in permitted)
        assert (seen.age_band is not None) == ("identity" in permitted)
    asked = before_it_says_yes(referral, referral.transfer)
    assert (asked.sharer, asked.agency_id, asked.categories) == (NORTH, SOUTH, TOLD)


def a_consent(**changes: Any) -> Consent:
    fields = {"id": "con_1", "status": "given", "categories": CATEGORIES, "recorded_at": AT}
    given = {"given_by": "young_person", "valid_from": AT, "recorded_by": "worker:wk_one"}
    return Consent.model_validate({**fields, **given, **changes})


CONFIRMED = {"confirmed": True, "by": "hub_manager:two", "at": AT + 2 * HOUR}
AFTER = AT + HOUR


@pytest.mark.parametrize(
    ("consent", "taken_over_at", "waits"),
    [
        (a_consent, None, False),
        (a_consent, AFTER, True),
        (lambda: a_consent(recorded_at=AFTER + HOUR), AFTER, False),
        (lambda: a_consent(agency_ids=("ag_police",)), AFTER, False),
        (lambda: a_consent(agency_kinds=("6",)), AFTER, False),
        (lambda: a_consent(status="refused"), AFTER, False),
        (lambda: a_consent(confirmation=CONFIRMED), AFTER, False),
        (lambda: a_consent(confirmation=CONFIRMED), AT + 3 * HOUR, True),
    ],
)
def test_a_yes_to_everyone_was_said_of_the_hub_of_its_time(
    consent: Callable[[], Consent], taken_over_at: Any, waits: bool
) -> None:
    assert waits_anew(consent(), taken_over_at) is waits


def test_every_reason_is_taken() -> None:
    for reason in get_args(TransferReason):
        area = "southby" if reason == "moving_area" else None
        after = proposed(reason=reason, area=area)

        assert after.transfer is not None
        assert (after.transfer.reason, after.transfer.moves) == (reason, area is not None)
