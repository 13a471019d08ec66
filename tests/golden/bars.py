"""docs/bars.md, made from the tables by which messages are read and answered: `make intake-rules`."""

import sys
from collections.abc import Iterable
from pathlib import Path

from services.notify.delivery.bars import MESSAGES
from services.referral.bars import codes
from services.referral.bars.rule import ENDINGS
from shared.bars.codes import (
    NOT_TAKEN,
    NOT_TAKEN_OTHERWISE,
    REJECTED_DISPLAYS,
    STANDING,
    WORDS,
)
from shared.web.outcomes import CODES

PAGE = Path(__file__).parents[2] / "docs" / "bars.md"
HEAD = """\
# Referrals as messages of the NHS (BaRS, FHIR R4)

`make intake-rules` writes this page from the code; why it is so, says decision 1406. For systems that \
speak the Booking and Referral Standard: the base of the server is `/v1/bars`, the token is that of your \
agency (docs/identity.md), bodies are `application/fhir+json`.

| what | |
|---|---|
| `POST /v1/bars/$process-message` | a Bundle of type `message` with a MessageHeader \
(`servicerequest-request`), a ServiceRequest and what belongs to it |
| `GET /v1/bars/metadata` | the CapabilityStatement |
| `GET /v1/bars/responses/{referral_id}` | how the referral stands, as a `servicerequest-response` message |
| `GET /v1/referrals/{referral_id}` | all that you sent and may see, as JSON |

`X-Request-Id` and `X-Correlation-Id` come back as you sent them, if each is at most 100 letters, digits, \
`.`, `_` and `-`.

## What a message does

| `MessageHeader.reason` | `ServiceRequest.status` | becomes |
|---|---|---|
| `new` | `active` | a referral, as by `POST /v1/referrals` |
| `update` | `active` | an amendment of what is new in it; nothing is removed |
| any | `revoked` | the same, then {revoked} |
| any | `entered-in-error` | {error}; nothing of it is added |

**One message is one**, by its `Bundle.id`, however often it comes: the answer is `200` again, not a \
conflict. Another message under the same id is `409 REC_CONFLICT`, as is a new one for a ServiceRequest \
that you have sent. Without a `Bundle.id` it is one by what it says.

**Your reference** is the first `ServiceRequest.identifier`, else its `id`, else its `fullUrl`. A later \
message names the referral by any of these, or by our id, which the answer has as `ServiceRequest.id` \
(`ref-…`) and `Encounter.identifier` (`ref_…`).

**An update tells the whole story again.** It is compared with what you said before: only what differs \
becomes an amendment, so what the Hub has corrected since stays, no text stands twice, and a slower \
`priority` changes nothing. What is new of a list in which \
somebody else has written since (telephone numbers and addresses online, numbers of others, languages) \
is kept for the Hub beside it and marked `not_understood`: it can't be told what of the list is yours.

## How it is read

As docs/intake.md says: strict about types (`400`, with the place), generous about content. What has a \
place goes there as you sent it, whatever code it is; what is readable and has none (notes, reasons, \
observations, the plan of care) goes into the narrative; the rest of each resource is set aside whole, \
sealed, and marked in the OperationOutcome of the answer by its place (`/entry/7/resource`), never quoted. \
`GET /v1/referrals/{{id}}` shows it under `submission`, `set_aside`.

- *Priority*: {priorities}; none counts as `same_day`, another one as `immediate`.
- *Concerns* (Condition, Observation, Flag, reason of the request) in SNOMED CT: {concerns}. The codes for \
looked after and for a protection plan are details of the young person.
- *Gender, ethnicity and who somebody is to the young person* are read by the register of codes \
(`GET /v1/codes/gender`, `ethnicity_code`, `person_kind`), as are priorities and concerns; an ethnicity \
is kept in full (`background.ethnicity_code`) and as its group. What the register does not have stays as it \
came.
- *Flags*: a scene that is not safe is `visit_risk`; one danger outweighs all that is safe.
- *Consent*: implied consent opens nothing and is kept as `implied_consent`; a yes is set aside for a \
practitioner to ask; a `deny` anywhere, or `rejected`, is a refusal to everybody about everything.
- *A resource that is said to be entered in error*, or refuted, does not count.

## What is declined

`422`, with an OperationOutcome that says where to turn, and nothing stored: anything but \
`servicerequest-request` (bookings, responses); a new referral of somebody who is over 25 by a whole birth \
date; a new one for urgent care (category `validation`: to check a triage) that names no safeguarding \
concern. A use case of urgent care alone is no reason: a child may be in danger all the same, and its Hub \
decides. A message about a referral that you have is never declined for whom it is about.

## How a referral stands

| here | `ServiceRequest.status` | `Encounter.status` | in words |
|---|---|---|---|
{standing}
`Encounter.reasonCode` has our state and, where there is one, our reason (docs/states.md) as codes. With \
the reason `not_engaged` it says that the young person was not brought, or did not come. The same state is \
the same message, by its `Bundle.id`.

With a reason why nothing came of it (`cancelled`) stands the code of the standard \
(`rejected-reasons-bars`): {not_taken}; any other is `{otherwise}`.

## Messages to your endpoint

`PUT /v1/subscriptions/{{your id}}` with `url` and `format: "bars"` (docs/notifications.md; why it is so, \
says decision 1408). From then on what becomes of your own referrals comes there as a \
`servicerequest-response` message, each turn by itself, and not only of those that came as messages:

| notification | `ServiceRequest.status` | `Encounter.status` |
|---|---|---|
{messages}
`referral_resumed` says `triaged` where nobody is in touch yet.

- *Which referral*: `ServiceRequest.id` and `Encounter.identifier` are those of the answer to your message. \
Your own reference and your `Bundle.id` are words of yours, which leave the record never: so there is no \
`MessageHeader.response`. The fetched message has it.
- *Which message*: `webhook-id`, `Bundle.identifier` and `X-Request-Id` are the same on every attempt, as is \
the body unless an instruction came or went; `X-Correlation-Id` is one per referral. Messages may \
overtake each other: `timestamp` is when it came to stand so, and \
`GET /v1/bars/responses/{referral_id}` how it stands now.
- *Signature, challenge, retries, what happens when you do not answer*: as for every webhook. The \
challenge, and what is not about your own referrals (a concern in your area, a retraction), come as \
`application/json`, messages as `application/fhir+json`.
- *Instructions* come as a `Flag`: `do_not_tell_parents`.
- *No profile is claimed*, and the national proxy is not called: your endpoint is.

**What is missing.** There is no `MessageDefinition`, no `GET /ServiceRequest`, no XML, and no onboarding to \
the national proxy.

## Errors

Each is an OperationOutcome with the code of the standard, our own code (docs/errors.md), and the place as \
a FHIRPath; `meta.source` finds the request in the logs.

| HTTP | code | issue |
|---|---|---|
{errors}"""


