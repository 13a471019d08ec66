"""Every timer of notify and what happens when it runs out: one loop for each."""

import asyncio
from functools import partial

from services.notify.decision.re_evaluate import re_evaluate
from services.notify.delivery.mail import Mailer
from services.notify.delivery.webhook import Caller
from services.notify.notification import OPEN_DUE, RECHECK_DUE, REMIND_DUE, Notification
from services.notify.oversight.escalation import unanswered, unopened
from services.notify.store import Stores
from services.notify.subscriptions.proofs import confirm, prove_url
from services.notify.subscriptions.subscription import CONFIRM_DUE, VERIFY_DUE
from shared.storage.timers import run_out

RE_EVALUATIONS = 6
CHALLENGES = 4


async def run_timers(stores: Stores, caller: Caller, mailer: Mailer) -> None:
    """Look after every timer for ever. Any replica may, any number of them."""

    async def ground_changed(each: Notification) -> None:
        await re_evaluate(stores, each, "ground_changed")

    notifications, subscriptions, lease = stores.notifications, stores.subscriptions, stores.lease
    by_word, by_code = partial(prove_url, stores, caller), partial(confirm, stores, mailer)
    async with caller.ready(), asyncio.TaskGroup() as tasks:
        for loop in (
            run_out(
                notifications, RECHECK_DUE, ground_changed, at_once=RE_EVALUATIONS, lease=lease
            ),
            run_out(notifications, OPEN_DUE, partial(unopened, stores), lease=lease),
            run_out(notifications, REMIND_DUE, partial(unanswered, stores), lease=lease),
            run_out(subscriptions, VERIFY_DUE, by_word, at_once=CHALLENGES, lease=lease),
            run_out(subscriptions, CONFIRM_DUE, by_code, lease=lease),
        ):
            tasks.create_task(loop)
