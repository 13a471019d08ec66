"""What happens to a report because time has passed, or because what it is about was erased.

A report is destroyed in two steps, each of which may be repeated: what is sealed and what it is found
by go from the record, with the event; then its key goes. After a crash between them the event's
handler destroys the key.
"""

from services.referral.intelligence.command import times
from services.referral.intelligence.report import (
    REPORT_ENDS_DUE,
    REVIEW_DUE,
    Report,
    destroy,
    remind,
)
from services.referral.store import Stores
from shared.clock import now
from shared.events.intelligence import DestructionReason
from shared.operating.failpoints import failpoint
from shared.origin import Origin

ME = Origin.of_service("referral")


async def remind_of(stores: Stores, report: Report) -> None:
    """Whether it is needed still has to be looked at."""
    again, _ = times()
    after = await stores.reports.store.change(report.id, lambda r: remind(r, now(), again), by=ME)
    if after.version == report.version:
        until = after.timers()[REVIEW_DUE]
        await stores.reports.store.postpone(report.id, REVIEW_DUE, until, version=after.version)


async def end_report(stores: Stores, report: Report) -> None:
    """Its time is over, unless somebody has kept it meanwhile."""
    seen = await stores.reports.store.get(report.id)
    if seen.destroyed_at > now():
        until = seen.timers()[REPORT_ENDS_DUE]
        await stores.reports.store.postpone(report.id, REPORT_ENDS_DUE, until, version=seen.version)
        return
    wrong = seen.status == "entered_in_error"
    await destroyed(stores, report.id, "entered_in_error" if wrong else "time_over", ME)


async def forget_reports(stores: Stores, referral_id: str, by: Origin) -> None:
    """The referral was erased: what was reported about it is destroyed with it. Safe to repeat."""
    while left := await stores.reports.left_of(referral_id, limit=100):
        for report in left:
            await destroyed(stores, report.id, "referral_erased", by)


async def destroyed(stores: Stores, report_id: str, reason: DestructionReason, by: Origin) -> None:
    """Nobody can read the report, or find it, on return. Safe to repeat."""
    await stores.reports.store.change(report_id, lambda report: destroy(report, reason), by=by)
    failpoint("intelligence.after_record")
    await stores.vault.destroy(report_id)
