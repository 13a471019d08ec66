"""Reporting intelligence, and taking it back.

A report's id derives from who sends it and their key, so a request sent again finds it. In order: its
key is made, its words are sealed, it is stored. Its links follow from its event, however often that
comes.
"""

import json
from datetime import timedelta

from services.referral.acting import Asker, find
from services.referral.disclosure.access_record import refuse
from services.referral.disclosure.rule import Shown, look
from services.referral.intelligence.normal import keys_of
from services.referral.intelligence.reading import theirs
from services.referral.intelligence.report import (
    CONDITIONS,
    TEXT,
    Found,
    Mention,
    Report,
    reported,
    review,
    withdraw,
)
from services.referral.intelligence.request import (
    MentionEntry,
    ReportEntry,
    ReviewEntry,
    WithdrawalEntry,
)
from services.referral.records import Referral, not_erased
from services.referral.retention.policy import policy
from services.referral.store import Stores
from services.referral.vault import Vault
from shared.clock import now
from shared.errors import AlreadyThere, Mismatch, Refused
from shared.operating.failpoints import failpoint
from shared.web.etags import Match


async def report_intelligence(stores: Stores, asker: Asker, entry: ReportEntry, key: str) -> Report:
    """The stored report of this request, made now or by an earlier copy of it. Raises `Mismatch`
    where the key was used for another body, `NotFound` for a referral that is not theirs to read,
    `Refused` for an area that nobody knows and for a referral that was erased."""
    caller, vault = asker.caller, stores.vault
    report_id = vault.id_of("rep", caller.actor, caller.account, key)
    request_hash = vault.fingerprint("report", entry.model_dump_json())
    if (found := await stores.reports.find(report_id)) is not None:
        return _same(found, request_hash)
    if not (await stores.register.place(entry.area)).known:
        raise Refused("area_not_known", "No area has this code; GET /v1/areas lists them.")
    referral = await _named(stores, asker, entry.referral_id)
    await vault.make_key(report_id)
    failpoint("intelligence.after_key")
    report = await _made(stores, asker, entry, report_id, request_hash)
    event = reported(report, referral.subject_id if referral else None)
    try:
        return await stores.reports.store.add(report, event, by=caller.origin(report_id))
    except AlreadyThere:  # this very request ran twice at once
        return _same(await stores.reports.store.get(report_id), request_hash)


async def withdraw_report(
    stores: Stores, asker: Asker, report_id: str, entry: WithdrawalEntry, match: Match
) -> Report:
    """The report, taken back. Raises `NotFound` for who may not, `Refused` as the rule does."""
    about, _ = await theirs(stores, asker, report_id, "safeguarding", "withdraw_report")
    at, kept = now(), timedelta(days=policy().entered_in_error_days)
    return await stores.reports.store.change(
        report_id,
        match.guard(lambda report: withdraw(report, entry.reason, at, kept)),
        by=asker.caller.origin(about.report.referral_id or report_id),
        seen=about.report,
    )


async def review_report(
    stores: Stores, asker: Asker, report_id: str, entry: ReviewEntry, match: Match
) -> Report:
    """The report, kept as from now, or about to be destroyed."""
    about, _ = await theirs(stores, asker, report_id, "oversight", "review_report")
    again, kept = times()
    at = now()
    return await stores.reports.store.change(
        report_id,
        match.guard(lambda report: review(report, entry.outcome, at, again, kept)),
        by=asker.caller.origin(about.report.referral_id or report_id),
        seen=about.report,
    )


def times() -> tuple[timedelta, timedelta]:
    """After how long a report is reviewed, and after how long destroyed."""
    kept = policy()
    return timedelta(days=kept.intelligence_review_days), timedelta(days=kept.intelligence_days)


def _same(found: Report, request_hash: str) -> Report:
    if found.request_hash and found.request_hash != request_hash:
        raise Mismatch
    return found


async def _named(stores: Stores, asker: Asker, referral_id: str | None) -> Referral | None:
    """The referral that a report names, if they may read it. Raises `NotFound`, recorded."""
    if referral_id is None:
        return None
    caller, viewer = asker
    found = await find(stores, referral_id)
    hub_id = found.referral.hub_id if found else None
    terms = await stores.terms_between(viewer.id, hub_id) if viewer.role == "agency" else []
    if found is None:
        raise await refuse(stores, caller, viewer, referral_id, "view", "not_there")
    shown = look(found.referral, viewer, found.subject, terms, "safeguarding", now())
    if not isinstance(shown, Shown):
        raise await refuse(stores, caller, viewer, referral_id, "view", shown)
    not_erased(found.referral)
    return found.referral


async def _made(
    stores: Stores, asker: Asker, entry: ReportEntry, report_id: str, request_hash: str
) -> Report:
    caller, vault, at = asker.caller, stores.vault, now()
    again, kept = times()
    mentions = tuple(_mention(vault, n, each) for n, each in enumerate(entry.mentions, start=1))
    words = {TEXT: entry.text, CONDITIONS: entry.conditions}
    words |= {
        mention.sealed_as: json.dumps(said.values.given)
        for mention, said in zip(mentions, entry.mentions, strict=True)
    }
    names = {"area", "referral_id", "source", "assessment", "handling", "observed_at"}
    return Report(
        id=report_id,
        request_hash=request_hash,
        reporter_kind=caller.role,  # type: ignore[arg-type]
        reporter=caller.actor,
        account=caller.account,
        agency_id=caller.agency_id if caller.role == "agency" else None,
        worker_id=caller.worker_id if caller.role == "worker" else None,
        mentions=mentions,
        reported_at=at,
        review_at=at + again,
        destroyed_at=at + kept,
        sealed=await vault.seal(report_id, {name: said for name, said in words.items() if said}),
        **entry.model_dump(include=names),
    )


def _mention(vault: Vault, number: int, entry: MentionEntry) -> Mention:
    found = (
        Found(
            node=vault.id_of("lnk", key.kind, key.strength, key.text),
            kind=key.kind,
            strength=key.strength,
        )
        for key in keys_of(entry.kind, entry.values.given)
    )
    return Mention(number=number, kind=entry.kind, role=entry.role, found_by=tuple(found))
