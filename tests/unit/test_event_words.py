"""No event has room for a caller's words: each text in each event is an id that we make, an id from
a register, an account, or one of our codes; what is neither is listed, with the reason.

A new field of text fails here until it is said what may stand in it.
"""

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel

from shared.events import Event
from shared.events.catalogue import event_types
from tests.harness.cases import every_case

# Made by us: a prefix and 32 hexadecimal digits, or a hash.
OURS = """
about_id event_id event_ids from_subject_id ground_id notification_id other_referral_id other_referral_ids
other_subject_id
plan_id query_id match_id decision_id referral_id referral_ids open_referrals subject_id to_subject_id key_id
tracing_id participation_id invitation_id goal_id request_id first_sha256 sha256 account unknown_id
report_id advice_id link_id
""".split()
# Who is who: given by a registrar or by the issuer of tokens, under the shape that `ID` has. A
# caller who is neither can't make one (tests/system/test_words.py).
REGISTERED = """
agency_id agreement_id from_holder_id from_hub_id from_worker_id holder_id host_agency_id hub_id
last_worker_id marked_id parties party recipient_id signed_by subscription_id to_hub_id to_id to_worker_id
unsafe_agencies unsafe_names viewer_id worker_id recorder_host recorder_sides
""".split()
# `role:id`, with an account where a role has no id of its own.
ACTORS = """
asked_by by confirmed_by decided_by declined_by person recorded_by
""".split()
# From a closed list of ours, from our policy files, or the code of a fault.
CODES = """
action amended code combinations email_code flags ground lapsed_with needs policy_version purpose
purposes reason resource status warnings webhook_code
""".split()
REASONS = {
    "AboutAgency.alias": "made by us",
    "AboutAgency.areas": "an area that a registrar gave",
    "AboutAgency.claimed_kind": "a closed list in the request",
    "AboutAgency.kind": "a closed list in the request",
    "AdviceAsked.area": "an area that a Hub has",
    "_AboutAdvice.agency_kind": "a closed list in the request",
    "AreaRegistered.area": "an area that an operator registered",
    "Basis.agency_ids": "registered agencies: another is refused (agency_unknown)",
    "Basis.id": "made by us",
    "SharingState.doubted": "registered agencies, and those that a token names",
    "MatchDoubted.agency_ids": "registered agencies, and those that a token names",
    "Consent.agency_ids": "registered agencies, and aliases of ours for others that a no names",
    "Consent.agency_kinds": "of the register; in records of before as it was said",
    "Consent.id": "made by us",
    "Contribution.agencies": "registered agencies",
    "GoalResult.goal": "a closed list in the request",
    "LinkFound.area_ids": "codes of the register",
    "LinkFound.hub_ids": "registered Hubs",
    "IntelligenceReported.area": "a code of the register",
    "IntelligenceReviewDue.area": "a code of the register",
    "HubRegistered.areas": "areas that an operator gave",
    "ParentsWord.id": "made by us",
    "_Snapshot.area": "a code of the register, else `unknown`",
    "_Snapshot.languages": "two or three letters, as ISO 639 has them",
    "AllocationCoverCalled.cover": "`operators`, or a Hub that an operator named to cover",
    "RotaChanged.covering": "the same, or a worker whom an operator named to cover",
    "RotaChanged.worker_ids": "workers of the Hub, or whom an operator named to cover",
    "SubscriptionRegistered.areas": "of events of before only",
    "Terms.id": "an agreement's: random, or given by an operator",
    "TrailEventsMissing.service": "a service of ours, as its own tally names it",
    "TrailKeyRotated.verifier_key": "a public key of ours",
    "TrailQueried.filter": "only what is recordable (services/audit/recordable.py)",
    "OfParked.queue": "a queue of ours",
    "OfParked.parked_type": "a type of ours",
    "TrailRejected.rejected_type": "of a message of a service of ours",
    "WorkerRegistered.areas": "areas that a registrar gave",
    **{
        f"Event.{name}": "written by us (shared/storage/records.py)"
        for name in "id source type subject dataschema correlationid causationid traceparent".split()
    },
    "Event.actor": "role and id, or an account",
    "Event.actorrole": "a role",
}
KNOWN = {*OURS, *REGISTERED, *ACTORS, *CODES}


def texts(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Each field in which any text may stand: the class that declares it, and its name."""
    for name, field in model.model_fields.items():
        declares = next(
            each for each in reversed(model.__mro__) if name in getattr(each, "model_fields", {})
        )
        for part in parts(field.annotation):
            if part is str:
                yield declares.__name__, name
            elif isinstance(part, type) and issubclass(part, BaseModel):
                yield from texts(part)


def parts(annotation: Any) -> Iterator[Any]:
    """What an annotation consists of, without codes."""
    origin = get_origin(annotation)
    if origin is Literal:
        return
    if origin is Annotated:
        yield from parts(get_args(annotation)[0])
    elif origin is not None or isinstance(annotation, types.UnionType):
        for each in get_args(annotation):
            yield from parts(each)
    else:
        yield annotation


MODELS: list[type[BaseModel]] = [Event, *event_types().values()]
FIELDS = sorted({pair for model in MODELS for pair in texts(model)})


@every_case(FIELDS)
def test_every_text_of_an_event_is_of_a_kind_that_holds_no_words(declares: str, name: str) -> None:
    assert name in KNOWN or f"{declares}.{name}" in REASONS, (
        "what may stand in this text? An id, an account, a code; else say here why not a name"
    )


def test_nothing_is_listed_that_is_not_there() -> None:
    names = {name for _, name in FIELDS}
    fields = {f"{declares}.{name}" for declares, name in FIELDS}

    assert names >= KNOWN
    assert set(REASONS) <= fields
