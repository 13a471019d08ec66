"""Ids that follow from something: the same again is found again, and nobody learns by trying."""

import ast

from shared.ids import derived_id, keyed_id
from tests.unit.test_house import ROOT, sources

# Who may know all parts of an id may work it out. Each reason says why nobody gains by that.
OPEN = {
    "services/allocation/assignment/facts.py": "the hash of a decision proves its content",
    "services/allocation/leaving/process.py": "a plan that only the Hub's managers find",
    "services/audit/integrity/completeness.py": "the id of an event of ours",
    "services/audit/integrity/commands.py": "a time",
    "services/audit/log/signer.py": "what is damaged, and where",
    "services/notify/delivery/follow_up.py": "a subscription's own last alarm",
    "services/notify/rules/advice.py": "ids of an event of ours and of a Hub or agency",
    "services/notify/rules/absence.py": "ids of an event of ours and of a worker or Hub",
    "services/notify/rules/supervision.py": "ids of an event of ours and of a Hub",
    "services/notify/rules/cover.py": "ids of an event of ours and of who covers",
    "services/notify/rules/gaps.py": "the id of an event of ours, and of a Hub; not asked for by it",
    "services/notify/rules/passed_over.py": "ids of events and referrals; not asked for by it",
    "services/notify/rules/drafts.py": "ids of events and referrals; a foreign one is not there",
    "services/referral/intake/heard.py": "the referral's id, and a number of its own lines",
    "services/referral/intake/rule.py": "the referral's id",
}


def test_an_id_without_a_key_names_nothing_that_a_caller_chose() -> None:
    used = {
        str(path)
        for path in sources("services")
        for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8")))
        if isinstance(node, ast.Name) and node.id == "derived_id"
    }

    assert used == set(OPEN), "a new derived_id: use a keyed one, or say here why not"


def test_a_keyed_id_is_the_same_for_the_same_parts_only() -> None:
    key, parts = b"k" * 32, ("ag_school", "Key-1")
    mine = keyed_id(key, "ref", *parts)
    others = {
        keyed_id(b"l" * 32, "ref", *parts),
        keyed_id(key, "con", *parts).replace("con", "ref"),
        keyed_id(key, "ref", "ag_schoolK", "ey-1"),
        keyed_id(key, "ref", "ag_school", "key-1"),
        keyed_id(key, "ref", *parts, ""),
        keyed_id(key, "ref", *reversed(parts)),
        derived_id("ref", *parts),
    }

    assert mine == keyed_id(key, "ref", *parts)
    assert mine not in others
    assert len(others) == 7
