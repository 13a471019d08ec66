"""What each published event is found by in the trail, for the present version of the search fields."""

import json
from pathlib import Path
from typing import Any

from services.audit.search.fields import VERSION, fields_of, search_of

FILE = Path(__file__).parent / "trail_fields.json"
EVENTS = Path(__file__).parent / "events"


def found_by() -> dict[str, list[str]]:
    """The search fields of every golden event, by the name of its file."""
    events = {path.stem: json.loads(path.read_text("utf-8")) for path in EVENTS.glob("*.json")}
    return {name: search_of(fields_of(event))["keys"] for name, event in sorted(events.items())}


def published() -> dict[str, Any]:
    """The version and the fields that were written last."""
    if not FILE.exists():
        return {"version": 0, "fields": {}}
    kept: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return kept


def publish() -> bool:
    """Write the fields of a new version, and of new events; never change those of a version."""
    kept, now = published(), found_by()
    fields = {**now, **(kept["fields"] if kept["version"] == VERSION else {})}
    written = {"version": VERSION, "fields": dict(sorted(fields.items()))}
    if written == kept:
        return False
    FILE.write_text(json.dumps(written, indent=1) + "\n", "utf-8")
    return True
