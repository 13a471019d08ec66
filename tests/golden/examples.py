"""An example of every operation, as a run of the network answered it: `make examples` writes them."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "shared" / "web" / "examples"
IDS = re.compile(r"\b([a-z]{2,8})_[0-9a-f]{32}\b")
TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
TIME, LONGEST, MOST = "2026-03-02T09:30:00Z", 400, 2
# What no row has, since what it sends changes nothing.
DRAFT: Mapping[str, Any] = {
    "answers": {"narrative": "Synthetic words.", "seen": ["worried", "tired"]}
}
INSTEAD: Mapping[str, Any] = {
    "POST /v1/referrals/batch": b"\n".join(
        json.dumps(one).encode()
        for one in (
            {
                "agency_reference": "SYN-0002",
                "urgency": "five_working_days",
                "area": "eastby",
                "subject": {"name": "Sample Child Two", "born_about": "2011"},
            },
            {"agency_reference": "SYN-0003", "narrative": 7},
        )
    ),
    "POST /v1/drafts": DRAFT,
    "PUT /v1/drafts/{draft_id}": {"answers": {**DRAFT["answers"], "urgency": "same_day"}},
    "POST /v1/areas/import": b"code,name,aliases,retired,revision\neastby,East By,The East,,\n",
}
# A secret is told once; this one is nobody's.
SECRET, OF_NOBODY = re.compile(r"whsec_[\w+/=-]+"), "whsec_U3ludGhldGljLCBhbmQgbm9ib2R5J3M="
# What is in no example: it finds one request in our logs.
OF_ONE_REQUEST = "instance"
# Members whose value is a day that is reckoned from today.
MOVING: Mapping[str, tuple[str, ...]] = {
    "POST /v1/workers/{worker_id}/leave-requests": ("start", "to"),
}

Example = dict[str, Any]


class Names:
    """The same names in every run: ids of ours by the order in which they come."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        return IDS.sub(self._named, text)

    def _named(self, found: re.Match[str]) -> str:
        if found[0] not in self._known:
            number = sum(one.startswith(f"{found[1]}_") for one in self._known) + 1
            self._known[found[0]] = f"{found[1]}_{number:032x}"
        return self._known[found[0]]


def walked(value: Any, told: Callable[[str], str]) -> Any:
    """The same with every text as `told` says it."""
    if isinstance(value, dict):
        return {told(name): walked(each, told) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [walked(each, told) for each in value]
    return told(value) if isinstance(value, str) else value


def asked(route: str, path: str, body: Any, names: Names) -> Example:
    """How the request of an example stands in the description."""
    said = body.decode() if isinstance(body, bytes) else json.loads(json.dumps(body))
    if isinstance(said, dict):
        said |= {member: "2030-01-07" for member in MOVING.get(route, ()) if member in said}
    return {"path": names(path), "body": walked(said, names)}


def answered(answer: Any, names: Names) -> Any:
    """An answer as it stands there: shorter, at one time, with the same ids in every run."""
    if isinstance(answer, dict):
        kept = {name: each for name, each in answer.items() if name != OF_ONE_REQUEST}
        return {names(name): answered(each, names) for name, each in kept.items()}
    if isinstance(answer, list):
        return [answered(each, names) for each in answer[:MOST]]
    if not isinstance(answer, str):
        return answer
    text = SECRET.sub(OF_NOBODY, TIMES.sub(TIME, names(answer)))
    return text if len(text) <= LONGEST else f"{text[:80]}…"


def write(found: Mapping[str, Mapping[str, Example]]) -> None:
    """Write them, a file for each service."""
    FOLDER.mkdir(exist_ok=True)
    for service, examples in found.items():
        text = json.dumps(examples, indent=1, ensure_ascii=False, sort_keys=True)
        (FOLDER / f"{service}.json").write_text(f"{text}\n", "utf-8")
