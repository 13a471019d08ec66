"""A young person who asked that parents are not told: by every rule, kind and channel there is."""

import json
from typing import Any, get_args

from services.notify.decision.decide import answer
from services.notify.decision.standing import STANDING_IN, still_theirs
from services.notify.delivery.payload import mail, webhook_body
from services.notify.inbox.view import view
from services.notify.projections.cases import CaseState
from shared.events.codes import AGENCY_KINDS, OF_FAMILY, UNKNOWN_KIND
from shared.events.notify import NotificationKind
from shared.rules.parents import closed_to, instructions
from shared.rules.sharing import ParentsWord, Request, SharingState
from tests.unit.test_notify_rules import AT, POLICY, notification

NOT_TOLD = SharingState(
    about_parents=(ParentsWord(id="par_1", tell="no", recorded_at=AT, recorded_by="agency:ag_1"),)
)


def test_no_rule_tells_parents_who_are_not_told_and_every_other_kind_as_before() -> None:
    for rule in POLICY.rules:
        for kind in sorted(AGENCY_KINDS):
            request = Request(
                sharer="hub_1",
                agency_id="ag_1",
                agency_kind=kind,
                purpose=rule.purpose,
                categories=rule.categories or ("existence",),
            )
            sharing = rule.tell == "partners"
            asked: dict[str, Any] = {"sharing": sharing, "request": request, "agreements": ()}
            told, before = (
                answer(**asked, state=state, retracted=False, at=AT)
                for state in (NOT_TOLD, SharingState())
            )

            if kind in OF_FAMILY or kind == UNKNOWN_KIND:
                assert not told.permitted, (rule.kind, kind)
                assert {v.reason for v in told.decision.verdicts} == {"parents_not_told"}
                assert not told.decision.safety_hold
            else:
                assert told == before, (rule.kind, kind)


def test_every_notice_carries_the_instruction_by_every_channel() -> None:
    (instruction,) = instructions(closed_to(NOT_TOLD.about_parents))
    for kind in get_args(NotificationKind):
        about = notification(kind=kind)

        assert view(about, (instruction,)).instructions == (instruction,), kind
        assert json.loads(webhook_body(about, (instruction,)))["instructions"] == [instruction]
        text = mail(about, "https://x.example", (instruction,))[1]
        assert "Instruction: do not tell parents" in text
        assert "Instruction" not in mail(about, "https://x.example")[1]


def test_no_notice_asks_anybody_to_ask_the_parents() -> None:
    asked = {rule.action for rule in POLICY.rules}

    assert not [action for action in asked if "parent" in action or "consent" in action]


def test_a_desk_is_shown_what_binds_it_while_it_is_asked_to_reach_somebody_for_the_hub() -> None:
    here = CaseState(agency_id="ag_school", hub_id="hub_1", worker_id="wk_1")
    gone = here.model_copy(update={"hub_id": "hub_2", "transfers": 1})
    nowhere = here.model_copy(update={"hub_id": None, "worker_id": None})
    for kind in get_args(NotificationKind):
        stands_in = kind in STANDING_IN
        for to, one in (("hub", "hub_desk"), ("worker", "wk_desk"), ("operator", "operator")):
            asked = notification(kind=kind, recipient_kind=to, recipient_id=one, hub_id="hub_1")
            assert still_theirs(asked, here) is stands_in, (kind, to)
            assert not still_theirs(asked, gone)
            assert not still_theirs(asked.but(status="acted"), here)
            assert not still_theirs(asked.but(status="retracted"), here)
            placing = stands_in or kind == "referral_area_unknown"
            assert still_theirs(asked, nowhere) is placing, (kind, to)
