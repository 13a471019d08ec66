"""What somebody did for themselves as a worker, before it was known that they are: it goes, no more."""

import random
from datetime import timedelta

from services.allocation.absence import rule
from services.allocation.absence.request import LeaveEntry
from services.allocation.caseload.supervision import supervise
from services.allocation.caseload.worker import day_of
from services.allocation.safety.oneself import by_oneself
from tests.unit.allocation.given import AT, later, worker

OWN = ("usr_own", "usr_own_too")
ANY = (*OWN, "usr_other", "usr_more", None)


def test_the_last_supervision_that_somebody_else_noted_counts() -> None:
    for _ in range(300):
        one, dice, noted = worker(), random.Random(random.random()), []
        for day in range(1, dice.randint(2, 11)):
            account = dice.choice(ANY)
            held_on = day_of(AT) + timedelta(days=day)
            one = supervise(one, "case", held_on, later(days=day), account).after
            noted.append((held_on, account))
        change = by_oneself(one, OWN, later(days=20))
        theirs = [held_on for held_on, account in noted if account not in OWN]

        assert change.after.supervised_on.get("case") == (theirs[-1] if theirs else None)
        assert bool(change.events) == (noted[-1][1] in OWN)
        assert by_oneself(change.after, OWN, later(days=20)).events == ()


def test_leave_that_has_not_begun_waits_again_and_what_has_begun_stays() -> None:
    for begins in range(5):
        for approves in ANY[:3]:
            today = day_of(AT)
            days = {"start": today + timedelta(days=begins), "to": today + timedelta(days=9)}
            one = rule.ask(
                worker(), "lv_" + "0" * 32, LeaveEntry.model_validate(days), "usr_asks", AT
            ).after
            one = rule.approve(one, "lv_" + "0" * 32, str(approves), AT).after
            change = by_oneself(one, OWN, later(days=2))
            back = approves in OWN and begins > 2

            assert [r.status for r in change.after.requests] == ["waiting" if back else "approved"]
            assert bool(change.after.leave) != back
            assert (change.after.undecided_at is not None) == back
            said = [event.event_type for event in change.events]
            assert ("worker.leave_undecided" in said) == back
            assert by_oneself(change.after, OWN, later(days=2)).events == ()


def test_leave_that_waits_again_is_approved_by_somebody_else_as_before() -> None:
    start = day_of(AT) + timedelta(days=5)
    asked = LeaveEntry(start=start, to=start)
    one = rule.ask(worker(), "lv_" + "0" * 32, asked, "usr_asks", AT).after
    before = rule.approve(one, "lv_" + "0" * 32, "usr_own", AT).after
    after = rule.approve(by_oneself(before, OWN, AT).after, "lv_" + "0" * 32, "usr_other", AT).after

    assert after.leave == before.leave
