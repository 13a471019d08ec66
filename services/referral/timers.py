"""What happens because time has passed: late answers, agreements that end, birthdays, old drafts.

Any replica may run it. A timer is claimed for a minute; the rule that follows also stops or moves the
timer, in one write: each fires one effect, however many replicas look and whichever of them dies.
"""

import asyncio
from datetime import datetime
from functools import partial

from services.referral.advice.command import destroy as destroy_advice
from services.referral.advice.rule import ANSWER_DUE, Advice
from services.referral.advice.rule import remind as press
from services.referral.agencies.rule import AGREEMENT_DUE, Agreement, watch
from services.referral.drafts.rule import DESTRUCTION_DUE, Draft
from services.referral.intelligence.ending import end_report, remind_of
from services.referral.intelligence.report import REPORT_ENDS_DUE, REVIEW_DUE
from services.referral.lifecycle.states import overdue
from services.referral.participation.rule import SAID_DUE, Words
from services.referral.participation.saying import destroy
from services.referral.people.age import BIRTHDAY_DUE, Age, older
from services.referral.people.finding import details_of
from services.referral.people.growing import turn
from services.referral.records import RESPONSE_DUE, TRANSFER_DUE, Referral
from services.referral.sharing.subject import Subject
from services.referral.store import Stores
from services.referral.transfers.rule import remind
from shared.clock import now
from shared.origin import Origin
from shared.storage.timers import run_out

LEASE = 60.0
ME = Origin.of_service("referral")


async def run_timers(stores: Stores) -> None:
    """Look after every timer for ever. Any replica may, any number of them."""
    async with asyncio.TaskGroup() as loops:
        for loop in (
            run_out(stores.referrals, RESPONSE_DUE, partial(respond, stores), lease=LEASE),
            run_out(stores.referrals, TRANSFER_DUE, partial(ask_again, stores), lease=LEASE),
            run_out(stores.agreements, AGREEMENT_DUE, partial(agree, stores), lease=LEASE),
            run_out(stores.subjects, BIRTHDAY_DUE, partial(grow, stores), lease=LEASE),
            run_out(stores.drafts, DESTRUCTION_DUE, partial(forget, stores), lease=LEASE),
            run_out(stores.advice, ANSWER_DUE, partial(ask_for_an_answer, stores), lease=LEASE),
            run_out(stores.advice, DESTRUCTION_DUE, partial(forget_advice, stores), lease=LEASE),
            run_out(stores.voices.said, SAID_DUE, partial(fall_silent, stores), lease=LEASE),
            run_out(stores.reports.store, REVIEW_DUE, partial(remind_of, stores), lease=LEASE),
            run_out(
                stores.reports.store, REPORT_ENDS_DUE, partial(end_report, stores), lease=LEASE
            ),
        ):
            loops.create_task(loop)


async def respond(stores: Stores, referral: Referral) -> None:
    """The time for an answer ran out."""
    after = await stores.referrals.change(referral.id, lambda r: overdue(r, now()), by=ME)
    if after.version == referral.version:  # answered meanwhile, or not yet due
        until = after.timers()[RESPONSE_DUE]
        await stores.referrals.postpone(referral.id, RESPONSE_DUE, until, version=after.version)


async def ask_again(stores: Stores, referral: Referral) -> None:
    """The other Hub has not answered whether it takes the referral."""
    after = await stores.referrals.change(referral.id, lambda r: remind(r, now()), by=ME)
    if after.version == referral.version:
        until = after.timers()[TRANSFER_DUE]
        await stores.referrals.postpone(referral.id, TRANSFER_DUE, until, version=after.version)


async def agree(stores: Stores, agreement: Agreement) -> None:
    """An agreement comes to its review or its end."""
    after = await stores.agreements.change(agreement.id, lambda a: watch(a, now()), by=ME)
    if after.version == agreement.version:
        until = after.timers()[AGREEMENT_DUE]
        await stores.agreements.postpone(agreement.id, AGREEMENT_DUE, until, version=after.version)


async def grow(stores: Stores, subject: Subject) -> None:
    """A birthday that changes who decides may have come, or be half a year away."""
    at = now()
    due = {i: f.age for i, f in subject.facts.items() if f.age and _is_due(f.age, at)}
    ages = {i: await _grown(stores, i, age, at) for i, age in due.items()}
    after = await stores.subjects.change(subject.id, lambda s: turn(s, ages), by=ME)
    if after.version == subject.version:
        known = [ages.get(i, f.age) for i, f in subject.facts.items()]
        coming = [age.check_at for age in known if age and age.check_at]
        until = min(coming, default=None)
        await stores.subjects.postpone(subject.id, BIRTHDAY_DUE, until, version=after.version)


async def forget(stores: Stores, draft: Draft) -> None:
    """Nobody has changed a draft for as long as one is kept, or a crash left it half destroyed."""
    await stores.drafts.destroy(draft.id)


async def fall_silent(stores: Stores, said: Words) -> None:
    """What a young person said has had its time, or a crash left its key."""
    await destroy(stores, said, "time_over", ME)


async def ask_for_an_answer(stores: Stores, advice: Advice) -> None:
    """Nobody has answered what an agency asked."""
    after = await stores.advice.change(advice.id, lambda a: press(a, now()), by=ME)
    if after.version == advice.version:
        until = after.timers()[ANSWER_DUE]
        await stores.advice.postpone(advice.id, ANSWER_DUE, until, version=after.version)


async def forget_advice(stores: Stores, advice: Advice) -> None:
    """A question and its answers have had their time."""
    await destroy_advice(stores, advice, ME)


def _is_due(age: Age, at: datetime) -> bool:
    return age.check_at is not None and age.check_at <= at


async def _grown(stores: Stores, referral_id: str, age: Age, at: datetime) -> Age:
    if age.source != "exact":
        return older(age, None, at)
    found = await stores.referrals.find({"_id": referral_id}, limit=1)
    details = await details_of(stores, found[0]) if found else None
    return older(age, details.date_of_birth if details else None, at)
