"""docs/limits.md, made from the settings and the constants that limit something: `make limits`."""

import sys
from pathlib import Path

from services.allocation.callers import MAX_PAGE
from services.allocation.caseload import worker_list
from services.audit.court.gathering import MOST_LINES
from services.audit.reports.accounting import MOST as MOST_DISCLOSURES
from services.notify.inbox.reading import STREAM_ENDS
from services.notify.oversight.replay import MAX_REPLAYED
from services.referral.drafts.request import MOST_BYTES as DRAFT_BYTES
from services.referral.drafts.request import MOST_DEPTH
from services.referral.drafts.rule import MOST_DRAFTS
from services.referral.intake.route import MAX_LINES
from services.referral.retention.policy import policy
from shared.events.bounds import MAX_EVENT
from shared.operating.limits import LimitSettings
from shared.rules.values import END, FIRST, MOST, MOST_BYTES
from shared.web.etags import MAX_TAGS

PAGE = Path(__file__).parents[2] / "docs" / "limits.md"
FIXED = (
    ("a request body, also of a batch, a list or an export", f"{MOST_BYTES:,} bytes"),
    ("lines of a batch of referrals", f"{MAX_LINES:,}"),
    ("drafts of one account; one draft", f"{MOST_DRAFTS}; {DRAFT_BYTES:,} bytes and {MOST_DEPTH} levels "
     f"of JSON, {policy().drafts_days} days after its last change"),
    ("lines of a list of workers; characters of a line", f"{worker_list.MAX_LINES:,}; "
     f"{worker_list.MAX_LINE:,}"),
    ("an event, and so what a record may gather", f"{MAX_EVENT:,} bytes"),
    ("times and days", f"{FIRST.year} to {END.year - 1}"),
    ("numbers", f"below {MOST:,} (2^53)"),
    ("tags of an If-Match", f"{MAX_TAGS}"),
    ("workers, Hubs or allocations on a page", f"{MAX_PAGE}"),
    ("lines of an account of disclosures", f"{MOST_DISCLOSURES:,}"),
    ("lines of a report on one young person", f"{MOST_LINES:,}"),
    ("notifications sent again by one request", f"{MAX_REPLAYED:,}"),
    ("a stream of the inbox", f"{STREAM_ENDS:.0f} seconds, then connect again"),
)  # fmt: skip
HEAD = """\
# Limits

`make limits` writes this page from the code. Whoever meets a limit of the first table gets `429`, \
`too_many_requests`, with the name of the limit, `Retry-After`, and what to do if a young person \
can't wait: phone. Nothing is stored or lost then; the same request with the same \
`Idempotency-Key` is right. Answers carry `RateLimit` and `RateLimit-Policy`: what is left, and when \
it begins anew. They are far above what a busy agency needs: a referral every second fits, with \
twenty questions about each.

## Settings

| setting | default | what it is |
|---|---|---|
"""
BETWEEN = """
**Replicas.** Codes, mails, mailboxes, challenges and tests are counted in notify's store: those limits \
hold across replicas and restarts. Everything else each process counts by itself, in memory: N \
replicas of a service answer up to N times as much, and a restart begins anew. Set a quota for \
the whole network at your gateway, if you need one. Windows are fixed: around the edge of one, \
twice as much passes.

**Behind a proxy** all requests come from its address. Name it in `TRUSTED_PROXIES`, or everybody \
shares one limit; name nothing else, or anybody can say who they are. Without the setting \
`X-Forwarded-For` counts for nothing. The address is the last of it that no trusted proxy has.

**Bad tokens** never lock anybody out: a valid token is served also from an address that has sent \
too many bad ones, for agencies share addresses.

## What never changes

| what | at most |
|---|---|
"""


def page() -> str:
    """The page as it should be."""
    settings = "".join(
        f"| `{name.upper()}` | `{field.default}` | {field.description} |\n"
        for name, field in LimitSettings.model_fields.items()
    )
    return HEAD + settings + BETWEEN + "".join(f"| {what} | {most} |\n" for what, most in FIXED)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write("docs/limits.md\n")
