"""Random lives: children who are alike, agencies that refer them, practitioners who decide.

Each step is a command of the referral service on a real store. A step may stop at any call to the
store, as in a crash; it is repeated at once, later, or finished by its event. Events are delivered
late, in another order, and twice. What really happened is kept beside it."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)
from starlette.responses import Response

from services.referral.acting import Asker
from services.referral.agencies.request import AgencyEntry, AgreementEntry
from services.referral.agencies.rule import propose, register_agency, sign
from services.referral.callers import party, viewer
from services.referral.corrections.command import amend_referral
from services.referral.corrections.request import AmendReferral
from services.referral.documents import ConsentEntry
from services.referral.handlers import handlers
from services.referral.intake.command import intake
from services.referral.intake.request import ReceiveReferral
from services.referral.invalidation.request import InvalidationEntry
from services.referral.invalidation.route import post_invalidation
from services.referral.lifecycle.route import StepEntry, post_step
from services.referral.people.deciding import Decided
from services.referral.people.relinking import decide
from services.referral.retention.erasure import erase_referral
from services.referral.sharing.command import preview
from services.referral.sharing.request import ConfirmationEntry, SafetyEntry, ServiceEntry
from services.referral.sharing.route import (
    post_consent,
    post_consent_confirmation,
    put_service_agreement,
    put_unsafe_agency,
)
from services.referral.sharing.subject import Subject
from services.referral.store import Stores
from services.referral.vault import Vault
from shared.clock import now
from shared.errors import NotFound, Outage, Refused
from shared.events import parse
from shared.events.subject import AboutSharing
from shared.messaging.relay import Relay
from shared.operating.runner import Platform
from shared.rules.sharing import CATEGORIES, Category, Request
from shared.rules.sharing import decide as decide_sharing
from shared.web.etags import Match
from shared.web.tokens import Caller
from tests.harness.mongo import drop
from tests.harness.promises import Details, Known, Stated, Word, alike, contradict

CROSSING = "of another child, linked or joined wrongly"
HUB, AREA = "hub_north", "northtown"
ANY = Match(frozenset({"*"}))
MANAGER = Caller("acc_manager", "hub_manager", hub_id=HUB)
ASKED: tuple[Category, ...] = ("existence", "identity", "health")
KINDS = ("2a", "3a", "4")
# Valid by their check digit; and one that is not.
NUMBERS = ("9434765919", "9434765870", "9434765897", "9876543210", "4010232137")
TYPO = "9434765918"
TODAY = date.today()  # noqa: DTZ011 - the day only decides ages that are half a year off


class Crash(CommandListener):
    """Stops a step at its n-th call to the store: sent, not sent, or sent and never answered."""

    def __init__(self) -> None:
        self.task: asyncio.Task[Any] | None = None
        self.left = 0

    def started(self, event: CommandStartedEvent) -> None:
        if self.task is None or event.command_name == "endSessions":
            return
        self.left -= 1
        if self.left == 0:
            self.task.cancel()

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing to do."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing to do."""


class NoBus:
    """Nobody listens: what happened stays in the outboxes, and the test delivers it."""

    ready = False


@dataclass
class Told:
    """A referral as it really is: about which child, by whom, what was said through it."""

    key: str
    child: int
    agency: str
    details: Details
    id: str = ""
    stated: Stated | None = None
    words: dict[str, Word] = field(default_factory=dict)
    service: str = "not_asked"
    ended: bool = False
    erased: bool = False


@dataclass
class Marks:
    """The newest word of each referral on each agency."""

    said: list[tuple[int, str, str, bool]] = field(default_factory=list)

    def unsafe(self, group: frozenset[str]) -> set[str]:
        last = {agency: mark for _, ref, agency, mark in sorted(self.said) if ref in group}
        return {agency for agency, mark in last.items() if mark}


