"""Whether the entries of a filtered export show what it says it was filtered by.

The filter is signed by nobody, and what the trail finds an entry by is kept beside the entry. The
entry itself was sealed: what it was found by must stand in it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from services.audit.verify.filtered import leaves_in
from services.audit.verify.signed import json_of
from services.audit.verify.sources import Source, needed

IDS = ("referral_id", "subject_id", "agency", "recipient", "worker")
SHOWN = ("type", "from", "to", *IDS)
DERIVED = ("ground", "outcome")  # in part: they need not stand in the entry as they are


def doubts_of_filter(source: Source, asked: Mapping[str, str]) -> tuple[str, list[str]]:
    """What every entry shows of the filter, in words; and each entry that does not show it."""
    wanted = {name: value for name, value in asked.items() if name in SHOWN}
    doubts = [
        f"the export was filtered by {name}, which the trail does not know"
        for name in sorted(set(asked) - {*SHOWN, *DERIVED})
    ]
    doubts += [
        f"entry {seq} does not show {name}={wanted[name]}, by which the export was filtered"
        for file, seq in leaves_in(source).items()
        for name in not_shown(needed(source, file), wanted)
    ]
    told = ", ".join(f"{name}={value}" for name, value in sorted(wanted.items()))
    return (f"; each shows what the export was filtered by ({told})" if told else ""), doubts


def not_shown(leaf: bytes, wanted: Mapping[str, str]) -> list[str]:
    """The parts of a filter of which an entry shows nothing."""
    try:
        entry = json_of(leaf)
        event, at = entry["event"], entry["recorded_at"]
        words = set(words_in(event))
        shown = {
            "type": lambda value: event["type"] == value,
            "from": lambda value: at >= value,
            "to": lambda value: at <= value,
        }
        ids = dict.fromkeys(IDS, words.__contains__)
        return [name for name, value in wanted.items() if not {**shown, **ids}[name](value)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return list(wanted)


def words_in(value: Any) -> Iterator[str]:
    """Every text in an event, and what stands behind a colon, as in `worker:wk_1`."""
    if isinstance(value, str):
        yield from {value, value.partition(":")[2]} - {""}
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from words_in(one)
