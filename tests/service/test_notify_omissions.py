"""For each event of a referral: whoever could have been told was told, or was not, with the reason."""

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, get_args

import pytest
import pytest_asyncio

from services.notify.access import ledger_scope
from services.notify.notification import Notification
from services.notify.oversight.by_event import Heard, NotTold, ToldOf, by_event
from services.notify.rules.considered import Because
from services.notify.rules.policy import Rule
from shared.errors import NotFound
from shared.events import EVENT_TYPES, Event, EventData
from shared.events.notify import NotificationKind
from shared.rules.sharing import Consent
from shared.storage.store import Database
from shared.web.tokens import Caller
from tests.conftest import SEED
from tests.golden.__main__ import sample
from tests.service.notifying import (
    AREA,
    HUB,
    POLICY,
    SCHOOL,
    START,
    SUBJECT,
    WORKER,
    Hands,
    Told,
    consent,
    event_of,
    referral,
    stores_on,
    terms,
)

MANAGER = Caller(account="usr_1", role="hub_manager", hub_id=HUB)
AUDITOR = Caller(account="usr_2", role="auditor")
Partners = dict[NotificationKind, set[str]]
KINDS = {
    "referrer": {"agency"},
    "worker": {"worker"},
    "hub": {"hub", "operator"},
    "operators": {"operator"},
    "cover": {"operator", "hub", "worker"},
}


async def asked(told: Told, caller: Caller = AUDITOR, referral_id: str = "ref_1") -> list[Heard]:
    """What the question is answered with."""
    scope = await ledger_scope(told.stores, caller, referral_id)
    return (await by_event(told.stores, referral_id, scope, caller)).events


def lines_of(event: Heard) -> list[ToldOf | NotTold]:
    """Everybody who was considered."""
    return [*event.told, *event.not_told]


def reasons(events: list[Heard], kind: str | None = None) -> set[tuple[str | None, str]]:
    """Who was not told, and why."""
    not_told = [each for one in events for each in one.not_told]
    return {(each.recipient_id, each.because) for each in not_told if kind in (None, each.kind)}


@pytest_asyncio.fixture
async def told(database: Database) -> Told:
    stores = stores_on(database, Hands())
    await stores.prepare()
    return Told(stores, Hands())


@dataclass
class Agency:
    """What a walk knows of an agency."""

    kind: str = "6"
    areas: tuple[str, ...] = (AREA,)
    active: bool = True
    party: bool = False
    kinds: tuple[str, ...] | None = None
    wants: tuple[str, ...] = (AREA,)
    listens: bool = True

    def asks(self, rule: Rule, area: str) -> bool:
        """Whether its subscription is of this."""
        return self.listens and rule.kind in (self.kinds or ()) and area in self.wants


