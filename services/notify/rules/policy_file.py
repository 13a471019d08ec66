"""The notification policy as a file: read when the service starts, or refused with its lines."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError

from services.notify.rules.policy import EVENTS, HubPolicy, NotificationPolicy
from shared.events import EventData
from shared.events.catalogue import event_types
from shared.events.notify import NotificationKind
from shared.operating.data_files import Fault, Where, read_toml


def load_policy(path: Path) -> NotificationPolicy:
    """The policy that a file holds. Raises `DataFileFaults`, which name file and line."""
    return read_toml(path, NotificationPolicy, _rules, _hubs, _mutes)


def _rules(raw: dict[str, Any]) -> Iterator[Fault]:
    rules = raw.get("rules")
    for number, rule in enumerate(rules if isinstance(rules, list) else []):
        if isinstance(rule, dict):
            yield from _rule(("rules", number), rule)


def _rule(where: Where, rule: dict[str, Any]) -> Iterator[Fault]:
    name = rule.get("on")
    if name not in EVENTS:
        yield Fault((*where, "on"), f"{name} is no event that anybody is notified of")
        return
    data = event_types()[str(name)]
    yield from _fields(where, rule, data)
    when = rule.get("when")
    for field, codes in (when if isinstance(when, dict) else {}).items():
        yield from _condition((*where, "when"), data, field, codes)
    yield from _categories(where, rule)


def _fields(where: Where, rule: dict[str, Any], data: type[EventData]) -> Iterator[Fault]:
    # A worker and a Hub may also be named by the case: without the field it is who has it.
    allowed = {"due": set[str](), "detail": set[str](), "who": {"worker_id"}, "hub": {"hub_id"}}
    for key, also in allowed.items():
        field = rule.get(key)
        if field is not None and field not in {*data.model_fields, *also}:
            yield Fault((*where, key), f"{data.event_type} has no field {field}")
    if rule.get("turn") and not {"status", "previous"} <= set(data.model_fields):
        yield Fault(
            (*where, "turn"), f"{data.event_type} is no turn: it has no status and previous"
        )
    due = data.model_fields.get(str(rule.get("due")))
    if due is not None and due.annotation not in (datetime, datetime | None):
        yield Fault((*where, "due"), f"{rule['due']} is no time")


def _condition(where: Where, data: type[EventData], field: str, codes: Any) -> Iterator[Fault]:
    if field not in data.model_fields:
        yield Fault(where, f"{data.event_type} has no field {field}", field)
        return
    known = _codes(data.model_fields[field].annotation)
    for code in codes if isinstance(codes, list) else []:
        if known and code not in known:
            yield Fault(where, f"{field} is never {code}", str(code))


def _codes(kind: Any) -> set[Any]:
    """The values that a field may have, as far as its type lists them."""
    if get_origin(kind) is Literal:
        return set(get_args(kind))
    return set().union(*(_codes(inner) for inner in get_args(kind)))


def _categories(where: Where, rule: dict[str, Any]) -> Iterator[Fault]:
    categories = rule.get("categories", [])
    if rule.get("tell") != "partners":
        if categories:
            yield Fault((*where, "categories"), "only partners are told under categories")
        return
    if "existence" not in categories:
        yield Fault((*where, "categories"), "telling a partner needs existence")
    if rule.get("action", "none") == "none":
        yield Fault((*where, "action"), "a partner must be asked to do something")


def _hubs(raw: dict[str, Any]) -> Iterator[Fault]:
    """What a Hub decides for itself is checked as part of the whole that it will be."""
    default, hubs = raw.get("default"), raw.get("hub")
    for hub_id, own in (hubs if isinstance(hubs, dict) else {}).items():
        if not isinstance(own, dict):
            continue
        try:
            HubPolicy.model_validate({**(default if isinstance(default, dict) else {}), **own})
        except ValidationError as error:
            for each in error.errors():
                if each["loc"][0] in own:
                    near = each["input"] if isinstance(each["input"], str) else None
                    yield Fault(("hub", hub_id, *each["loc"]), each["msg"], near)


def _mutes(raw: dict[str, Any]) -> Iterator[Fault]:
    """A Hub does without news, never without what it is asked to do: by that it learns what is its."""
    rules = raw.get("rules")
    told = [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    to_hub = [rule for rule in told if rule.get("tell") == "hub"]
    # Of what is told to a Hub that the event names nobody else's policy decides.
    acts = {r.get("kind") for r in to_hub if r.get("action", "none") != "none" or "hub" in r}
    news = sorted({str(rule.get("kind")) for rule in to_hub} - acts)
    hubs = raw.get("hub")
    own: dict[Where, Any] = {
        ("hub", hub): policy for hub, policy in (hubs if isinstance(hubs, dict) else {}).items()
    }
    own[("default",)] = raw.get("default")
    for where, policy in own.items():
        kinds = policy.get("mute") if isinstance(policy, dict) else None
        for number, kind in enumerate(kinds if isinstance(kinds, list) else []):
            if kind in get_args(NotificationKind) and kind not in news:
                only = f"only news can be muted: {', '.join(news) or 'there is none'}"
                yield Fault((*where, "mute", number), only, str(kind))