class Life:
    """Up to five children and ten agencies, from one seed."""

    def __init__(self, client: "AsyncMongoClient[Any]", database: str, crash: Crash, seed: str):
        self.seed, self.dice, self.crash = seed, random.Random(seed), crash
        self.database = client[database]
        vault = Vault(self.database, [bytes(96)], bytes(32))
        relay = Relay("referral", NoBus())  # type: ignore[arg-type]
        self.stores = Stores.on(Platform(self.database, relay), vault)
        self.handlers = [h for of in handlers(self.stores).values() for h in of]
        self.counts: Counter[str] = Counter()
        self.told: dict[str, Told] = {}
        self.groups: set[frozenset[str]] = set()
        self.apart: set[frozenset[str]] = set()
        self.marks = Marks()
        self.later: list[Callable[[], Awaitable[None]]] = []
        self.seen: set[str] = set()
        self.undelivered: list[bytes] = []
        self.log: list[str] = []
        self.number = 0
        self.agencies = [
            (f"ag_{n}", KINDS[n % len(KINDS)]) for n in range(self.dice.randint(2, 10))
        ]
        self.children = [self._child(n) for n in range(self.dice.randint(2, 5))]

    def _child(self, number: int) -> Details:
        """One of a few who are alike: named alike, of one day, of one house, twins."""
        dice = self.dice
        return {
            "name": dice.choice(["Sam Sampleton", "Sam Sampleton", "Alex Sampleton"]),
            "date_of_birth": dice.choice([_born(14), _born(14), _born(17)]),
            "nhs_number": NUMBERS[number],
            "gender": dice.choice(["male", "female"]),
            "address": dice.choice(["1 Row", "2 Row"]),
            "school": dice.choice(["East", "West"]),
            "estimated_age": None,
        }

    async def start(self) -> None:
        """Everybody is registered, and every agency has an agreement on all with the Hub."""
        await self.stores.prepare()
        await self.database["known_hubs"].insert_one({"_id": HUB, "version": 1, "areas": [AREA]})
        by = MANAGER.origin()
        for agency, kind in self.agencies:
            entry = AgencyEntry(name="Sample", kind=kind, areas=(AREA,))  # type: ignore[arg-type]
            made, registered = register_agency(agency, entry)
            await self.stores.agencies.add(made, registered, by=by)
            terms = AgreementEntry(
                parties=(agency, HUB),
                purposes=("safeguarding",),
                categories=CATEGORIES,
                grounds=("consent",),
                frequency="as_needed",
                effective_from=now() - timedelta(days=1),
                effective_to=now() + timedelta(days=300),
                review_at=now() + timedelta(days=200),
            )
            agreement, proposed = propose(f"agr_{agency}", terms)
            await self.stores.agreements.add(agreement, proposed, by=by)
            for each in (agency, HUB):
                await self.stores.agreements.change(
                    agreement.id, partial(sign, party=each, version=1, account=each), by=by
                )

    # -- steps -------------------------------------------------------------------------------

    async def step(self) -> None:
        """One thing that somebody does."""
        steps = {
            self.refer: 6 if len(self.told) < 12 else 0,
            self.consent: 5,
            self.review: 2,
            self.invalidate: 1,
            self.mark: 1,
            self.agree: 1,
            self.amend: 3,
            self.join: 2,
            self.part: 4,
            self.there_and_back: 2,
            self.end: 1,
        }
        chosen = self.dice.choices(list(steps), list(steps.values()))[0]
        self.number += 1
        self.counts["steps"] += 1
        await chosen()
        await self.deliver(self.dice.random())

    async def refer(self) -> None:
        """An agency refers a child, with what it knows, some of it false."""
        dice, number = self.dice, self.number
        child, agency = dice.randrange(len(self.children)), dice.choice(self.agencies)[0]
        details = self._as_known(child)
        said = [self._said() for _ in range(dice.choice([0, 1, 1, 2]))]
        told = Told(f"k{number}", child, agency, details)
        document = ReceiveReferral.model_validate(
            {
                "agency_reference": told.key,
                "urgency": "five_working_days",
                "area": AREA,
                "referrer": {"name": "Sample", "role": "sample", "contact": "sample"},
                "subject": {k: v for k, v in details.items() if v is not None},
                "consents": said,
            }
        )

        async def run() -> None:
            began = now()
            made = await intake(self.stores, document, self._agency(agency), told.key)
            told.id, told.stated = made.id, _stated(details, began.date())
            await self._heard(told, said, agency)
            await self._linked(told)
            self.told[told.id] = told

        shown = " ".join(str(v) for v in details.values() if v is not None)
        await self._do(f"refer {told.key}: child {child} by {agency}: {shown}", run)

    def _as_known(self, child: int) -> Details:
        dice, details = self.dice, dict(self.children[child])
        if dice.random() < 0.4:
            details["nhs_number"] = None
        elif dice.random() < 0.15:
            details["nhs_number"] = dice.choice([TYPO, self._another(child)["nhs_number"]])
        if dice.random() < 0.25:
            details["date_of_birth"], details["estimated_age"] = None, dice.choice([None, 14, 17])
        elif dice.random() < 0.1:
            details["date_of_birth"] = _born(dice.choice([14, 17]))
        for name in ("gender", "address", "school"):
            if dice.random() < 0.4:
                details[name] = None
        if dice.random() < 0.1:
            details["name"] = self._another(child)["name"]
        return details

    def _another(self, child: int) -> Details:
        return self.children[(child + 1) % len(self.children)]

    def _said(self) -> dict[str, Any]:
        """Something a child or a parent said, at a time of its own."""
        dice = self.dice
        known = dice.random() < 0.85
        ago = timedelta(days=dice.choice([0, 0, 0, 365, 730]), seconds=dice.randrange(1, 9_000))
        whom = dice.choice(["all", "all", "id", "kind"])
        return {
            "status": dice.choice(["given", "given", "given", "refused", "withdrawn"]),
            "agency_ids": (dice.choice(self.agencies)[0],) if whom == "id" else (),
            "agency_kinds": (dice.choice(KINDS),) if whom == "kind" else (),
            "categories": tuple(sorted(dice.sample(ASKED, dice.randint(1, 3)))),
            "given_by": dice.choice(["young_person", "parent"]),
            "gillick_competent": dice.choice([None, True, True, False]),
            "said_at": now() - ago if known else None,
        }

    async def consent(self) -> None:
        """What was said is recorded through a referral, by who sent it or by the Hub."""
        if (told := self._one()) is None:
            return
        said, key = self._said(), f"c{self.number}"
        unsafe = self.marks.unsafe(self._group(told.id))
        agency = told.agency if self.dice.random() < 0.4 and told.agency not in unsafe else None
        caller = self._agency(agency) if agency else MANAGER

        async def run() -> None:
            made = await post_consent(
                told.id,
                ConsentEntry(**said),
                caller,
                await self._viewer(caller),
                self.stores,
                key,
            )
            word = Word(made.id, told.child, said, made.recorded_at, agency)
            told.words.setdefault(word.id, word)

        await self._do(f"consent {key} on {told.key}: {said['status']} by {agency}", run)

    async def review(self) -> None:
        """The Hub confirms or rejects what an agency recorded."""
        yes = self.dice.random() < 0.7
        found = self._word(lambda w: w.yes and w.agency is not None and w.confirmed is None)
        if found is None:
            return
        told, word = found
        entry = ConfirmationEntry(confirmed=yes, reason="asked_young_person" if yes else "not_said")

        async def run() -> None:
            await post_consent_confirmation(
                told.id, word.id, entry, MANAGER, await self._viewer(MANAGER), self.stores
            )
            told.words[word.id] = replace(told.words[word.id], confirmed=yes)
            if not yes:
                told.words[word.id] = replace(told.words[word.id], void=True)

        await self._do(f"review on {told.key}: {yes}", run, at_once=True)

    async def invalidate(self) -> None:
        """The Hub says that it was recorded by mistake."""
        found = self._word(lambda w: not w.void)
        if found is None:
            return
        told, word = found

        async def run() -> None:
            entry = InvalidationEntry(reason="not_said")
            await post_invalidation(
                told.id, word.id, entry, MANAGER, await self._viewer(MANAGER), self.stores
            )
            told.words[word.id] = replace(told.words[word.id], void=True)

        await self._do(f"invalidate on {told.key}", run, at_once=True)

    async def mark(self) -> None:
        """An agency is unsafe for the child, or no longer. Said again, it changes nothing."""
        if (told := self._one()) is None:
            return
        agency, unsafe = self.dice.choice(self.agencies)[0], self.dice.random() < 0.6
        if agency == told.agency:
            return

        async def run() -> None:
            before = self.marks.unsafe(self._group(told.id))
            await put_unsafe_agency(
                told.id,
                agency,
                SafetyEntry(unsafe=unsafe, relation="close_associate"),
                MANAGER,
                await self._viewer(MANAGER),
                self.stores,
            )
            if (agency in before) != unsafe:
                self.marks.said.append((self.number, told.id, agency, unsafe))

        await self._do(f"mark {agency} {unsafe} on {told.key}", run, at_once=True)

    async def agree(self) -> None:
        """The service is agreed to or declined."""
        if (told := self._one()) is None:
            return
        entry = ServiceEntry(agreed=self.dice.choice(["agreed", "declined"]))

        async def run() -> None:
            await put_service_agreement(
                told.id, entry, MANAGER, await self._viewer(MANAGER), self.stores
            )
            told.service = entry.agreed

        await self._do(f"service {entry.agreed} on {told.key}", run, at_once=True)

    async def amend(self) -> None:
        """The Hub corrects who the child is; sometimes wrongly."""
        if (told := self._one()) is None or told.ended:
            return
        right = self.children[told.child]
        source = right if self.dice.random() < 0.7 else self._another(told.child)
        name = self.dice.choice(["name", "nhs_number", "date_of_birth", "gender", "address"])
        value = source[name]
        if name in ("nhs_number", "address") and self.dice.random() < 0.2:
            value = None
        amendment = AmendReferral.model_validate({"subject": {name: value}})

        async def run() -> None:
            asker = Asker(MANAGER, await self._viewer(MANAGER))
            await amend_referral(self.stores, asker, told.id, amendment, ANY)
            told.details = {**told.details, name: value}
            if name == "date_of_birth":
                told.stated = _stated(told.details, now().date())

        await self._do(f"amend {name} of {told.key}: {value}", run, at_once=True)

    async def end(self) -> None:
        """A referral ends, and is erased."""
        if (told := self._one()) is None:
            return

        async def run() -> None:
            seen = await self._viewer(MANAGER)
            entry = StepEntry(reason="moved_away")
            with suppress(Refused):  # it has ended before
                await post_step(
                    told.id, "withdrawal", entry, MANAGER, seen, self.stores, ANY, Response()
                )
            await erase_referral(
                self.stores, Asker(MANAGER, seen), told.id, "right_to_erasure", ANY
            )
            told.ended = told.erased = True
            told.stated = told.stated.erased(TODAY) if told.stated else None

        await self._do(f"erase {told.key}", run, at_once=True)

    async def join(self) -> None:
        """A practitioner takes two for one: mostly rightly."""
        wrong = self.dice.random() < 0.3
        pairs = [
            (a, b)
            for a, b in self._pairs()
            if self._group(a) != self._group(b)
            and (self.told[a].child != self.told[b].child) == wrong
        ]
        if pairs:
            await self.decide(*self.dice.choice(pairs), "same_person")

    async def part(self) -> None:
        """A practitioner tells two apart: rightly."""
        pairs = [(a, b) for a, b in self._pairs() if self.told[a].child != self.told[b].child]
        if pairs:
            await self.decide(*self.dice.choice(self._wrong() or pairs), "different_people")

    def _pairs(self) -> list[tuple[str, str]]:
        return [(a, b) for a in self.told for b in self.told if a != b]

    async def decide(self, one: str, other: str, decision: Decided) -> None:
        """Decided, and carried out; where it stopped half-way, by its event or when it is repeated."""
        if settled := self.dice.random() < 0.5:
            await self.settle()

        async def run() -> None:
            referrals = [await self.stores.referrals.get(i) for i in (one, other)]
            by = MANAGER.origin(one)
            await decide(self.stores, referrals[0], referrals[1], decision, by)

        self.log.append(f"{decision} {self.told[one].key} {self.told[other].key}")
        self.counts["decisions"] += 1
        if self.dice.random() < 0.5 and await self._crashed(run) and settled:
            await self.settle()  # its event finishes it, if it came so far
        before = set(self.groups)
        try:
            await run()
        except (NotFound, Outage, Refused):
            # Something else is half done: it is finished first.
            await self.settle()
            before = set(self.groups)
            await run()
        mine, theirs = self._group(one), self._group(other)
        self.groups = await self._stored_groups()
        if decision == "same_person":
            assert self.groups == before - {mine, theirs} | {mine | theirs}, self
            self.apart = {p for p in self.apart if not p <= mine | theirs}
        else:
            assert before - {mine, theirs} <= self.groups, self
            assert self._group(one) | self._group(other) == mine | theirs, self
            assert self._group(one) != self._group(other), self
            self.apart.add(frozenset((one, other)))

    async def there_and_back(self) -> None:
        """Two are joined, and parted again: every stored fact is as it was."""
        pairs = [(a, b) for a, b in self._pairs() if self._group(a) != self._group(b)]
        if not pairs:
            return
        await self.settle()
        before, (one, other) = await self._facts(), self.dice.choice(pairs)
        mine, theirs = self._group(one), self._group(other)
        await self.decide(one, other, "same_person")
        if self.dice.random() < 0.5:
            await self.deliver(self.dice.random())
        one, other = self.dice.choice(sorted(mine)), self.dice.choice(sorted(theirs))
        if self.dice.random() < 0.5:
            one, other = other, one
        await self.decide(one, other, "different_people")
        await self.settle()
        after = await self._facts()
        changed = {i: (before.get(i), after.get(i)) for i in {*before, *after}}
        assert after == before, f"{[c for c in changed.values() if c[0] != c[1]]}: {self}"
        self.counts["joined and parted"] += 1

    async def _facts(self) -> dict[str, dict[str, Any]]:
        """Every stored fact of every referral; but not whom it was told apart from, nor the order of
        what was recorded at one moment: no rule depends on it."""
        subjects = await self.stores.subjects.find({}, limit=1000)
        return {
            f"{subject.id} {referral_id}": facts.model_dump(exclude={"apart"})
            | {"consents": sorted(facts.consents, key=lambda c: c.id)}
            for subject in subjects
            for referral_id, facts in subject.facts.items()
        }

    async def sort_out(self) -> None:
        """A practitioner looks at each pair that is taken for one and is two, until none is left.
        From then on nothing that was said about one child opens the record of another."""
        while wrong := self._wrong():
            await self.decide(*self.dice.choice(wrong), "different_people")
        crossing = self.counts[CROSSING]
        await self.hold()
        assert self.counts[CROSSING] == crossing, self
        self.counts["sorted out"] += 1

    def _wrong(self) -> list[tuple[str, str]]:
        pairs = [(a, b) for a, b in self._pairs() if self.told[a].child != self.told[b].child]
        return [(a, b) for a, b in pairs if self._group(a) == self._group(b)]

    # -- crashes, events ---------------------------------------------------------------------

    async def _do(
        self, text: str, run: Callable[[], Awaitable[None]], *, at_once: bool = False
    ) -> None:
        """Run a step. One that stopped half-way is repeated, at once or later."""
        self.log.append(text)
        if self.dice.random() < 0.3 and not await self._crashed(run):
            return
        if at_once or self.dice.random() < 0.5 or not self.log[-1].endswith("(crashed)"):
            await self._repeated(run)
        else:
            self.log[-1] += " (repeated later)"
            self.later.append(run)

    async def _crashed(self, run: Callable[[], Awaitable[None]]) -> bool:
        others = asyncio.all_tasks()
        task = asyncio.ensure_future(run())
        self.crash.task, self.crash.left = task, self.dice.randint(1, 14)
        try:
            await task
            return False
        except asyncio.CancelledError:
            self.counts["crashes"] += 1
            self.log[-1] += " (crashed)"
            return True
        except (NotFound, Outage):
            return True
        finally:
            self.crash.task = None
            if under_way := asyncio.all_tasks() - others - {task}:
                await asyncio.wait(under_way, timeout=5)

    async def _repeated(self, run: Callable[[], Awaitable[None]]) -> None:
        try:
            await run()
        except (NotFound, Outage, Refused):
            # Something else is half done: it is finished first.
            await self.settle()
            await run()

    async def deliver(self, share: float) -> None:
        """Some of the events, in any order, some of them twice; the others later."""
        await self._collect()
        self.dice.shuffle(self.undelivered)
        due = self.undelivered[: int(len(self.undelivered) * share)]
        self.undelivered = self.undelivered[len(due) :]
        for body in due:
            await self._handle(body)
            if self.dice.random() < 0.1:
                self.undelivered.append(body)

    async def _collect(self) -> None:
        for name in ("subjects", "referrals"):
            async for found in self.database[name].find({}, {"outbox": 1}):
                for entry in found["outbox"]:
                    if entry["n"] not in self.seen:
                        self.seen.add(entry["n"])
                        self.undelivered.append(entry["body"])

    async def _handle(self, body: bytes) -> None:
        event = parse(body)
        for handler in self.handlers:
            if handler.type != event.type:
                continue
            self.counts["deliveries"] += 1
            try:
                await handler.handle(event)
            except (NotFound, Outage):
                self.undelivered.append(body)  # the bus brings it again
                return
            except Refused:
                continue

    async def settle(self) -> None:
        """Everything that was begun is finished, and everything that happened is delivered."""
        while self.later:
            await self.later.pop(0)()
        for _ in range(50):
            await self._collect()
            if not self.undelivered:
                return
            await self.deliver(1)
        raise AssertionError(f"never settles: {self}")

    # -- what has to hold --------------------------------------------------------------------

    async def hold(self) -> None:
        """Everything promised, now that all is settled."""
        await self.settle()
        # As if allocation had told which Hub has them.
        await self.database["referrals"].update_many({}, {"$set": {"hub_id": HUB}})
        assert self.groups == await self._stored_groups(), self
        for pair in self.apart:
            one, other = pair
            assert self._group(one) != self._group(other), self
        subjects = {s.id: s for s in await self.stores.subjects.find({}, limit=1000)}
        for group in self.groups:
            subject = subjects[await self._subject_of(next(iter(group)))]
            self._keeps(subject, group)
            await self._says_so(subject)
            known = self.known(group)
            for referral_id in group:
                await self._verdicts(referral_id, known, group)

    def known(self, group: frozenset[str]) -> Known:
        """What is known of the young person of these referrals."""
        told = [self.told[i] for i in group]
        return Known(
            [w for t in told for w in t.words.values()],
            [t.stated for t in told if t.stated],
            self.marks.unsafe(group),
        )

    def _keeps(self, subject: Subject, group: frozenset[str]) -> None:
        """Each referral has what was recorded through it: no more, no less."""
        assert set(subject.facts) == group, f"{set(subject.facts)}, not {set(group)}: {self}"
        assert not subject.moving, f"{subject.moving}: {self}"
        for referral_id in group:
            kept = {
                c.id: (c.void, c.confirmation is not None)
                for c in subject.facts[referral_id].consents
            }
            told = self.told[referral_id]
            said = {w.id: (w.void, w.confirmed is not None) for w in told.words.values()}
            assert kept == said, f"{told.key} has {kept}, not {said}: {self}"
        assert set(subject.unsafe) == {f"agency:{a}" for a in self.marks.unsafe(group)}, self

    async def _says_so(self, subject: Subject) -> None:
        """The newest event states what holds: by it notify retracts what no longer rests on a word."""
        stored = await self.database["subjects"].find_one({"_id": subject.id}, {"outbox": 1})
        assert stored is not None
        events = [parse(entry["body"]) for entry in stored["outbox"]]
        newest = max(events, key=lambda event: event.version).data
        assert isinstance(newest, AboutSharing), self
        assert set(newest.referral_ids) == set(subject.facts), self
        for agency, kind in self.agencies:
            asked = Request(
                sharer=HUB,
                agency_id=agency,
                agency_kind=kind,
                purpose="safeguarding",
                categories=ASKED,
            )
            terms = await self.stores.terms_between(agency, HUB)
            told, holds = (
                [
                    (v.permitted, v.ground_id)
                    for v in decide_sharing(asked, state, terms, now()).verdicts
                ]
                for state in (newest.sharing, subject.sharing)
            )
            assert told == holds, f"{agency} {told}, not {holds}: {self}"
        assert set(newest.unsafe_names or ()) == set(subject.unsafe), self

    async def _verdicts(self, referral_id: str, known: Known, group: frozenset[str]) -> None:
        referral = await self.stores.referrals.get(referral_id)
        whose = {w.id: w.child for w in known.words}
        child = self.told[referral_id].child
        mixed = len({self.told[i].child for i in group}) > 1
        for agency in self.agencies:
            decided = await preview(self.stores, referral, agency[0], "safeguarding")
            for verdict in decided.verdicts:
                if verdict.category not in ASKED:
                    assert not verdict.permitted, self
                    continue
                self.counts["verdicts"] += 1
                may = known.grounds(agency, verdict.category, TODAY, self.told[referral_id].agency)
                at = f"{agency} {verdict} on {self.told[referral_id].key}, not by {may}: {self}"
                assert verdict.permitted == bool(may), at
                if not verdict.permitted:
                    continue
                self.counts["permitted"] += 1
                assert verdict.ground_id in may, at
                if whose[verdict.ground_id] != child:
                    self.counts[CROSSING] += 1
                    assert mixed, at

    async def _subject_of(self, referral_id: str) -> str:
        return (await self.stores.referrals.get(referral_id)).subject_id

    async def _stored_groups(self) -> set[frozenset[str]]:
        found: dict[str, set[str]] = {}
        for referral_id in self.told:
            found.setdefault(await self._subject_of(referral_id), set()).add(referral_id)
        return {frozenset(group) for group in found.values()}

    async def _linked(self, told: Told) -> None:
        """Whom a new referral was linked with agrees with it, and nobody there contradicts it."""
        subject = await self._subject_of(told.id)
        mates = [i for i in self.told if i != told.id and await self._subject_of(i) == subject]
        for group in [g for g in self.groups if g & set(mates)]:
            # Who was linked before a crash may have met there who is corrected or erased by now.
            if told.key == f"k{self.number}":
                others = [self.told[i].details for i in group if not self.told[i].erased]
                assert any(alike(told.details, o) for o in others), f"{told.key}: {self}"
                assert not any(contradict(told.details, o) for o in others), f"{told.key}: {self}"
            self.counts["linked"] += 1
            self.groups.remove(group)
            mates = [*group]
        self.groups.add(frozenset([told.id, *mates]))

    # -- who and what ------------------------------------------------------------------------

    def _group(self, referral_id: str) -> frozenset[str]:
        return next(g for g in self.groups if referral_id in g)

    def _one(self) -> Told | None:
        open_ = [t for t in self.told.values() if not t.erased]
        return self.dice.choice(open_) if open_ else None

    def _word(self, which: Callable[[Word], bool]) -> tuple[Told, Word] | None:
        found = [
            (t, w) for t in self.told.values() if not t.erased for w in t.words.values() if which(w)
        ]
        return self.dice.choice(found) if found else None

    async def _heard(self, told: Told, said: list[dict[str, Any]], agency: str) -> None:
        """The words of an intake, with the ids they have."""
        subject = await self.stores.subjects.get(await self._subject_of(told.id))
        there = list(subject.facts[told.id].consents)
        for one in said:
            kept = next(
                c for c in there if c.said_at == one["said_at"] and c.status == one["status"]
            )
            there.remove(kept)
            told.words[kept.id] = Word(kept.id, told.child, one, kept.recorded_at, agency)

    def _agency(self, agency: str) -> Caller:
        return Caller(f"acc_{agency}", "agency", agency_id=agency)

    async def _viewer(self, caller: Caller) -> Any:
        return await viewer(await party(caller, self.stores), self.stores)

    def __repr__(self) -> str:
        steps = "\n  ".join(self.log)
        groups = [sorted(self.told[i].key for i in group) for group in self.groups]
        return f"seed {self.seed}, now {sorted(groups)}\n  {steps}"


def _born(years: int) -> date:
    """Half a year after a birthday, so that no day and no month decides."""
    month = (TODAY.month + 5) % 12 + 1
    return date(TODAY.year - years - (month > TODAY.month), month, 15)


def _stated(details: Details, day: date) -> Stated | None:
    if details["date_of_birth"] is not None:
        return Stated(details["date_of_birth"], exact=True)
    if details["estimated_age"] is not None:
        return Stated(day.replace(year=day.year - details["estimated_age"]), exact=False)
    return None


@asynccontextmanager
async def living(url: str, database: str, seed: str) -> AsyncIterator[Life]:
    """A life in a database of its own, dropped after it."""
    crash = Crash()
    options: dict[str, Any] = {"w": "majority", "journal": True, "tz_aware": True}
    client: AsyncMongoClient[Any] = AsyncMongoClient(url, event_listeners=[crash], **options)
    async with client:
        life = Life(client, database, crash, seed)
        await life.start()
        yield life
        await drop(client, database)