@dataclass
class Walk:
    """A random network, and one referral in it."""

    told: Told
    dice: random.Random
    agencies: dict[str, Agency] = field(default_factory=dict)
    mute: tuple[str, ...] = ()
    referrer: str = ""
    area: str = AREA

    async def network(self) -> None:
        dice, told = self.dice, self.told
        kinds = sorted({rule.kind for rule in POLICY.rules if rule.tell == "partners"})
        for number in range(8):
            places: list[tuple[str, ...]] = [(AREA,), (AREA, "southtown"), ("southtown",)]
            self.agencies[f"ag_{number}"] = Agency(
                kind=dice.choice(["6", "6", "9"]),
                areas=dice.choice(places),
                active=dice.random() < 0.8,
                party=dice.random() < 0.6,
                kinds=dice.choice([None, tuple(kinds), tuple(kinds[:1])]),
                wants=dice.choice(places),
                listens=dice.random() < 0.8,
            )
        self.referrer = dice.choice(sorted(self.agencies))
        self.area = dice.choice([AREA, AREA, AREA, "unknown"])
        self.mute = tuple(dice.sample(["case_declined", "case_news"], dice.choice([0, 1, 2])))
        policy = POLICY.model_copy(update={"hub": {HUB: {"mute": self.mute}}})
        told.stores = replace(told.stores, policy=policy)
        await told.happens(
            "hub.registered", HUB, hub_id=HUB, areas=(AREA, "unknown"), spoke_ceiling="moderate"
        )
        for agency_id, each in self.agencies.items():
            entry = {"kind": each.kind, "areas": each.areas, "active": each.active}
            await told.happens("agency.registered", agency_id, agency_id=agency_id, **entry)
            if each.kinds is not None:
                wish: dict[str, Any] = {"kinds": each.kinds, "areas": each.wants}
                await told.subscribed(agency_id, active=each.listens, **wish)
        parties = [agency_id for agency_id, each in self.agencies.items() if each.party]
        await told.agreed(terms(*parties, "hub_two", signed_by=(HUB, *parties, "hub_two")))
        await told.says(consent())
        first = referral(agency_id=self.referrer, area=self.area)
        await self.hears(event_of("referral.received", "ref_1", 1, **first))

    async def hears(self, event: Event[Any]) -> bool:
        """The event arrives, now and then twice; false while notify has to wait for another."""
        try:
            await self.told.hear(event)
            if self.dice.random() < 0.3:
                await self.told.hear(event)
        except NotFound:
            return False
        return True

    def something(self, version: int) -> Event[Any]:
        """An event that sets off a rule of the policy, whichever."""
        dice = self.dice
        rule = dice.choice([rule for rule in POLICY.rules if rule.on != "referral.received"])
        model = EVENT_TYPES[rule.on]
        data = sample(model).data.model_dump()
        about: dict[str, Any] = {
            **{"referral_id": "ref_1", "agency_id": self.referrer, "area": self.area},
            **{"subject_id": SUBJECT, "subject_version": 0, "referral_version": 0, "hub_id": HUB},
            **{"referral_ids": ("ref_1",), "sharing": self.told.state.model_dump()},
            **{"received_at": START, "reopenings": 0, "unsafe_names": None},
            **{name: self.somebody(model, name) for name in WHO},
        }
        given = set(model.model_fields)
        data |= {name: value for name, value in about.items() if name in given}
        if rule.turn:
            data["previous"] = "received" if data["status"] != "received" else "closed"
        for name, codes in rule.when.items():
            many = isinstance(data[name], list | tuple)
            data[name] = [dice.choice(codes)] if many else dice.choice(codes)
        if rule.on == "referral.amended" and "area" in data["amended"]:
            self.area = data["area"]
        if "consent" in given:
            since = dice.choice([-1, 1])
            data["consent"] = consent(recorded_at=START + timedelta(hours=since)).model_dump()
        subject = SUBJECT if "sharing" in given else "ref_1"
        event = event_of(rule.on, subject, version, **data)
        return event.model_copy(update={"actor": dice.choice(ACTORS)})

    def somebody(self, model: type[EventData], name: str) -> str | None:
        """A worker, or nobody where the event may say so."""
        field = model.model_fields.get(name)
        may_be_nobody = field is not None and type(None) in get_args(field.annotation)
        return self.dice.choice([WORKER, "wk_two", *([None] if may_be_nobody else [])])

    def partners(self, rule: Rule) -> set[str]:
        """Who could hear of it as a partner: whoever asked for it, or has an agreement."""
        asked = self.area != "unknown"
        return {
            agency_id
            for agency_id, each in self.agencies.items()
            if each.party or (asked and each.asks(rule, self.area))
        }


WHO = ("worker_id", "holder_id", "from_worker_id", "lapsed_with", "last_worker_id")
ACTORS = (f"worker:{WORKER}", "worker:wk_two", "service:test")
SELDOM = {"another_young_person", "told_as_waiting"}  # each has a test below