def page() -> str:
    """The whole page."""
    standing = (
        (f"`{state}`", *(f"`{one}`" for one in told), WORDS[state])
        for state, told in STANDING.items()
    )
    errors = ((str(status), f"`{code}`", f"`{kind}`") for status, (code, kind) in CODES.items())
    concerns = (f"`{code}` {own or 'kept as it is'}" for code, own in codes.CONCERNS.items())
    messages = (
        (f"`{kind}`", *(f"`{one}`" for one in STANDING[to])) for kind, to in MESSAGES.items()
    )
    ends = {name: f"`{m.command}` (`{m.reason}`)" for name, m in ENDINGS.items()}
    return HEAD.format(
        referral_id="{referral_id}",
        revoked=ends["revoked"],
        error=ends["entered-in-error"],
        priorities=", ".join(f"`{code}` `{own}`" for code, own in codes.PRIORITIES.items()),
        concerns=", ".join(concerns),
        standing=_rows(standing),
        errors=_rows(errors),
        messages=_rows(messages),
        not_taken=", ".join(
            f"`{own}` `{code}` ({REJECTED_DISPLAYS[code]})" for own, code in NOT_TAKEN.items()
        ),
        otherwise=NOT_TAKEN_OTHERWISE,
    )


def _rows(rows: Iterable[Iterable[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write("docs/bars.md\n")
