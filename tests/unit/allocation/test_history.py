"""What is known of a young person is what their own referrals say: joining and parting leave no trace."""

import random
from datetime import timedelta

from services.allocation.risk.history import GONE, Reported, concerns_of
from services.allocation.risk.looking import judge
from services.allocation.risk.policy import LEVELS
from services.allocation.risk.subject import Arrives, Subject, absorb, first_seen, forget
from shared.events import Event
from shared.events.codes import Recency, RiskLevel
from shared.events.referral import ReferralReceived
from tests.conftest import SEED
from tests.unit.allocation.given import AT, POLICY, concern, received

CODES = tuple(code for codes in POLICY.indicators.values() for code in codes)
RECENCIES: tuple[Recency, ...] = ("current", "last_6_months", "6_to_12_months", "older")
Facts = tuple[object, ...]


def facts(subject: Subject) -> Facts:
    """What is stored of a young person and can be compared: not when it was worked out."""
    score = subject.assessment.model_copy(update={"assessed_at": AT})
    reported = {i: told for i, told in subject.reported.items() if told != GONE}
    return (reported, concerns_of(subject.reported), score, subject.level, subject.judgement)


class Life:
    """Children whose referrals are reported, amended, judged, joined and parted."""

    def __init__(self, random_: random.Random) -> None:
        self.random, self.day = random_, 0
        self.subjects: dict[str, Subject] = {}
        self.about: dict[str, str] = {}
        self.version: dict[str, int] = {}
        self.events: list[Event[ReferralReceived]] = []

    def report(self, referral_id: str, subject_id: str) -> None:
        """A referral, or what it says anew, a few days later."""
        self.day += self.random.randrange(3)
        at = AT + timedelta(days=self.day)
        agency = f"ag_{referral_id}"
        said = [
            concern(code, self.random.choice(RECENCIES), agency, at)
            for code in self.random.sample(CODES, self.random.randrange(5))
        ]
        self.version[referral_id] = self.version.get(referral_id, 0) + 1
        event = received(
            *said,
            referral_id=referral_id,
            version=self.version[referral_id],
            subject_id=subject_id,
            agency_id=agency,
        )
        self.events.append(event)
        self.hear(event)

    def hear(self, event: Event[ReferralReceived], arrives: Arrives | None = None) -> None:
        at = AT + timedelta(days=self.day)
        about = arrives.subject_id if arrives else event.data.subject_id
        self.about.setdefault(event.data.referral_id, about)
        known = self.subjects.get(about)
        self.subjects[about] = (
            first_seen(event, POLICY, at, arrives)[0]
            if known is None
            else absorb(known, event, POLICY, at, arrives).after
        )

    def move(self, referral_id: str, to: str) -> None:
        """A practitioner found it to be about somebody else."""
        was = self.about[referral_id]
        self.version[referral_id] += 1
        version, at = self.version[referral_id], AT + timedelta(days=self.day)
        event = received(referral_id=referral_id, version=version, subject_id=to)
        self.events.append(event)
        told = self.subjects[was].reported[referral_id]
        for _ in range(self.random.choice((1, 2))):  # a crash repeats it
            self.hear(event, Arrives(to, told))
            after = forget(self.subjects[was], referral_id, version, POLICY, at).after
            self.subjects[was] = after
        self.about[referral_id] = to

    def judge(self, referral_id: str) -> None:
        """Somebody sets a level, looking at that referral."""
        self.day += 1
        at, about = AT + timedelta(days=self.day), self.about[referral_id]
        level: RiskLevel = self.random.choice(LEVELS)
        judged = judge(
            self.subjects[about], level, "protective_factors",
            referral_id=referral_id, by="worker:wk_one", policy=POLICY, at=at,
        )  # fmt: skip
        self.subjects[about] = judged.after


def test_joining_and_parting_is_the_identity_on_what_is_known_of_two_children() -> None:
    for number in range(60):
        random_ = random.Random(f"{SEED}/{number}")
        life = Life(random_)
        of = {f"ref_{n}": random_.choice(("sub_a", "sub_b")) for n in range(2, 6)}
        of |= {"ref_0": "sub_a", "ref_1": "sub_b"}
        for referral_id, subject_id in sorted(of.items()):
            life.report(referral_id, subject_id)
        for _ in range(random_.randrange(6)):
            referral_id = random_.choice(sorted(of))
            if random_.random() < 0.5:
                life.judge(referral_id)
            else:
                life.report(referral_id, life.about[referral_id])
        before = {i: facts(s) for i, s in life.subjects.items()}
        levels = {i: s.level for i, s in life.subjects.items()}
        moving = [i for i, subject_id in sorted(of.items()) if subject_id == "sub_b"]

        for referral_id in moving:
            life.move(referral_id, "sub_a")
        joined = life.subjects["sub_a"]
        assert joined.level == max(joined.level, *levels.values(), key=LEVELS.index), number
        assert life.subjects["sub_b"].level == LEVELS[0]
        for referral_id in random_.sample(moving, len(moving)):
            life.move(referral_id, "sub_b")
        for event in random_.sample(life.events, len(life.events)):  # all of it comes late, again
            life.hear(event)

        after = {i: facts(s) for i, s in life.subjects.items()}
        assert after == before, f"seed {SEED}, life {number}"


def test_nobody_is_known_by_what_a_referral_of_another_says_whatever_happens() -> None:
    for number in range(40):
        random_ = random.Random(f"{SEED}/any/{number}")
        life, children = Life(random_), [f"sub_{n}" for n in range(4)]
        for n in range(6):
            life.report(f"ref_{n}", random_.choice(children))
        for _ in range(25):
            referral_id = random_.choice(sorted(life.about))
            step = random_.randrange(4)
            if step == 0:
                life.report(referral_id, life.about[referral_id])
            elif step == 1:
                life.judge(referral_id)
            elif step == 2:
                life.hear(random_.choice([e for e in life.events if e.data.subject_id in children]))
            elif (to := random_.choice(children)) != life.about[referral_id]:
                life.move(referral_id, to)
        for child, subject in life.subjects.items():
            own = {i for i, about in life.about.items() if about == child}
            assert {i for i, told in subject.reported.items() if told.here} == own, number
            assert {c.agency_id for c in subject.concerns} <= {f"ag_{i}" for i in own}, number
            assert {c.agency_id for c in subject.concerns} <= {
                c.agency_id for i in own for c in subject.reported[i].concerns
            }


def test_an_amendment_that_says_the_same_again_adds_nothing() -> None:
    said = concern("missing_episodes", agency="ag_a")
    told = Reported(home="sub_one").with_([said]).with_([said, said])

    assert told.concerns == (said,)