async def test_whoever_could_be_told_is_told_or_is_not_for_a_reason(database: Database) -> None:
    met: Counter[str] = Counter()
    for number in range(60):
        if number >= 3 and set(met) | SELDOM >= set(get_args(Because)):
            return
        await database.client.drop_database(database.name)
        stores = stores_on(database, Hands())
        walk = Walk(Told(stores, Hands()), random.Random(f"{SEED}/{number}"))
        await walk.network()
        heard: list[tuple[Event[Any], Partners]] = []
        for step in range(20):
            event = walk.something(step + 2)
            rules = [rule for rule in POLICY.applying_to(event) if rule.tell == "partners"]
            partners: Partners = {rule.kind: walk.partners(rule) for rule in rules}
            if await walk.hears(event):
                heard.append((event, partners))

        answer = {each.event_id: each for each in await asked(walk.told)}
        stored = await walk.told.all()

        for event, partners in heard:
            rules = POLICY.applying_to(event)
            each = answer.get(event.id)
            if each is None:
                assert not rules
                continue
            assert each.event_type == event.type
            met.update(_whole(each, rules, partners))
            for line in each.not_told:
                assert line.withheld or _is_so(line, event, walk, stored), line
        assert sum(len(e.told) + _withheld(e) for e in answer.values()) == len(stored)
    pytest.fail(f"reasons that never came: {set(get_args(Because)) - set(met) - SELDOM}")


def _withheld(event: Heard) -> int:
    return sum(each.withheld for each in event.not_told)


def _whole(event: Heard, rules: list[Rule], partners: Partners) -> list[str]:
    """Each rule has each of its recipients once, told or not."""
    lines = lines_of(event)
    told = {(t.kind, t.recipient_kind, t.recipient_id) for t in event.told}
    not_told = {(t.kind, t.recipient_kind, t.recipient_id) for t in event.not_told}
    assert not told & not_told
    for rule in rules:
        here = [each.recipient_id for each in lines if each.kind == rule.kind]
        if rule.tell == "partners":
            assert Counter(here) == Counter(partners[rule.kind])
        else:
            kinds = {each.recipient_kind for each in lines if each.kind == rule.kind}
            assert kinds & KINDS[rule.tell], rule
    return [each.because for each in event.not_told if not each.withheld]


def _is_so(line: NotTold, event: Event[Any], walk: Walk, stored: list[Notification]) -> bool:
    """Whether the reason is true."""
    agency = walk.agencies.get(line.recipient_id or "", Agency())
    same = [n for n in stored if (n.kind, n.recipient_id) == (line.kind, line.recipient_id)]
    return {
        "nobody_there": line.recipient_id is None,
        "muted": line.recipient_id == HUB and line.kind in walk.mute,
        "own_act": event.actor == f"worker:{line.recipient_id}",
        "came_with_referral": event.type == "consent.recorded",
        "told_before": any(n.event_id != event.id for n in same),
        "no_reply_channel": agency.kind == "9" and line.recipient_id == walk.referrer,
        "own_referral": line.recipient_id == walk.referrer,
        "agency_inactive": not agency.active,
        "area_unknown": getattr(event.data, "area", "unknown") == "unknown",
        "not_subscribed": line.kind not in (agency.kinds or ()),
        "subscription_inactive": not agency.listens,
        "other_area": AREA not in agency.areas or AREA not in agency.wants,
    }[line.because]


async def with_a_worker(told: Told) -> None:
    await told.network()
    await told.happens("referral.received", "ref_1", **referral())
    made = sample(EVENT_TYPES["allocation.made"]).data.model_dump()
    about = {"referral_id": "ref_1", "subject_id": SUBJECT, "hub_id": HUB, "worker_id": WORKER}
    made |= {**about, "agency_id": SCHOOL, "subject_version": 0, "referral_version": 0}
    await told.happens("allocation.made", "ref_1/a", **made)


async def test_a_yes_that_waits_for_the_hub_is_told_as_such_and_who_is_not_there_is_named(
    told: Told,
) -> None:
    await told.network()
    await told.happens("referral.received", "ref_1", **referral())

    await told.says(_claim())

    assert reasons(await asked(told), "consent_waits") == {(None, "nobody_there")}
    assert reasons(await asked(told), "case_news") >= {(HUB, "told_as_waiting")}


async def test_what_waits_is_told_once_and_the_next_event_says_so(told: Told) -> None:
    await with_a_worker(told)
    await told.says(_claim())
    made = await told.happens("allocation.made", "ref_1/a", **_handed("wk_two"))

    (event,) = [each for each in await asked(told) if each.event_id == made.id]
    waits = [each for each in lines_of(event) if each.kind == "consent_waits"]

    assert {(each.recipient_id, isinstance(each, NotTold)) for each in waits} == {
        ("wk_two", False),
        (HUB, True),
    }
    assert (HUB, "told_before") in reasons([event], "consent_waits")


