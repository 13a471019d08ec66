"""For every writing route: a request that is taken, who may not make it, which rules refuse it."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from allinone import sample
from shared.clock import now
from tests.harness.bars import a_message
from tests.harness.network import PEOPLE, a_referral, sent_by
from tests.harness.refusals import NO_ID, Row, Rule
from tests.harness.young_people import COMPARED

HUB, AREA = "hub_east", "eastby"
PERSONS: dict[str, dict[str, str]] = {
    **PEOPLE,
    "east_worker": {"sub": "wk_east", "role": "worker", "worker_id": "wk_east"},
    "full_worker": {"sub": "wk_full", "role": "worker", "worker_id": "wk_full"},
    "east_manager": {"sub": "mg_east", "role": "hub_manager", "hub_id": HUB},
    "second_manager": {"sub": "mg_east_two", "role": "hub_manager", "hub_id": HUB},
    "second_auditor": {"sub": "au_second", "role": "auditor"},
    "anonymous": {"sub": "ag_anonymous", "role": "agency", "agency_id": "ag_anonymous"},
    "?service": {"sub": "referral", "role": "service"},
    "?no agency": {"sub": "nobody", "role": "agency"},
    "?no worker": {"sub": "nobody", "role": "worker"},
    "?no hub": {"sub": "nobody", "role": "hub_manager"},
    "?no area": {"sub": "nobody", "role": "coordinator"},
}
# Referrals of the school, by what has become of them; the world of the test makes them.
CASES = (
    *("offered", "declinable", "assigned", "exceeded", "reviewed", "accepted", "started"),
    *("held", "closed", "closable", "open", "amended", "talked", "stepped", "ended", "erased"),
    *("same_one", "same_two", "full", "unsafe"),
    *("leaving", "proposed", "declined", "taken_back", "over"),
)
# By an account without a reply channel: nobody acts on it afterwards.
UNANSWERED = sent_by("ag_anonymous", "unanswered")
ANY_TAG = {"If-Match": "*"}


def referral_of(case: str) -> str:
    """The id of the referral that the school posted under this key."""
    return sent_by(sample.SCHOOL, case)


PROPOSED = ("proposed", "declined", "taken_back", "over")
TRANSFER = {"to_hub_id": "hub_south", "reason": "moving_area", "area": "southby"}
AGENCY = {"name": "Sample Agency", "kind": "3f", "areas": [AREA], "active": True}
AGREEMENT = {
    "parties": [sample.SCHOOL, HUB],
    "purposes": ["safeguarding"],
    "categories": ["existence", "risk"],
    "grounds": ["consent"],
    "effective_from": "2026-01-01T00:00:00Z",
    "effective_to": "2031-12-31T00:00:00Z",
    "review_at": "2031-01-01T00:00:00Z",
}
CONSENT = {
    "status": "refused",
    "agency_ids": [sample.POLICE],
    "categories": ["existence", "concerns"],
    "given_by": "young_person",
    "gillick_competent": True,
}
GOAL = {"area": "safety", "words": "Synthetic words."}
OVER = {**CONSENT, "status": "given", "valid_to": "2020-01-01T00:00:00Z"}
BASIS: dict[str, Any] = {
    "basis": "public_task",
    "condition": "safeguarding",
    "agency_ids": [sample.POLICE],
    "categories": ["existence", "intelligence"],
    "reason": "Synthetic reason.",
    "necessity": "Synthetic necessity.",
    "review_at": "2027-01-01T00:00:00Z",
    "subject_told": True,
}
ADVICE = {"area": AREA, "theme": "signs", "text": "Synthetic question."}
# No code looks so: what is asked by it is refused, and is no guess.
CARD = {"card_code": "none"}
NO_CARD = (Rule(409, "code_unknown", body=CARD),)
SOMEBODY = {"kind": "person", "role": "suspect", "values": {"name": "Nobody Synthetic"}}
CAR = {"kind": "vehicle", "role": "suspect", "values": {"registration": "AB12 CDE"}}
REPORT: dict[str, Any] = {
    "text": "A synthetic car waits outside.",
    "source": "2",
    "assessment": "B",
    "handling": "C",
    "conditions": "Ask the reporter before anybody else is told.",
    "area": AREA,
    "mentions": [CAR, SOMEBODY],
}
REFERRAL = a_referral(
    agency_reference="well-formed",
    consents=[{**CONSENT, "status": "given"}],
    discussion={"discussed": True, "what": "Synthetic text.", "wishes": "Synthetic text."},
    safe_contact={"channels": ["text"], "never_contact": ["Synthetic text."]},
)
MESSAGE = a_message("well-formed", reference="well-formed-message")
ORGANISATION = {k: v for k, v in REFERRAL.items() if k != "referrer"}
HUB_ENTRY: dict[str, Any] = {
    "name": "Sample Hub",
    "areas": [AREA],
    "weights": {"mild": 2},
    "clocks": {"review_days": 7, "waiting_days": {"mild": 14}},
    "soft_percent": 90,
}
# Leave that the worker of the world has asked for, each some weeks after the one before.
LEAVES = ("leave", "leave_declinable", "leave_withdrawable", "left", "refused_leave")


def leave(days: int, lasts: int = 7) -> dict[str, str]:
    """A leave that begins a hundred days and so many from now."""
    start = now().date() + timedelta(days=100 + days)
    return {"start": str(start), "to": str(start + timedelta(days=lasts))}


# Nobody of the Hub is on it: what waits in the world stays with its managers.
ROTA: dict[str, Any] = {
    "nation": "wales",
    "spans": [
        {
            "name": "days",
            "days": ["monday"],
            "start": "09:00",
            "end": "17:00",
            "cover": "operators",
        },
        {
            "name": "nights",
            "days": ["monday"],
            "start": "17:00",
            "end": "09:00",
            "cover": "operators",
        },
    ],
    "exceptions": [{"on": "2030-01-07", "span": "days", "cover": "operators"}],
}
NIGHT: dict[str, Any] = ROTA["spans"][1]
WORKER: dict[str, Any] = {
    "hub_id": HUB,
    "worker_role": "hub_worker",
    "areas": [AREA],
    "host_setting": "hub",
    "cap": 5,
    "leave": [{"start": "2030-01-01", "to": "2030-01-09"}],
    "conflicts": [{"kind": "agency", "id": "ag_somewhere"}],
}
SUBSCRIPTION = {
    "email": "synthetic@school.example",
    "kinds": ["referral_received"],
    "areas": [AREA],
    "quiet_hours": {"start": "20:00", "end": "07:00"},
}
REPLAY = {
    "recipient_kind": "agency",
    "recipient_id": sample.SCHOOL,
    "since": "2026-01-01T00:00:00Z",
    "until": "2026-01-02T00:00:00Z",
    "channel": "webhook",
}

COLUMNS = "worker_id,revision,hub_id,worker_role,areas,host_setting"
REFUSED_LINES = """\
wk_full,,hub_east,hub_worker,eastby,hub
wk_full,1,hub_east,hub_worker,eastby,hub
wk_leaver,9,hub_east,hub_worker,eastby,hub
wk_spoke_one,1,hub_east,hub_worker,eastby,hub
wk_new,,hub_south,hub_worker,eastby,hub
wk_other,,hub_east,nothing,eastby,hub
wk_short,
"""

# Who stands to the school's referrals in no way that lets them act.
NOT_THEIRS = ("police", "stranger", "other_worker", "other_manager", "auditor", "operator")
NOT_AN_AGENCY = dict.fromkeys(("worker", "manager", "auditor", "operator"), 403)
NOT_ASKED = dict.fromkeys(("police", "worker", "manager", "auditor", "operator"), 404)
ONLY_MANAGERS = dict.fromkeys(("school", "worker", "auditor", "operator"), 403)
NOT_A_REGISTRAR = dict.fromkeys(("school", "worker", "auditor"), 403)
NOT_OF_A_HUB = dict.fromkeys(("school", "auditor", "operator"), 403)


# What is in a draft is as its writer has it: only what can't be kept is refused.
NOT_THE_WRITER = dict.fromkeys(("police", "worker", "manager", "auditor", "operator"), 404)
UNKEPT = tuple(
    Rule(422, "malformed", body=body)
    for body in (
        {},
        {"answers": None},
        {"answers": {}, "more": 1},
        {"answers": {"large": "x" * 70_000}},
        {"answers": {"half": "\ud800"}},
        {"answers": {"\udfff": 1}},
        {"answers": {"number": 2**53}},
        {"answers": {"number": float("nan")}},
        {"answers": {"number": float("inf")}},
        {"answers": json.loads('{"deep":' * 17 + "1" + "}" * 17)},
    )
)


def _of_referral(
    path: str,
    by: str,
    body: Any = None,
    *more: str,
    rules: tuple[Rule, ...] = (),
    generous: bool = False,
) -> Row:
    return Row(
        f"/v1/referrals/{path}",
        by,
        body,
        outsiders=dict.fromkeys((*NOT_THEIRS, *more), 404),
        rules=(
            *rules,
            _elsewhere(path, "unsafe", "east_worker"),
            _elsewhere(path, "unanswered", "anonymous"),
        ),
        entry="record.refused",
        generous=generous,
    )


def _elsewhere(path: str, case: str, by: str) -> Rule:
    """The same with another referral, by somebody who would be its worker or its referrer."""
    other = re.sub(r"^\{\w+\}", f"{{{case}}}", path)
    return Rule(404, "not_found", by=by, path=f"/v1/referrals/{other}", entry="record.refused")


def _of_report(path: str, by: str, body: Any, *more: str) -> Row:
    people = ("stranger", "other_worker", "manager", "auditor", "operator", *more)
    step = path.rpartition("/")[2]
    ended = Rule(409, "report_ended", path=f"/v1/intelligence/{{ended_report}}/{step}", body=body)
    outsiders = dict.fromkeys(people, 404)
    return Row(
        f"/v1/intelligence/{path}", by, body, outsiders, (ended,), entry="intelligence.refused"
    )


def _of_case(path: str, by: str = "east_worker", body: Any = None, *rules: Rule) -> Row:
    only_worker = {"manager": 403, "east_manager": 403} if by == "east_worker" else {}
    only_manager = {"worker": 403, "east_worker": 403} if by != "east_worker" else {}
    others = {"other_worker": 404} if by == "east_worker" else {"other_manager": 404}
    outsiders = {**NOT_OF_A_HUB, **only_worker, **only_manager, **others}
    return Row(f"/v1/allocations/{path}", by, body, outsiders, rules, entry="record.refused")


def _of_both(path: str, body: Any = None, *rules: Rule) -> Row:
    outsiders = {**NOT_OF_A_HUB, "other_worker": 404, "other_manager": 404}
    return Row(
        f"/v1/allocations/{path}", "east_worker", body, outsiders, rules, entry="record.refused"
    )


def _rota(**who: str) -> dict[str, Any]:
    return {"spans": [{**NIGHT, **who}]}


def _of_transfer(path: str, by: str, others: dict[str, int], body: Any = None, *rules: Rule) -> Row:
    step = path.rpartition("/")[2]
    nothing = Rule(404, "not_found", path=f"/v1/transfers/{{open}}/{step}", entry="record.refused")
    over = Rule(409, "transfer_over", path=f"/v1/transfers/{{over}}/{step}")
    outsiders = {"school": 403, "auditor": 403, "worker": 403, "manager": 404, **others}
    return Row(
        f"/v1/transfers/{path}",
        by,
        body,
        outsiders,
        (nothing, over, *rules),
        entry="record.refused",
    )


def _lines(*documents: Any) -> bytes:
    return b"[\n" + b"\n".join(json.dumps(document).encode() for document in documents)


def _worker(case: str, step: str) -> str:
    return f"/v1/allocations/{{{case}}}/{step}"


R = "/v1/referrals/{referral_id}"
A = "/v1/allocations/{allocation_id}"
T = "/v1/transfers/{referral_id}"

REFERRAL_ROUTES: dict[str, Row] = {
    "PUT /v1/agencies/{agency_id}": Row(
        f"/v1/agencies/{sample.HEALTH}",
        "operator",
        AGENCY,
        {"school": 404, "worker": 403, "manager": 403, "auditor": 403},
        (
            Rule(409, "operators_only", by="health", body={**AGENCY, "areas": ["taken"]}),
            Rule(422, "malformed", body={**AGENCY, "kind": "2c"}),
        ),
    ),
    "PUT /v1/areas/{code}": Row(
        f"/v1/areas/{AREA}",
        "operator",
        {"name": "Sample Area", "aliases": ["The East"], "retired": True},
        dict.fromkeys(("school", "worker", "manager", "auditor"), 403),
        (
            Rule(409, "area_reserved", path="/v1/areas/unknown"),
            Rule(422, "malformed", body={"name": "?!"}),
        ),
    ),
    "POST /v1/areas/import": Row(
        "/v1/areas/import",
        "operator",
        b"code,name,aliases,retired,revision\n",
        dict.fromkeys(("school", "worker", "manager", "auditor"), 403),
        (
            # Every line is refused by itself.
            Rule(
                200, "", body=b"code,name,revision\nunknown,Nowhere,\nelsewhere,!,\nx,X,9\nx,X,\n"
            ),
            Rule(200, "", body=b'{"code": 1}\n{"code": "x", "name": "X", "no": 1}\n[]\n\xff\n'),
            Rule(200, "", body=b"code,name,who\nx,X,Y\n"),
            Rule(200, "", body=b"code\nx\n"),
            Rule(422, "malformed", body=b""),
        ),
    ),
    "PUT /v1/stranded/{referral_id}/area": Row(
        "/v1/stranded/{placeable}/area",
        "operator",
        {"area": AREA},
        dict.fromkeys(("school", "worker", "manager", "auditor"), 403),
        (
            Rule(409, "area_unknown", body={"area": "Nowhere"}),
            Rule(422, "malformed", body={"area": ""}),
            Rule(404, "not_found", path="/v1/stranded/{open}/area", entry="record.refused"),
        ),
        entry="record.refused",
    ),
    f"POST {R}/transfer": _of_referral(
        "{leaving}/transfer",
        "east_manager",
        TRANSFER,
        "school",
        "east_worker",
        rules=(
            Rule(409, "hub_unknown", body={**TRANSFER, "to_hub_id": "hub_nowhere"}),
            Rule(409, "same_hub", body={"to_hub_id": HUB, "reason": "capacity"}),
            Rule(409, "area_unknown", body={**TRANSFER, "area": "Nowhere"}),
            Rule(409, "area_of_another_hub", body={**TRANSFER, "area": AREA}),
            Rule(422, "malformed", body={"to_hub_id": "hub_south", "reason": "moving_area"}),
            Rule(422, "malformed", body={**TRANSFER, "reason": "no_code"}),
            Rule(
                409,
                "transfer_waits",
                path="/v1/referrals/{proposed}/transfer",
                body={**TRANSFER, "reason": "capacity"},
            ),
            Rule(409, "not_from_here", path="/v1/referrals/{ended}/transfer"),
            Rule(409, "erased", path="/v1/referrals/{erased}/transfer"),
        ),
    ),
    f"POST {T}/acceptance": _of_transfer(
        "{proposed}/acceptance", "other_manager", {"operator": 403, "east_manager": 404}
    ),
    f"POST {T}/decline": _of_transfer(
        "{declined}/decline",
        "other_manager",
        {"operator": 403, "east_manager": 404},
        {"reason": "no_capacity"},
        Rule(422, "malformed", body={"reason": "no_code"}),
    ),
    f"POST {T}/withdrawal": _of_transfer(
        "{taken_back}/withdrawal", "east_manager", {"other_manager": 404}
    ),
    "POST /v1/tracings": Row(
        "/v1/tracings",
        "auditor",
        {"referral_id": referral_of("open"), "purpose": "complaint"},
        dict.fromkeys(("school", "worker", "manager", "operator"), 403),
        (
            Rule(422, "malformed", body={"referral_id": "Jane", "purpose": "complaint"}),
            Rule(422, "malformed", body={"agency_id": "ag_school", "purpose": "complaint"}),
        ),
    ),
    "POST /v1/tracings/{tracing_id}/confirmation": Row(
        "/v1/tracings/{tracing}/confirmation",
        "auditor",
        {"referral_id": referral_of("open")},
        dict.fromkeys(("school", "worker", "manager", "operator"), 403),
        (
            Rule(409, "second_person_needed", by="second_auditor"),
            Rule(409, "not_the_same", body={"referral_id": f"ref_{NO_ID}"}),
            Rule(422, "malformed", body={"agency_reference": "x"}),
        ),
        unknown=("tracing_id",),
        entry="record.refused",
    ),
    "PUT /v1/agreements/{agreement_id}": Row(
        "/v1/agreements/isa_east",
        "operator",
        {**AGREEMENT, "frequency": "weekly"},
        {**NOT_A_REGISTRAR, "other_manager": 404},
        (
            Rule(
                404,
                "not_found",
                by="other_manager",
                body={**AGREEMENT, "parties": ["hub_south", sample.SCHOOL]},
            ),
            Rule(422, "malformed", body={**AGREEMENT, "review_at": "2032-01-01T00:00:00Z"}),
            Rule(422, "malformed", body={**AGREEMENT, "effective_to": "2041-01-01T00:00:00Z"}),
        ),
    ),
    "POST /v1/agreements/{agreement_id}/end": Row(
        "/v1/agreements/isa_end/end",
        "school",
        None,
        dict.fromkeys(("police", "stranger", "worker", "manager", "auditor"), 404),
        unknown=("agreement_id",),
    ),
    "POST /v1/agreements/{agreement_id}/review": Row(
        "/v1/agreements/isa_east/review",
        "operator",
        {"review_at": "2031-02-01T00:00:00Z"},
        {**NOT_A_REGISTRAR, "other_manager": 404},
        (
            Rule(422, "malformed", body={"review_at": "2020-01-01T00:00:00Z"}),
            Rule(422, "malformed", body={"review_at": "2032-01-01T00:00:00Z"}),
        ),
        unknown=("agreement_id",),
    ),
    "POST /v1/agreements/{agreement_id}/signatures": Row(
        "/v1/agreements/isa_signed/signatures",
        "school",
        {"version": 1},
        {"operator": 403, "worker": 403, "auditor": 403, "police": 404, "manager": 404},
        (
            Rule(409, "terms_changed", body={"version": 2}),
            Rule(422, "malformed", body={"version": -(10**30)}),
            Rule(409, "agreement_ended", path="/v1/agreements/isa_over/signatures"),
        ),
        unknown=("agreement_id",),
    ),
    "POST /v1/referrals": Row(
        "/v1/referrals",
        "school",
        REFERRAL,
        NOT_AN_AGENCY,
        (
            Rule(422, "idempotency_key_reused", headers={"Idempotency-Key": "open"}),
            Rule(409, "agency_reference_used", body={**REFERRAL, "agency_reference": "open"}),
            Rule(422, "malformed", body={}),
        ),
        generous=True,
    ),
    "POST /v1/drafts": Row(
        "/v1/drafts",
        "school",
        {"answers": {}},
        NOT_AN_AGENCY,
        UNKEPT,
        generous=True,
    ),
    "PUT /v1/drafts/{draft_id}": Row(
        "/v1/drafts/{draft}",
        "school",
        {"answers": {}},
        NOT_THE_WRITER,
        UNKEPT,
        generous=True,
    ),
    "DELETE /v1/drafts/{draft_id}": Row(
        "/v1/drafts/{discarded_draft}", "school", None, NOT_THE_WRITER
    ),
    "POST /v1/intelligence": Row(
        "/v1/intelligence",
        "school",
        REPORT,
        dict.fromkeys(("manager", "auditor", "operator"), 403),
        (
            Rule(
                *(404, "not_found"),
                body={**REPORT, "referral_id": f"ref_{NO_ID}"},
                entry="record.refused",
            ),
            Rule(
                *(404, "not_found"),
                body={**REPORT, "referral_id": referral_of("open")},
                by="police",
                entry="record.refused",
            ),
            Rule(409, "area_not_known", body={**REPORT, "area": "nowhere_at_all"}),
            Rule(409, "erased", body={**REPORT, "referral_id": referral_of("erased")}),
            Rule(422, "malformed", body={**REPORT, "conditions": ""}),
            Rule(422, "malformed", body={**REPORT, "handling": "P"}),
            Rule(422, "malformed", body={**REPORT, "mentions": [{**CAR, "values": {}}]}),
            Rule(422, "malformed", body={**REPORT, "mentions": [{**CAR, "values": {"name": "x"}}]}),
            Rule(422, "malformed", body={**REPORT, "mentions": [CAR] * 51}),
        ),
    ),
    "POST /v1/intelligence/{report_id}/withdrawal": _of_report(
        "{taken_back_report}/withdrawal", "school", {"reason": "withdrawn"}, "east_manager"
    ),
    "POST /v1/links/{link_id}/decisions": Row(
        "/v1/links/{possible_link}/decisions",
        "coordinator",
        {"decision": "confirmed", "reason": "reports_compared"},
        dict.fromkeys(("school", "worker", "manager", "auditor", "operator"), 404),
        (
            Rule(409, "link_certain", path="/v1/links/{certain_link}/decisions"),
            Rule(
                *(404, "not_found"),
                path=f"/v1/links/lnk_{NO_ID}/decisions",
                entry="intelligence.refused",
            ),
        ),
        entry="intelligence.refused",
    ),
    "POST /v1/intelligence/{report_id}/reviews": _of_report(
        "{reviewed_report}/reviews", "coordinator", {"outcome": "keep"}, "school"
    ),
    "POST /v1/referrals/batch": Row(
        "/v1/referrals/batch",
        "school",
        b"",
        NOT_AN_AGENCY,
        (
            Rule(400, "too_many_lines", body=b"{}\n" * 1001),
            # Every line is refused by itself.
            Rule(200, "", body=_lines([], {**REFERRAL, "agency_reference": "open"}, {}, 7)),
        ),
    ),
    "POST /v1/referrals/import": Row(
        "/v1/referrals/import",
        "school",
        b"",
        NOT_AN_AGENCY,
        (
            Rule(400, "too_many_lines", body=b"narrative\n" + b"Synthetic.\n" * 1001),
            # Every line is refused by itself.
            Rule(200, "", body=b"agency_reference\nx,y\nopen\n"),
            Rule(200, "", body=b"<!DOCTYPE x><Child/>"),
        ),
    ),
    "POST /v1/bars/$process-message": Row(
        "/v1/bars/$process-message",
        "school",
        MESSAGE,
        NOT_AN_AGENCY,
        (
            Rule(
                422, "not_supported", body=a_message("adult", patient={"birthDate": "1959-05-04"})
            ),
            Rule(409, "agency_reference_used", body=a_message("used", reference="open")),
            Rule(400, "missing", body={"resourceType": "Bundle", "type": "message"}),
            Rule(400, "string_type", body=a_message("type", patient={"gender": 1})),
            Rule(404, "not_found", body=a_message("none", reference="none", reason="update")),
            Rule(
                404,
                "not_found",
                by="police",
                body=a_message("not-theirs", reference=referral_of("open"), reason="update"),
                entry="record.refused",
            ),
        ),
    ),
    f"POST {R}/amendments": _of_referral(
        "{amended}/amendments",
        "school",
        {"urgency": "immediate", "indicators": [{"code": "gifts", "recency": "older"}]},
        rules=(
            Rule(422, "malformed", body={}),
            Rule(409, "erased", path="/v1/referrals/{erased}/amendments"),
            Rule(409, "area_held", path="/v1/referrals/{accepted}/amendments", body={"area": "?"}),
        ),
        generous=True,
    ),
    f"POST {R}/bases": _of_referral(
        "{open}/bases",
        "east_manager",
        BASIS,
        "school",
        rules=(
            Rule(422, "malformed", body={**BASIS, "review_at": "2020-01-01T00:00:00Z"}),
            Rule(422, "malformed", body={**BASIS, "review_at": "2040-01-01T00:00:00Z"}),
            Rule(409, "erased", path="/v1/referrals/{erased}/bases"),
            Rule(
                422,
                "idempotency_key_reused",
                body={**BASIS, "agency_ids": [sample.HEALTH]},
                headers={"Idempotency-Key": "basis"},
            ),
        ),
    ),
    f"POST {R}/bases/{{basis_id}}/end": _of_referral(
        "{open}/bases/{basis}/end",
        "east_manager",
        None,
        "school",
        rules=(Rule(404, "not_found", path="/v1/referrals/{amended}/bases/{basis}/end"),),
    ),
    f"POST {R}/consents": _of_referral(
        "{open}/consents",
        "school",
        CONSENT,
        rules=(
            Rule(422, "malformed", body=OVER),
            Rule(422, "idempotency_key_reused", headers={"Idempotency-Key": "said"}),
        ),
    ),
    f"POST {R}/consents/{{consent_id}}/confirmation": _of_referral(
        "{open}/consents/{claim}/confirmation",
        "east_manager",
        {"confirmed": True, "reason": "asked_young_person"},
        "school",
        rules=(
            Rule(422, "malformed", body={"confirmed": True, "reason": "not_said"}),
            Rule(404, "not_found", path="/v1/referrals/{amended}/consents/{claim}/confirmation"),
            Rule(
                409,
                "nothing_to_confirm",
                path="/v1/referrals/{open}/consents/{heard}/confirmation",
            ),
        ),
    ),
    f"POST {R}/consents/{{consent_id}}/invalidation": _of_referral(
        "{open}/consents/{claim}/invalidation",
        "east_manager",
        {"reason": "wrong_person"},
        rules=(
            Rule(422, "malformed", body={"reason": "no_code"}),
            Rule(404, "not_found", path="/v1/referrals/{amended}/consents/{claim}/invalidation"),
        ),
    ),
    f"POST {R}/discussion": _of_referral(
        "{talked}/discussion",
        "school",
        {"discussed": True, "what": "Synthetic text."},
        rules=(
            Rule(422, "malformed", body={"discussed": "yes"}),
            Rule(409, "erased", path="/v1/referrals/{erased}/discussion"),
        ),
    ),
    f"POST {R}/erasure": _of_referral(
        "{ended}/erasure",
        "east_manager",
        {"reason": "right_to_erasure"},
        "school",
        "east_worker",
        rules=(Rule(409, "still_open", path="/v1/referrals/{open}/erasure"),),
    ),
    "POST /v1/referrals/search": Row(
        "/v1/referrals/search",
        "east_manager",
        {"nhs_number": "9434765919"},
        outsiders=NOT_OF_A_HUB,
        rules=(Rule(422, "malformed", body={"purpose": "safeguarding"}),),
    ),
    f"POST {R}/match-decisions": _of_referral(
        "{same_one}/match-decisions",
        "east_manager",
        {
            "other_referral_id": referral_of("same_two"),
            "decision": "same_person",
            **COMPARED,
        },
        "school",
        "east_worker",
        rules=(
            Rule(
                409,
                "same_referral",
                body={
                    "other_referral_id": referral_of("same_one"),
                    "decision": "same_person",
                    **COMPARED,
                },
            ),
            Rule(
                404,
                "not_found",
                body={
                    "other_referral_id": f"ref_{NO_ID}",
                    "decision": "different_people",
                    **COMPARED,
                },
                entry="record.refused",
            ),
            Rule(
                404,
                "not_found",
                body={
                    "match_id": f"pm_{NO_ID}",
                    "decision": "different_people",
                    **COMPARED,
                },
            ),
        ),
    ),
    f"POST {R}/goals": _of_referral(
        "{open}/goals",
        "east_worker",
        GOAL,
        "school",
        rules=(
            Rule(422, "malformed", body={**GOAL, "words": ""}),
            Rule(422, "malformed", body={**GOAL, "area": "no_code"}),
            Rule(409, "not_from_here", by="east_manager", path="/v1/referrals/{ended}/goals"),
            Rule(409, "erased", by="east_manager", path="/v1/referrals/{erased}/goals"),
            Rule(
                422,
                "idempotency_key_reused",
                body={**GOAL, "words": "Other words."},
                headers={"Idempotency-Key": "goal"},
            ),
        ),
    ),
    f"POST {R}/goals/{{goal_id}}/reviews": _of_referral(
        "{open}/goals/{goal}/reviews",
        "east_worker",
        {"progress": "closer"},
        "school",
        rules=(
            Rule(422, "malformed", body={"progress": "no_code"}),
            Rule(409, "goal_closed", path="/v1/referrals/{open}/goals/{ended_goal}/reviews"),
            Rule(404, "not_found", path="/v1/referrals/{accepted}/goals/{goal}/reviews"),
        ),
    ),
    f"POST {R}/goals/{{goal_id}}/closure": _of_referral(
        "{open}/goals/{closable_goal}/closure",
        "east_worker",
        {"outcome": "achieved"},
        "school",
        rules=(
            Rule(422, "malformed", body={"outcome": "no_code"}),
            Rule(409, "goal_closed", path="/v1/referrals/{open}/goals/{ended_goal}/closure"),
            Rule(404, "not_found", path="/v1/referrals/{accepted}/goals/{goal}/closure"),
        ),
    ),
    f"POST {R}/invitations": _of_referral(
        "{open}/invitations",
        "east_worker",
        {"moment": "start"},
        "school",
        rules=(
            Rule(422, "malformed", body={"moment": "no_code"}),
            Rule(409, "erased", by="east_manager", path="/v1/referrals/{erased}/invitations"),
            Rule(409, "link_not_safe", body={"moment": "end", "way": "link"}),
            Rule(
                422,
                "idempotency_key_reused",
                body={"moment": "end"},
                headers={"Idempotency-Key": "invitation"},
            ),
        ),
    ),
    "POST /v1/advice": Row(
        "/v1/advice",
        "school",
        ADVICE,
        NOT_AN_AGENCY,
        (
            Rule(422, "malformed", body={**ADVICE, "theme": "no_code"}),
            Rule(422, "malformed", body={**ADVICE, "text": ""}),
            Rule(409, "area_not_served", body={**ADVICE, "area": "nowhere"}),
            Rule(422, "idempotency_key_reused", headers={"Idempotency-Key": "closed_advice"}),
        ),
    ),
    "POST /v1/advice/{advice_id}/messages": Row(
        "/v1/advice/{advice}/messages",
        "east_manager",
        {"text": "Synthetic words."},
        NOT_ASKED,
        (
            Rule(422, "malformed", body={"text": ""}),
            Rule(409, "advice_closed", path="/v1/advice/{closed_advice}/messages"),
        ),
    ),
    "POST /v1/advice/{advice_id}/closure": Row(
        "/v1/advice/{closable_advice}/closure",
        "east_manager",
        {"outcome": "signposted"},
        NOT_ASKED,
        (
            Rule(422, "malformed", body={"outcome": "became_referral"}),
            Rule(409, "advice_closed", path="/v1/advice/{closed_advice}/closure"),
            Rule(
                404,
                "not_found",
                body={"outcome": "became_referral", "referral_id": f"ref_{NO_ID}"},
            ),
        ),
    ),
    "POST /v1/participation/cards": Row(
        *("/v1/participation/cards", "school", CARD, NOT_AN_AGENCY, NO_CARD), taken=False
    ),
    "POST /v1/participation/withdrawals": Row(
        *("/v1/participation/withdrawals", "school", CARD, NOT_AN_AGENCY, NO_CARD), taken=False
    ),
    "POST /v1/participation/answers": Row(
        "/v1/participation/answers",
        "school",
        {**CARD, "feeling": "good", "read_by": "worker"},
        NOT_AN_AGENCY,
        (
            Rule(409, "code_unknown"),
            Rule(422, "malformed", body={**CARD, "read_by": "worker"}),
            Rule(422, "malformed", body={**CARD, "feeling": "good", "read_by": "everybody"}),
        ),
        taken=False,
    ),
    "PUT /v1/participation/replies/{theme}": Row(
        "/v1/participation/replies/share_less",
        "east_manager",
        {"done": "Synthetic words of a Hub."},
        ONLY_MANAGERS,
        (Rule(422, "malformed", body={"done": "short"}),),
    ),
    "DELETE /v1/participation/replies/{theme}": Row(
        "/v1/participation/replies/feel_safe",
        "east_manager",
        None,
        ONLY_MANAGERS,
        (Rule(404, "not_found", path="/v1/participation/replies/more_time"),),
    ),
    f"PUT {R}/tell-parents": _of_referral(
        "{open}/tell-parents",
        "school",
        {"tell_parents": "no"},
        rules=(Rule(422, "malformed", body={"tell_parents": "no", "reason": "other"}),),
    ),
    f"PUT {R}/service-agreement": _of_referral(
        "{open}/service-agreement", "school", {"agreed": "declined"}
    ),
    f"POST {R}/steps/{{step}}": _of_referral(
        "{stepped}/steps/withdrawal",
        "school",
        {"reason": "moved_away"},
        rules=(
            Rule(422, "malformed", body={}),
            Rule(422, "malformed", body={"reason": "below_threshold"}),
            Rule(422, "malformed", body={"reason": "moved_away", "outcome": "other"}),
            Rule(409, "not_yours_to_do", path="/v1/referrals/{stepped}/steps/acceptance", body={}),
            Rule(409, "not_from_here", path="/v1/referrals/{stepped}/steps/resubmission", body={}),
            Rule(
                409,
                "not_from_here",
                path="/v1/referrals/{ended}/steps/withdrawal",
                body={"reason": "other"},
            ),
        ),
    ),
    f"PUT {R}/unsafe-agencies/{{agency_id}}": _of_referral(
        f"{{open}}/unsafe-agencies/{sample.POLICE}",
        "east_worker",
        {"unsafe": True, "relation": "household_member"},
        "school",
    ),
    f"PUT {R}/unsafe-workers/{{worker_id}}": _of_referral(
        "{open}/unsafe-workers/wk_spoke_two",
        "east_manager",
        {"unsafe": True, "relation": "close_associate"},
        "school",
        rules=(Rule(409, "worker_unknown", path="/v1/referrals/{open}/unsafe-workers/wk_nobody"),),
    ),
    f"PUT {R}/unsafe-accounts": _of_referral(
        "{open}/unsafe-accounts",
        "east_manager",
        {"sub": "mg_south", "unsafe": True, "relation": "close_associate"},
        "school",
        rules=(
            Rule(
                409,
                "account_unknown",
                body={"sub": "x|NOBODY@example.org", "unsafe": True, "relation": "close_associate"},
            ),
        ),
    ),
}

ALLOCATION_ROUTES: dict[str, Row] = {
    f"POST {A}/acceptance": _of_case("{offered}/acceptance"),
    f"POST {A}/assignment": _of_case(
        "{assigned}/assignment",
        "east_manager",
        {"worker_id": "wk_east_two", "reason": "continuity"},
        Rule(409, "worker_not_here", body={"worker_id": "wk_hub_one", "reason": "continuity"}),
        Rule(409, "worker_not_here", body={"worker_id": "wk_gone", "reason": "continuity"}),
        Rule(409, "worker_not_here", body={"worker_id": "wk_nobody", "reason": "continuity"}),
        Rule(409, "closed", path=_worker("closed", "assignment")),
        Rule(
            409,
            "no_capacity",
            path=_worker("full", "assignment"),
            body={"worker_id": "wk_full", "reason": "continuity"},
        ),
    ),
    f"POST {A}/assignment/confirmation": _of_case(
        "{exceeded}/assignment/confirmation",
        "second_manager",
        None,
        Rule(409, "second_person_needed", by="east_manager"),
        Rule(409, "no_exception_requested", path=_worker("open", "assignment/confirmation")),
    ),
    f"POST {A}/closure": _of_both(
        "{closable}/closure",
        {"reason": "completed", "outcomes": [{"goal": "safety", "outcome": "achieved"}]},
        Rule(409, "outcomes_needed", body={"reason": "completed"}),
        Rule(409, "goals_open", path=_worker("open", "closure")),
    ),
    f"POST {A}/debrief": _of_case(
        "{closed}/debrief",
        "east_worker",
        {"outcome": "held"},
        Rule(409, "no_debrief_offered", path=_worker("open", "debrief")),
    ),
    f"POST {A}/decline": _of_case(
        "{declinable}/decline",
        "east_worker",
        {"reason": "no_capacity"},
        Rule(409, "already_accepted", path=_worker("accepted", "decline")),
    ),
    f"POST {A}/hold": _of_both(
        "{started}/hold",
        {"reason": "health"},
        Rule(409, "wrong_state", path=_worker("open", "hold")),
    ),
    f"POST {A}/judgement": _of_both(
        "{open}/judgement", {"level": "significant", "reason": "known_history"}
    ),
    f"POST {A}/reassessment": _of_both("{open}/reassessment"),
    f"POST {A}/replay": _of_both("{open}/replay"),
    f"POST {A}/resume": _of_both(
        "{held}/resume",
        None,
        Rule(409, "wrong_state", path=_worker("accepted", "resume")),
    ),
    f"POST {A}/review": replace(
        _of_case(
            "{reviewed}/review",
            "east_manager",
            None,
            Rule(409, "nothing_to_review", path=_worker("open", "review")),
        ),
        # The duty worker who holds a waiting case may: another worker is told that it isn't there.
        outsiders={**NOT_OF_A_HUB, "worker": 404, "east_worker": 404, "other_manager": 404},
    ),
    f"POST {A}/start": _of_case(
        "{accepted}/start",
        "east_worker",
        None,
        Rule(409, "wrong_state", path=_worker("open", "start")),
    ),
    "POST /v1/handover-plans": Row(
        "/v1/handover-plans",
        "east_manager",
        {"worker_id": "wk_east", "reason": "worker_leaves"},
        {**NOT_OF_A_HUB, "worker": 403},
        (
            Rule(422, "malformed", body={"reason": "worker_leaves"}),
            Rule(404, "not_found", body={"worker_id": "wk_hub_one", "reason": "worker_leaves"}),
            Rule(404, "not_found", body={"host_agency_id": "ag_nobody", "reason": "safety"}),
        ),
    ),
    "POST /v1/handover-plans/{plan_id}/confirmation": Row(
        "/v1/handover-plans/{plan}/confirmation",
        "east_manager",
        None,
        {**NOT_OF_A_HUB, "worker": 403, "other_manager": 404},
        (Rule(409, "nothing_to_move", path="/v1/handover-plans/{empty_plan}/confirmation"),),
    ),
    "PUT /v1/hubs/{hub_id}": Row(
        f"/v1/hubs/{HUB}", "east_manager", HUB_ENTRY, {**NOT_A_REGISTRAR, "other_manager": 404}
    ),
    "PUT /v1/hubs/{hub_id}/rota": Row(
        f"/v1/hubs/{HUB}/rota",
        "east_manager",
        {**ROTA, "warn_days": 14},  # what it is already would be taken whatever the tag
        {**NOT_A_REGISTRAR, "other_manager": 404},
        (
            Rule(409, "worker_not_here", body=_rota(worker_id="wk_hub_one")),
            Rule(409, "cover_is_arranged", body=_rota(cover="hub:hub_south")),
            Rule(409, "cover_unknown", by="operator", body=_rota(cover="hub:hub_nowhere")),
            Rule(422, "malformed", body={"spans": [*ROTA["spans"], {**NIGHT, "name": "again"}]}),
        ),
        unknown=("hub_id",),
    ),
    "PUT /v1/hubs/{hub_id}/directory-entry": Row(
        f"/v1/hubs/{HUB}/directory-entry",
        "east_manager",
        {"phone": "020 7946 0000", "places": "Eastby", "public": True},
        {**NOT_A_REGISTRAR, "other_manager": 404},
        (Rule(422, "malformed", body={"public": True}),),
        unknown=("hub_id",),
    ),
    "PUT /v1/workers/{worker_id}/directory-entry": Row(
        "/v1/workers/wk_full/directory-entry",
        "full_worker",
        {"name": "Sample Worker", "shown": True},
        {"worker": 404, "other_manager": 404, "school": 403, "auditor": 403},
        (
            Rule(422, "malformed", body={"shown": True}),
            Rule(422, "malformed", body={"start": "12:00", "end": "09:00"}),
        ),
        unknown=("worker_id",),
    ),
    "PUT /v1/workers/{worker_id}/directory-hold": Row(
        "/v1/workers/wk_full/directory-hold",
        "east_manager",
        {"held_back": True},
        {**NOT_A_REGISTRAR, "other_manager": 404},
        unknown=("worker_id",),
    ),
    "POST /v1/workers/import": Row(
        "/v1/workers/import",
        "east_manager",
        f"{COLUMNS}\n".encode(),
        NOT_A_REGISTRAR,
        (
            # Every line is refused by itself.
            Rule(200, "", body=f"{COLUMNS}\n{REFUSED_LINES}".encode()),
            Rule(
                200,
                "",
                body=f"{COLUMNS},nickname\nwk_new,,hub_east,hub_worker,eastby,hub,x".encode(),
            ),
            Rule(200, "", body=b"\xff"),
            Rule(422, "malformed", body=b""),
        ),
    ),
    "DELETE /v1/workers/{worker_id}": Row(
        "/v1/workers/wk_leaver",
        "east_manager",
        None,
        {**NOT_A_REGISTRAR, "other_manager": 404},
        unknown=("worker_id",),
    ),
    "PUT /v1/workers/{worker_id}": Row(
        "/v1/workers/wk_full",
        "east_manager",
        {**WORKER, "cap": 0, "fte_percent": 50},
        {**NOT_A_REGISTRAR, "other_manager": 404},
        (
            Rule(422, "malformed", path="/v1/workers/wk_hub_one"),
            Rule(422, "malformed", body={**WORKER, "areas": ["elsewhere"]}),
            Rule(422, "malformed", body={**WORKER, "host_agency_id": "ag_nobody"}),
            Rule(
                409,
                "worker_has_cases",
                by="operator",
                path="/v1/workers/wk_east",
                body={**WORKER, "hub_id": "hub_south"},
            ),
        ),
    ),
    "POST /v1/workers/{worker_id}/leave-requests": Row(
        "/v1/workers/wk_full/leave-requests",
        "full_worker",
        leave(300),
        {"worker": 404, "school": 403, "east_manager": 403, "auditor": 403, "operator": 403},
        (
            Rule(409, "leave_out_of_time", body={"start": "2020-01-01", "to": "2020-01-02"}),
            Rule(409, "leave_overlaps", body=leave(0, 8)),
            Rule(422, "malformed", body={**leave(300), "to": "2020-01-02"}),
        ),
        unknown=("worker_id",),
    ),
    "POST /v1/workers/{worker_id}/leave-requests/{request_id}/approval": Row(
        "/v1/workers/wk_full/leave-requests/{leave}/approval",
        "east_manager",
        None,
        {**NOT_OF_A_HUB, "worker": 403, "other_manager": 404},
        (
            Rule(
                409, "leave_was_decided", path="/v1/workers/wk_full/leave-requests/{left}/approval"
            ),
        ),
        unknown=("worker_id",),
    ),
    "POST /v1/workers/{worker_id}/leave-requests/{request_id}/decline": Row(
        "/v1/workers/wk_full/leave-requests/{leave_declinable}/decline",
        "east_manager",
        {"reason": "no_cover"},
        {**NOT_OF_A_HUB, "worker": 403, "other_manager": 404},
        (Rule(409, "leave_was_decided", path="/v1/workers/wk_full/leave-requests/{left}/decline"),),
        unknown=("worker_id",),
    ),
    "POST /v1/workers/{worker_id}/leave-requests/{request_id}/withdrawal": Row(
        "/v1/workers/wk_full/leave-requests/{leave_withdrawable}/withdrawal",
        "full_worker",
        None,
        {"worker": 404, "school": 403, "east_manager": 403, "auditor": 403, "operator": 403},
        (
            Rule(
                409,
                "leave_was_decided",
                path="/v1/workers/wk_full/leave-requests/{refused_leave}/withdrawal",
            ),
        ),
        unknown=("worker_id",),
    ),
    "POST /v1/workers/{worker_id}/supervisions": Row(
        "/v1/workers/wk_full/supervisions",
        "east_manager",
        {"kind": "case", "held_on": "2026-11-01"},
        {**NOT_OF_A_HUB, "worker": 403, "other_manager": 404},
        (Rule(409, "supervision_in_future", body={"kind": "case", "held_on": "2090-01-01"}),),
        unknown=("worker_id",),
    ),
}

NOTIFY_ROUTES: dict[str, Row] = {
    "POST /v1/notifications/replays": Row(
        "/v1/notifications/replays",
        "school",
        REPLAY,
        {"worker": 403, "auditor": 403, "police": 404},
    ),
    "POST /v1/notifications/{notification_id}/acted": Row(
        "/v1/notifications/{notification}/acted",
        "school",
        {"name": "Sample Person", "taken": "reviewed", "outcome": "done"},
        {"auditor": 403, "police": 404, "worker": 404, "east_manager": 404, "operator": 404},
        entry="record.refused",
    ),
    "POST /v1/notifications/{notification_id}/opened": Row(
        "/v1/notifications/{notification}/opened",
        "school",
        {"name": "Sample Person"},
        {"auditor": 403, "police": 404, "worker": 404, "east_manager": 404, "operator": 404},
        optional_body=True,
        entry="record.refused",
    ),
    "POST /v1/subscriptions/{recipient_id}/confirmation": Row(
        f"/v1/subscriptions/{sample.SCHOOL}/confirmation",
        "school",
        {"code": "AAAAAAAAAA"},
        {"auditor": 403, "police": 404, "worker": 404, "operator": 404},
        (
            Rule(409, "wrong_code"),
            Rule(
                404,
                "not_found",
                by="health",
                path=f"/v1/subscriptions/{sample.HEALTH}/confirmation",
            ),
        ),
        malformed=404,
        taken=False,
    ),
    "POST /v1/subscriptions/{recipient_id}/secret": Row(
        f"/v1/subscriptions/{sample.SCHOOL}/secret",
        "school",
        None,
        {"auditor": 403, "worker": 403, "east_manager": 403, "operator": 403, "police": 404},
        (Rule(404, "not_found", by="health", path=f"/v1/subscriptions/{sample.HEALTH}/secret"),),
        malformed=404,
    ),
    "POST /v1/subscriptions/{recipient_id}/test": Row(
        f"/v1/subscriptions/{sample.SCHOOL}/test",
        "school",
        None,
        {"auditor": 403, "police": 404, "worker": 404, "east_manager": 404, "operator": 404},
        (
            Rule(404, "not_found", by="health", path=f"/v1/subscriptions/{sample.HEALTH}/test"),
            Rule(
                *(409, "nothing_to_test"),
                by="police",
                path=f"/v1/subscriptions/{sample.POLICE}/test",
            ),
        ),
        malformed=404,
    ),
    "PUT /v1/subscriptions/{recipient_id}": Row(
        f"/v1/subscriptions/{sample.SCHOOL}",
        "school",
        SUBSCRIPTION,
        {"auditor": 403, "police": 404, "worker": 404, "operator": 404},
        (
            Rule(400, "agencies_only", by="worker", path="/v1/subscriptions/wk_hub_one"),
            Rule(400, "no_desk_for_agencies", body={"duty_desk": "worker:wk_east"}),
            Rule(
                *(409, "desk_unknown"),
                by="worker",
                path="/v1/subscriptions/wk_hub_one",
                body={"duty_desk": "hub:hub_nowhere"},
            ),
            Rule(422, "malformed", body={"url": "ftp://school.example"}),
        ),
        malformed=404,
    ),
}

AUDIT_ROUTES: dict[str, Row] = {
    "POST /v1/cosignatures": Row(
        "/v1/cosignatures",
        "school",
        {"note": "no witness has cosigned this"},
        {},
        (Rule(409, "not_cosigned", body={"note": "x"}),),
        taken=False,
    ),
    "POST /v1/dead-letters/{message_id}/replay": Row(
        "/v1/dead-letters/nothing/replay",
        "operator",
        None,
        {"school": 403, "worker": 403, "manager": 403, "auditor": 403},
        (Rule(404, "not_found"),),
        taken=False,
    ),
    "POST /v1/dead-letters/{message_id}/discard": Row(
        "/v1/dead-letters/nothing/discard",
        "operator",
        {"reason": "test"},
        {"school": 403, "worker": 403, "manager": 403, "auditor": 403},
        (Rule(404, "not_found"), Rule(422, "malformed", body={"reason": "words of a caller"})),
        taken=False,
    ),
    "POST /v1/exports": Row(
        "/v1/exports?purpose=inspection",
        "auditor",
        {"referral_id": referral_of("open"), "from": "2026-01-01T00:00:00Z"},
        dict.fromkeys(("school", "worker", "manager", "operator"), 403),
        (
            Rule(409, "previous_is_newer", body={"previous": 2**52}, entry="trail.queried"),
            Rule(422, "malformed", path="/v1/exports?purpose=NO!", entry="trail.queried"),
            Rule(422, "malformed", body={"previous": -1}, entry="trail.queried"),
        ),
        entry="trail.queried",
        recorded=True,
    ),
    "POST /v1/trail/accounts": Row(
        "/v1/trail/accounts?purpose=inspection",
        "auditor",
        {"sub": "somebody"},
        {"school": 403, "worker": 403},
        (
            Rule(422, "malformed", path="/v1/trail/accounts?purpose=NO!", entry="trail.queried"),
            Rule(422, "malformed", body={"sub": " somebody"}, entry="trail.queried"),
        ),
        entry="trail.queried",
        recorded=True,
    ),
}

ROUTES = {**REFERRAL_ROUTES, **ALLOCATION_ROUTES, **NOTIFY_ROUTES, **AUDIT_ROUTES}
