"""What the sharing rules say about many worlds, as one digest for each version of the rules.

The worlds come from a hash, so that they are the same on every machine and for ever. Few ids and
few times, so that everything collides with everything.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel

from shared.rules.sharing import (
    CATEGORIES,
    POLICY_VERSION,
    Basis,
    Consent,
    GroundKind,
    ParentsWord,
    Reason,
    Request,
    SharingState,
    Terms,
    decide,
)

FILE = Path(__file__).parent / "sharing.json"
WORLDS = 4000
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
PAST, EARLY, JUST, SOON, LATER = (AT + timedelta(hours=h) for h in (-24, -2, -1, 1, 24))
HUB, POLICE, SCHOOL = "hub_1", "ag_police", "ag_school"
SOME = (CATEGORIES, ("existence",), ("existence", "identity", "health"), ("health", "risk"))

# Of who has left the rules are not asked; whoever would have asked says so itself.
REASONS = tuple(reason for reason in get_args(Reason) if reason != "recipient_left")
GROUNDS = get_args(GroundKind)

M = TypeVar("M", bound=BaseModel)
Axes = Mapping[str, Sequence[object]]

CONSENT: Axes = {
    "id": ("con_1", "con_2", "con_3"),
    "status": ("given", "given", "given", "refused", "withdrawn", "not_asked"),
    "agency_ids": ((), (POLICE,), (SCHOOL,)),
    "agency_kinds": ((), (), ("police",), ("school",)),
    "categories": SOME,
    "given_by": ("young_person", "parent"),
    "gillick_competent": (True, True, None, False),
    "said_at": (PAST, EARLY, JUST, AT, None),
    "age_band": (None, "13_to_15", "16_to_17", "not_known"),
    "recorded_at": (PAST, JUST, AT, SOON),
    "valid_from": (PAST, JUST, AT, SOON),
    "valid_to": (None, None, LATER, SOON, AT),
    "recorded_by": (None, "worker:wk_1", f"agency:{POLICE}", f"agency:{SCHOOL}"),
    "recorder_host": (None, None, POLICE),
    "recorder_sides": ((), (), (POLICE,)),
    "confirmation": (
        None,
        None,
        {"confirmed": True, "by": "worker:wk_1", "at": AT},
        {"confirmed": False, "by": "worker:wk_1", "at": AT},
    ),
    "invalidation": (*(None,) * 4, {"reason": "not_said", "by": "worker:wk_1", "at": AT}),
}
PARENTS: Axes = {
    "id": ("par_1", "par_2"),
    "tell": ("no", "yes", "not_asked"),
    "said_at": (PAST, JUST, None),
    "recorded_at": (PAST, AT),
    "recorded_by": (f"agency:{SCHOOL}", f"agency:{POLICE}", "worker:wk_1"),
    "by_family": (False, False, True),
    "reason": (None, None, "danger_to_life"),
}
BASIS: Axes = {
    "id": ("bas_1", "bas_2"),
    "basis": ("public_task", "legal_obligation", "vital_interests"),
    "condition": ("safeguarding", "vital_interests", None),
    "agency_ids": ((POLICE,), (POLICE, SCHOOL), (SCHOOL,)),
    "categories": SOME,
    "decided_by": ("wk_1",),
    "decided_at": (PAST, JUST, AT, SOON),
    "review_at": (LATER, SOON, AT),
    "ended_at": (None, None, JUST, AT, SOON, LATER),
}
TERMS: Axes = {
    "id": ("agr_1", "agr_2"),
    "version": (1, 2),
    "parties": ((HUB, POLICE, SCHOOL), (HUB, POLICE), (POLICE, SCHOOL)),
    "signed_by": ((HUB, POLICE, SCHOOL), (HUB, POLICE), (HUB,)),
    "purposes": (("safeguarding", "research"), ("safeguarding",), ("research",)),
    "categories": SOME,
    "grounds": (
        ("consent", "public_task", "legal_obligation", "vital_interests"),
        ("consent", "public_task"),
        ("vital_interests", "legal_obligation"),
    ),
    "effective_from": (PAST, JUST, AT, SOON),
    "effective_to": (LATER, LATER, SOON, AT),
    "ended_at": (None, None, None, AT, SOON),
}
REQUEST: Axes = {
    "sharer": (HUB, HUB, HUB, POLICE, None),
    "taken_over_at": (None, None, JUST, AT),
    "referrer_id": (None, SCHOOL, POLICE),
    "agency_id": (POLICE, POLICE, SCHOOL),
    "agency_kind": ("police", "school", "police", "school", "1a"),
    "purpose": ("safeguarding", "safeguarding", "research"),
    "categories": (CATEGORIES,),
}
AGES = ("under_13", "13_to_15", "16_to_17", "18_and_over", "not_known")


class Draws:
    """Numbers that are for ever the same."""

    def __init__(self) -> None:
        self._count = 0

    def one_of(self, values: Sequence[Any]) -> Any:
        self._count += 1
        digest = hashlib.sha256(str(self._count).encode()).digest()
        return values[int.from_bytes(digest[:4]) % len(values)]

    def a(self, model: type[M], axes: Axes) -> M:
        return model.model_validate({name: self.one_of(axes[name]) for name in axes})

    def some(self, model: type[M], axes: Axes, most: int) -> tuple[M, ...]:
        return tuple(self.a(model, axes) for _ in range(self.one_of(range(most + 1))))


def verdicts() -> Iterator[str]:
    """What is decided in each world, as canonical text."""
    draws = Draws()
    for _ in range(WORLDS):
        state = SharingState(
            consents=draws.some(Consent, CONSENT, 4),
            bases=draws.some(Basis, BASIS, 3),
            unsafe_agencies=draws.one_of(((), (), (), (), (SCHOOL,), (POLICE,))),
            age_band=draws.one_of(AGES),
            about_parents=draws.some(ParentsWord, PARENTS, 2),
            doubted=draws.one_of(((), (), (), (), (SCHOOL,), (POLICE,))),
        )
        request, terms = draws.a(Request, REQUEST), draws.some(Terms, TERMS, 3)
        decision = decide(request, state, terms, AT).model_dump(exclude={"policy_version"})
        yield json.dumps(decision, sort_keys=True)


def digest(said: Iterable[str]) -> str:
    """One number for all verdicts: it changes when one of them does."""
    total = hashlib.sha256()
    for line in said:
        total.update(line.encode() + b"\n")
    return total.hexdigest()


def published() -> dict[str, str]:
    """The digest of each version of the rules."""
    return dict(json.loads(FILE.read_text("utf-8"))) if FILE.exists() else {}


def publish() -> bool:
    """Write the digest of this version, if there is none yet. Returns whether it did."""
    known = published()
    if POLICY_VERSION in known:
        return False
    FILE.write_text(
        json.dumps({**known, POLICY_VERSION: digest(verdicts())}, indent=1) + "\n", "utf-8"
    )
    return True
