"""One life: whatever is done at the referral or at its case, and in whatever order the one hears of
the other, they stand alike in the end."""

import random
from typing import Any, Literal, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from services.allocation.assignment.choice import decide
from services.allocation.assignment.referral_sync import follow_status, is_turn
from services.allocation.assignment.rule import assign, wait
from services.allocation.casework.transitions import (
    accept,
    close,
    decline,
    hold,
    lapse,
    resume,
    start,
)
from services.allocation.hubs.hub import Hub
from services.allocation.records import Allocation
from services.allocation.risk.subject import first_seen
from services.allocation.safety.rule import take_away
from services.allocation.transfers.rule import follow_transfer
from services.referral.lifecycle.following import follow, stands
from services.referral.lifecycle.states import TABLE, Command, Move, move
from services.referral.records import Referral
from services.referral.transfers.request import TransferEntry
from services.referral.transfers.rule import Proposal, propose
from services.referral.transfers.rule import accept as accept_transfer
from shared.errors import Refused
from shared.events import Event, EventData
from shared.events.casework import GoalResult
from shared.events.referral import ReferralAmended, ReferralStatusChanged
from shared.events.transfer import ReferralTransferred
from shared.storage.records import Change
from tests.harness.alike import ALIKE
from tests.unit.allocation.given import (
    AT,
    POLICY,
    allocation,
    case,
    facts,
    hub,
    later,
    of_hub,
)
from tests.unit.allocation.given import received as reported
from tests.unit.test_referral_rules import received

CASE_STEPS = (
    *("place", "wait", "accept", "decline", "lapse", "start", "hold", "resume"),
    *("complete", "close", "manager_holds", "manager_resumes", "take_away"),
)
SIDES: tuple[Literal["case", "referral"], ...] = ("case", "referral")
PLACINGS = ("place", "wait")
GOALS = (GoalResult(goal="safety", outcome="achieved"),)
FAR = later(days=30)
CHILD = first_seen(reported(), POLICY, AT)[0]


