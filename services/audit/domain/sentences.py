"""Each entry in one plain sentence, so that a trail reads like a story. Pure.

Sentences carry what the entry carries: ids and codes, never a name. `for_agency` leaves out what
an agency is not told: who works on a case, and everything about other agencies.
"""

from collections.abc import Callable, Mapping
from typing import Any

Data = Mapping[str, Any]


def sentence(event: Mapping[str, Any], *, for_agency: bool = False) -> str:
    """What happened, in words. A type nobody has put into words is named as it is."""
    data = event.get("data")
    data = data if isinstance(data, dict) else {}
    words = (_FOR_AGENCIES if for_agency else _WORDS).get(str(event.get("type")))
    if words is None:
        return f"{_plain(event)}." if for_agency else f"{_actor(event)}: {_plain(event)}."
    return words(data, _actor(event))


def _actor(event: Mapping[str, Any]) -> str:
    kind, _, identity = str(event.get("actor") or "someone").partition(":")
    return f"the {identity} service" if kind == "service" else f"{kind} {identity}".strip()


def _plain(event: Mapping[str, Any]) -> str:
    return str(event.get("type", "")).replace(".", " ").replace("_", " ")


def _list(data: Data, name: str, none: str = "nothing") -> str:
    value = data.get(name)
    values = value if isinstance(value, list) else [value] if value else []
    return ", ".join(str(v) for v in values) or none


def _of(data: Data, part: str, name: str) -> str:
    value = data.get(part)
    return str(value.get(name)) if isinstance(value, dict) else _list(data, name)


def _about(data: Data) -> str:
    return f" about {data['referral_id']}" if data.get("referral_id") else ""


def _queried(data: Data, actor: str) -> str:
    asked = data.get("filter")
    asked = asked if isinstance(asked, dict) else {}
    what = " and ".join(f"{k} {v}" for k, v in sorted(asked.items())) or "everything"
    if data.get("outcome") == "refused":
        return f"{actor} asked the trail for {data.get('resource')} ({what}) and was refused."
    count, purpose = data.get("count"), data.get("purpose")
    return (
        f"{actor} asked the trail for {data.get('resource')} ({what}), saw {count}, for {purpose}."
    )


def _viewed(data: Data, actor: str) -> str:
    purpose = data.get("purpose") or "no stated purpose"
    # No category is decided for those whose own, or whose work, it is.
    if data.get("viewer_kind") == "referrer":
        return f"{actor} viewed its own referral {data.get('referral_id')}, for {purpose}."
    if data.get("viewer_kind") in ("worker", "hub_manager"):
        return f"{actor} viewed all of {data.get('referral_id')}, for {purpose}."
    hidden = _verdicts(data, permitted=False)
    but = f" Not shown: {hidden}." if hidden else ""
    return f"{actor} viewed {_shown(data)}{_about(data)}, for {purpose}.{but}"


def _shown(data: Data) -> str:
    return _verdicts(data, permitted=True) or _list(data, "categories")


def _verdicts(data: Data, *, permitted: bool) -> str:
    verdicts = data.get("verdicts")
    found = [v for v in verdicts if isinstance(v, dict)] if isinstance(verdicts, list) else []
    return ", ".join(str(v.get("category")) for v in found if v.get("permitted") is permitted)


def _withheld(data: Data, _: str) -> str:
    why = _list(data, "reasons", "see the entry")
    return f"{data.get('recipient_id')} was not told{_about(data)}: {why}."


_WORDS: dict[str, Callable[[Data, str], str]] = {
    "referral.received": lambda d, _: (
        f"{d.get('agency_id')} referred {d.get('referral_id')}, urgency {d.get('urgency')}."
    ),
    "referral.match_suspected": lambda d, _: (
        f"{d.get('referral_id')} may be about the same young person as"
        f" {_list(d, 'other_referral_ids')}."
    ),
    "referral.status_changed": lambda d, _: f"{d.get('referral_id')} is now {d.get('status')}.",
    "risk.assessed": lambda d, _: (
        f"The risk of {d.get('referral_id')} was assessed as {d.get('level')} (score {d.get('score')})."
    ),
    "allocation.made": lambda d, _: (
        f"{d.get('referral_id')} was allocated to {d.get('worker_id')} of {d.get('hub_id')}."
    ),
    "allocation.waiting": lambda d, _: f"{d.get('referral_id')} waits: {d.get('reason')}.",
    "worker.caseload_changed": lambda d, _: (
        f"{d.get('worker_id')}'s capacity was {d.get('change')} for {d.get('referral_id')}."
    ),
    "notification.created": lambda d, _: (
        f"{d.get('recipient_id')} was notified{_about(d)}: {d.get('kind')}, on ground {d.get('ground')}."
    ),
    "notification.delivered": lambda d, _: (
        f"{d.get('recipient_id')}'s system took a notification{_about(d)}."
    ),
    "notification.opened": lambda d, _: (
        f"{d.get('recipient_id')} opened a notification{_about(d)}."
    ),
    "notification.failed": lambda d, _: (
        f"Telling {d.get('recipient_id')}{_about(d)} failed after {d.get('attempts')} attempts."
    ),
    "notification.withheld": _withheld,
    "record.viewed": _viewed,
    "record.refused": lambda d, a: (
        f"{a} was refused sight of {d.get('referral_id')}: {d.get('reason')}."
    ),
    "sharing.basis_recorded": lambda d, a: (
        f"{a} recorded a lawful basis{_about(d)}: {_of(d, 'basis', 'basis')}."
    ),
    "consent.recorded": lambda d, a: (
        f"{a} recorded consent{_about(d)}: {_of(d, 'consent', 'status')}."
    ),
    "agency.registered": lambda d, _: f"{d.get('agency_id')} is registered, kind {d.get('kind')}.",
    "agreement.recorded": lambda d, _: (
        f"The agreement {d.get('agreement_id')} between {_list(d, 'parties')} was recorded."
    ),
    "trail.queried": _queried,
    "trail.rejected": lambda d, _: (
        f"A message could not be read ({d.get('reason')}); its hash is kept."
    ),
    "trail.conflict": lambda d, _: f"Event {d.get('event_id')} came again with other content.",
    "trail.integrity_failed": lambda d, _: (
        f"The self-check found {d.get('code')} at entry {d.get('seq')}."
    ),
    "trail.key_rotated": lambda d, _: (
        f"Signing key {d.get('key_id')} was {d.get('change')} at size {d.get('size')}."
    ),
    "trail.thawed": lambda d, a: (
        f"{a} let signing go on after checking {d.get('checked')} entries."
    ),
}

_FOR_AGENCIES: dict[str, Callable[[Data, str], str]] = {
    **{
        name: _WORDS[name]
        for name in ("referral.received", "referral.status_changed", "agency.registered")
    },
    "allocation.made": lambda d, _: f"{d.get('referral_id')} was allocated.",
    "allocation.waiting": lambda d, _: f"{d.get('referral_id')} waits to be allocated.",
    "notification.created": lambda d, _: f"You were notified{_about(d)}: {d.get('kind')}.",
    "notification.opened": lambda d, _: f"You opened a notification{_about(d)}.",
    "record.viewed": lambda d, _: f"You viewed {_shown(d)}{_about(d)}.",
}