def _claim() -> Consent:
    return consent(recorded_by=f"agency:{SCHOOL}", agency_ids=(SCHOOL,))


def _handed(worker_id: str) -> dict[str, Any]:
    made = sample(EVENT_TYPES["allocation.made"]).data.model_dump()
    about = {"referral_id": "ref_1", "subject_id": SUBJECT, "hub_id": HUB, "worker_id": worker_id}
    return {**made, **about, "agency_id": SCHOOL, "subject_version": 0, "referral_version": 0}


async def test_news_of_a_young_person_whom_the_referral_is_not_about_any_more(told: Told) -> None:
    await with_a_worker(told)
    amended = referral() | {
        "subject_id": "sub_2",
        "amended": ("subject_id",),
        "status": "allocated",
    }
    await told.happens("referral.amended", "ref_1", **amended)

    await told.says(consent(recorded_at=START + timedelta(hours=1)))

    assert reasons(await asked(told), "case_news") >= {
        (HUB, "another_young_person"),
        (WORKER, "another_young_person"),
    }


async def test_an_event_that_comes_twice_has_told_whom_it_told(told: Told) -> None:
    await told.network()
    received = await told.happens("referral.received", "ref_1", **referral())
    first = await asked(told)
    await told.hear(received)
    assert await asked(told) == first

    await told.says(_claim())
    made = await told.happens("allocation.made", "ref_1/a", **_handed("wk_two"))
    second = await asked(told)
    await told.hear(made)
    assert await asked(told) == second


async def test_who_has_left_is_not_told_and_that_is_the_reason(told: Told) -> None:
    await told.network()
    entry = {"hub_id": HUB, "worker_role": "hub_worker", "areas": (AREA,), "host_setting": "hub"}
    left = {"worker_id": WORKER, "cap": 10, "active": False, **entry}
    await told.happens("worker.registered", WORKER, **left)
    await with_a_worker(told)

    assert (WORKER, "recipient_left") in reasons(await asked(told), "case_allocated_to_you")


async def test_mail_that_waits_for_the_end_of_quiet_hours_says_until_when(told: Told) -> None:
    quiet = {"start": "08:00", "end": "12:00"}
    await told.subscribed("wk_one", "worker", email="one@example.org", quiet_hours=quiet)
    await with_a_worker(told)

    lines = [each for event in await asked(told) for each in event.told]
    (mine,) = [each for each in lines if each.recipient_id == WORKER]

    assert mine.mail_from == START.replace(hour=12, minute=0)
    assert all(each.mail_from is None for each in lines if each is not mine)


async def test_only_the_hub_that_has_it_and_auditors_learn_why(told: Told) -> None:
    await with_a_worker(told)
    await told.happens("referral.overdue", "ref_1", **_overdue())
    other = Caller(account="usr_3", role="hub_manager", hub_id="hub_two")

    assert await asked(told, MANAGER)
    assert await asked(told, other) == []
    assert await asked(told, AUDITOR, "ref_nothing") == []


async def test_who_is_marked_as_unsafe_finds_nothing(told: Told) -> None:
    await with_a_worker(told)
    await told.marks(f"account:{MANAGER.account}")

    assert await asked(told, MANAGER) == []
    assert await asked(told) != []


def _overdue() -> dict[str, Any]:
    data = sample(EVENT_TYPES["referral.overdue"]).data.model_dump()
    about = {"referral_id": "ref_1", "subject_id": SUBJECT, "agency_id": SCHOOL, "hub_id": HUB}
    return {**data, **{name: value for name, value in about.items() if name in data}}


async def test_notifications_of_before_have_no_type_and_are_answered(told: Told) -> None:
    await with_a_worker(told)
    where: dict[str, Any] = {}
    await told.stores.notifications.collection.update_many(where, {"$unset": {"event_type": ""}})

    events = await asked(told)

    assert events
    assert isinstance((await told.all())[0], Notification)