class Life:
    """A referral, its case, and the events of each that the other has not heard yet."""

    def __init__(self) -> None:
        self.referral = received()
        self.case = allocation(id=self.referral.id)
        self.to_case: list[Event[Any]] = []
        self.to_referral: list[Event[Any]] = []

    def refer(self, change: Change[Referral]) -> None:
        self.to_case += events_of(self.referral.version, change.events)
        self.referral = change.after.but(version=self.referral.version + len(change.events))

    def work(self, change: Change[Allocation]) -> None:
        self.to_referral += events_of(self.case.version, change.events)
        self.case = change.after.but(version=self.case.version + len(change.events))

    def command(self, command: Command) -> None:
        step = TABLE[command]
        given = Move(command, min(step.reasons, default=None), min(step.outcomes, default=None))
        self.refer(move(self.referral, given, step.who[0], AT))

    def transfer(self) -> None:
        """Another Hub is asked, and takes it."""
        to = "hub_south" if self.referral.hub_id != "hub_south" else "hub_north"
        entry = TransferEntry(to_hub_id=to, reason="capacity")
        mine = self.referral.hub_id or "hub_north"
        given = Proposal(entry, "hub_manager:one", mine, None, {"hub_north", "hub_south"}, {})
        self.refer(propose(self.referral, given, AT))
        self.refer(accept_transfer(self.referral, "hub_manager:two", AT))

    def hub(self) -> Hub:
        """Whose the case is, as far as it knows."""
        return hub().but(id=self.case.hub_id or "hub_north")

    def step(self, step: str) -> None:
        self.work(self._step(step))

    def _step(self, step: str) -> Change[Allocation]:
        it, me = self.case, self.case.worker_id or "wk_one"
        if step == "place":
            made = decide(case(), of_hub(), [facts()], policy_version="p1", at=AT)
            return assign(it, made, self.hub(), round=it.round + 1, flags=())
        if step == "wait":
            return wait(it, None, self.hub(), at=AT)
        return {
            "accept": lambda: accept(it, me, AT),
            "decline": lambda: decline(it, me, "no_capacity", hub(), AT),
            "lapse": lambda: lapse(it, hub(), FAR),
            "start": lambda: start(it, me, AT),
            "hold": lambda: hold(it, me, "health", hub(), AT),
            "resume": lambda: resume(it, me),
            "complete": lambda: close(it, "completed", GOALS, hub(), AT),
            "close": lambda: close(it, "moved_away", (), hub(), AT),
            "manager_holds": lambda: hold(it, None, "other", hub(), AT),
            "manager_resumes": lambda: resume(it, None),
            "take_away": lambda: take_away(it, me, "unsafe"),
        }[step]()

    def hear(self, side: Literal["case", "referral"], number: int, *, again: bool = False) -> None:
        """One of the events that have not arrived arrives, and perhaps once more later."""
        queue = self.to_case if side == "case" else self.to_referral
        if not queue:
            return
        event = queue[number % len(queue)] if again else queue.pop(number % len(queue))
        if side == "referral":
            if stands(event.data) is not None:
                self.refer(follow(self.referral, event))
        elif isinstance(event.data, ReferralTransferred):
            to = hub().but(id=event.data.to_hub_id)
            self.work(follow_transfer(self.case, event, to, CHILD, POLICY))
        elif isinstance(event.data, ReferralAmended):
            pass  # its snapshot has versions of its own: tests/unit/allocation/test_referral_sync.py
        elif event.data.status in ALIKE or event.data.status == "received":
            self.work(heard(self.case, event))

    def settle(self, chance: random.Random) -> None:
        """Everything arrives, in any order; a case between two workers gets one, or waits."""
        for _ in range(500):
            heard_by = [s for s in SIDES if (self.to_case if s == "case" else self.to_referral)]
            if heard_by:
                self.hear(chance.choice(heard_by), chance.randrange(9))
            elif self.case.status == "seeking":
                self.step(chance.choice(PLACINGS))
            else:
                return
        raise AssertionError("they never come to rest")


def events_of(version: int, events: tuple[EventData, ...]) -> list[Event[Any]]:
    made: Any = Event.model_construct
    wanted = [
        made(data=data, version=number, time=AT)
        for number, data in enumerate(events, start=version + 1)
    ]
    relevant = ("referral.allocations", "allocation.referrals")
    return [event for event in wanted if set(relevant) & set(event.data.heard_by)]


def heard(it: Allocation, event: Event[ReferralStatusChanged]) -> Change[Allocation]:
    return follow_status(it, event, hub(), "mild", AT) if is_turn(event.data) else Change(it)


DONE = st.one_of(
    st.tuples(st.just("transfer"), st.none()),
    st.tuples(st.just("command"), st.sampled_from(get_args(Command))),
    st.tuples(st.just("step"), st.sampled_from(CASE_STEPS)),
    st.tuples(st.sampled_from(("case", "referral")), st.integers(0, 9), st.booleans()),
)


@settings(max_examples=400)
@given(st.lists(DONE, max_size=25), st.integers(0, 999))
def test_a_referral_and_its_case_stand_alike_in_the_end(done: list[Any], seed: int) -> None:
    life = Life()
    for kind, what, *again in done:
        try:
            if kind == "command":
                life.command(what)
            elif kind == "transfer":
                life.transfer()
            elif kind == "step":
                life.step(what)
            else:
                life.hear(kind, what, again=again[0])
        except Refused:
            continue  # who asks is told no, and nothing changes

    life.settle(random.Random(seed))

    assert life.case.status in ALIKE.get(life.referral.status, ()), done
    assert life.referral.worker_id == life.case.worker_id
    assert life.referral.transfers == life.case.transfers
    if life.referral.transfers:
        assert life.referral.hub_id == life.case.hub_id
