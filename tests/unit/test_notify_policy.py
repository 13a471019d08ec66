"""A faulty notification policy stops the start, and every fault is named with its line."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.notify.app import DEFAULT_POLICY, NotifySettings, build
from services.notify.rules.policy import EVENTS
from services.notify.rules.policy_file import load_policy
from shared.events.catalogue import event_types
from shared.messaging.topology import QUEUES
from shared.operating.data_files import DataFileFaults

TEXT = DEFAULT_POLICY.read_text("utf-8")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policy.toml"


def faults_of(file: Path, text: str) -> list[str]:
    """The faults of a policy file, each without the folder: `policy.toml:line: where: what`."""
    file.write_text(text, "utf-8")
    with pytest.raises(DataFileFaults) as raised:
        load_policy(file)
    return [fault.removeprefix(f"{file.parent}/") for fault in raised.value.faults]


def test_the_policy_that_comes_with_the_service_is_sound() -> None:
    policy = load_policy(DEFAULT_POLICY)

    assert len(policy.rules) > 20
    assert policy.of_hub("hub_1") == policy.default


def rule(**changes: str) -> str:
    """A policy with one sound rule, which begins on line 3; `changes` are lines of it."""
    lines = {
        "on": 'on = "allocation.made"',
        "when": 'when = { level = ["mild"] }',
        "tell": 'tell = "worker"',
        "kind": 'kind = "case_allocated_to_you"',
        "purpose": 'purpose = "direct_work"',
        **changes,
    }
    return "\n".join(['version = "1"', "[default]", "[[rules]]", *lines.values()]) + "\n"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"on": 'on = "allocation.mad"'}, "4: rules.0.on: allocation.mad is no event"),
        ({"on": 'on = "referral.erased"'}, "4: rules.0.on: referral.erased is no event"),
        ({"when": 'when = { levle = ["mild"] }'}, "5: rules.0.when: allocation.made has no field"),
        ({"when": 'when = { level = ["mid"] }'}, "5: rules.0.when: level is never mid"),
        ({"due": 'due = "due"'}, "9: rules.0.due: allocation.made has no field due"),
        ({"due": 'due = "level"'}, "9: rules.0.due: level is no time"),
        ({"due": 'detail = "worker"'}, "9: rules.0.detail: allocation.made has no field worker"),
        ({"who": 'who = "worker"'}, "9: rules.0.who: allocation.made has no field worker"),
        ({"kind": 'kind = "case_alocated"'}, "7: rules.0.kind: Input should be"),
        ({"tell": 'tell = "partners"'}, "3: rules.0.categories: telling a partner needs existence"),
        ({"x": 'categories = ["existence"]'}, "9: rules.0.categories: only partners"),
        ({"x": 'untill = "due_at"'}, "9: rules.0.untill: Extra inputs"),
    ],
)
def test_a_rule_names_events_fields_and_codes_that_there_are(
    file: Path, changes: dict[str, str], fault: str
) -> None:
    load_policy(sound(file))

    found = faults_of(file, rule(**changes))

    assert any(each.startswith(f"policy.toml:{fault}") for each in found), found


def sound(file: Path) -> Path:
    file.write_text(rule(), "utf-8")
    return file


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("escalate_witin = 5", "10: hub.hub_1.escalate_witin: Extra inputs"),
        ("escalate_within = 0", "10: hub.hub_1.escalate_within: Input should be greater"),
        ("open_within = { imediate = 5 }", "10: hub.hub_1.open_within.imediate"),
        ('mute = ["nothing"]', "10: hub.hub_1.mute.0: Input should be"),
        ('nation = "france"', "10: hub.hub_1.nation: Input should be"),
    ],
)
def test_what_a_hub_decides_for_itself_has_only_known_keys(
    file: Path, line: str, fault: str
) -> None:
    found = faults_of(file, f"{rule()}[hub.hub_1]\n{line}\n")

    assert [each.startswith(f"policy.toml:{fault}") for each in found] == [True], found


def test_a_hub_mutes_news_and_never_what_asks_it_to_act(file: Path) -> None:
    shipped = DEFAULT_POLICY.read_text("utf-8").replace("mute = []", "")
    to_hub = [each for each in load_policy(DEFAULT_POLICY).rules if each.tell == "hub"]
    acts = {each.kind for each in to_hub if each.action != "none" or each.hub != "hub_id"}
    news = {each.kind for each in to_hub} - acts
    told_otherwise = {"consent_waits", "refusal_doubtful", "rota_gap", "case_allocated_to_you"}

    for where in ("", "[hub.hub_1]\n"):
        file.write_text(f"{shipped}{where}mute = {json.dumps(sorted(news))}\n", "utf-8")
        load_policy(file)
        for kind in sorted(acts | told_otherwise):
            (fault,) = faults_of(file, f'{shipped}{where}mute = ["{kind}"]\n')
            assert "only news can be muted: case_declined, case_news" in fault, fault


def test_every_fault_is_named_at_once(file: Path) -> None:
    text = TEXT.replace('due = "due_at"', 'due = "due_on"', 2) + "[hub.hub_1]\nmutes = []\n"

    assert len(faults_of(file, text)) == 3


def test_the_service_does_not_start_on_a_faulty_policy(file: Path) -> None:
    file.write_text(rule(on='on = "nothing"'), "utf-8")
    settings = NotifySettings.model_construct(
        notify_secret_key=SecretStr("a" * 44), notify_policy=file, environment="development"
    )

    with pytest.raises(DataFileFaults, match=r"policy\.toml:4: rules\.0\.on: nothing is no event"):
        build(settings)


def test_every_event_that_a_rule_may_be_about_arrives_and_names_its_referral() -> None:
    queues = ("notify.referrals", "notify.allocations", "notify.consent")
    arriving = {event_type for queue in queues for event_type in QUEUES[queue]}

    assert set(EVENTS) <= arriving
    assert all("referral_id" in event_types()[each].model_fields for each in EVENTS)
    without = arriving - set(EVENTS)
    others: tuple[str, ...] = (
        "hub.registered",
        "hub.rota_gaps_changed",
        "hub.rota_changed",
        "worker.registered",
    )
    others += ("worker.supervision_taken_back",)
    others += tuple(f"advice.{it}" for it in ("asked", "written", "unanswered"))
    others += tuple(f"worker.leave_{it}" for it in ("requested", "undecided", "decided"))
    of_referrals = {"referral.erased", *others}
    assert without == of_referrals | {
        *(f"subject.{it}" for it in ("linked", "match_decided", "turning_18", "described")),
        *("subject.relinked", "sharing.parents_word_recorded", "consent.service_recorded"),
        *("consent.recorder_known", "subject.match_decided_again"),
    }
