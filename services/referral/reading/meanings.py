"""What is understood although it is not in our form, and what counts where nothing was. Pure.

What counts instead is always the careful side: never less urgent, never open to more."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from services.referral.reading.dates import read_birth_date
from services.referral.reading.marks import MarkCode, Path
from shared.events.codes import Ethnicity

Said = tuple[str, Any, MarkCode]

# Ethnicity codes of the children in need census, and the group of the 2021 Census that each is in.
ETHNICITIES: Mapping[str, Ethnicity] = {
    **dict.fromkeys(("wbri", "wiri", "wirt", "wrom", "woth"), "white"),
    **dict.fromkeys(("mwbc", "mwba", "mwas", "moth"), "mixed"),
    **dict.fromkeys(("aind", "apkn", "aban", "aoth", "chne"), "asian"),
    **dict.fromkeys(("bcrb", "bafr", "both"), "black"),
    "ooth": "other",
    "refu": "declined",
    "nobt": "not_known",
}
# Kinds of disability of the children in need census.
DISABILITIES = frozenset("hand mob vis hear inc pc comm ld beh aut con dda".split())


def shape(path: Path) -> Path:
    """A path for which the place in a list doesn't matter."""
    return tuple("*" if isinstance(part, int) else part for part in path)


def _birth_date(text: str) -> Said | None:
    found = read_birth_date(text)
    if found is None:
        return None
    return *found, "understood" if found[0] == "date_of_birth" else "partly_understood"


def _born_about(text: str) -> Said | None:
    found = _birth_date(text)
    return (found[0], found[1], "understood") if found else None


def _language(text: str) -> Said | None:
    found = re.fullmatch(r"([A-Za-z]{2,3})([-_][A-Za-z0-9_-]*)?", text.strip())
    return ("", found[1].lower(), "understood") if found else None


def _first_language(text: str) -> Said | None:
    found = _language(text)
    return ("first_language", *found[1:]) if found else None


def _ethnicity(text: str) -> Said | None:
    group = ETHNICITIES.get(text.strip().lower())
    return ("ethnicity", group, "understood") if group else None


def _disability(text: str) -> Said | None:
    code = text.strip().lower()
    if code in DISABILITIES or code == "none":
        return "disability", "no" if code == "none" else "yes", "understood"
    return None


_KINDS = {
    **dict.fromkeys(("perpetrator", "alleged_perpetrator", "offender", "abuser"), "suspect"),
    **dict.fromkeys(("mother", "father", "mum", "dad"), "parent"),
    **dict.fromkeys(("guardian", "foster_carer", "grandparent"), "carer"),
    **dict.fromkeys(("brother", "sister"), "sibling"),
    **dict.fromkeys(("friend", "peer"), "associate"),
    "victim": "other_victim",
}


def _kind(text: str) -> Said | None:
    kind = _KINDS.get(re.sub(r"[\s-]+", "_", text.strip().casefold()))
    return ("kind", kind, "understood") if kind else None


UNDERSTOOD: Mapping[Path, Callable[[str], Said | None]] = {
    ("subject", "date_of_birth"): _birth_date,
    ("subject", "born_about"): _born_about,
    ("subject", "ethnicity"): _ethnicity,
    ("subject", "disability"): _disability,
    ("languages", "*"): _language,
    ("background", "first_language"): _first_language,
    ("people", "*", "date_of_birth"): _birth_date,
    ("people", "*", "born_about"): _born_about,
    ("people", "*", "kind"): _kind,
}


def understood(path: Path, error: Any) -> Said | None:
    """The member (of the same parent) that a word belongs into, what it says there, and how sure that
    is; None where it is not understood."""
    text = error["input"]
    if not isinstance(text, str):
        return None
    if error["type"] == "literal_error":
        word = re.sub(r"[\s-]+", "_", text.strip().casefold())
        if word in re.findall(r"'([^']*)'", error["ctx"]["expected"]):
            # Of a list the place stays the same.
            return "" if isinstance(path[-1], int) else path[-1], word, "understood"
    reading = UNDERSTOOD.get(shape(path))
    return reading(text) if reading else None


Instead = Mapping[Path, Mapping[MarkCode, Any]]

ADDED: Instead = {
    # Whatever the word was meant to say, it is not made slower.
    ("urgency",): {"unknown_code": "immediate"},
    # An indicator without a time counts as one of today.
    ("indicators", "*", "recency"): {"unknown_code": "current", "missing": "current"},
    ("indicators", "*", "code"): {"blank": "unknown", "missing": "unknown"},
    # Of an unknown kind: shown to as few as a suspect, and called nothing worse.
    ("people", "*", "kind"): {"unknown_code": "other", "missing": "other"},
    ("visit_risk", "risk"): {"unknown_code": "yes"},
    ("missing", "now"): {"unknown_code": "yes"},
    ("contacts", "ways", "*", "safe"): {"unknown_code": "no"},
    ("discussion", "discussed"): {"missing": False},
    ("discussion", "not_discussed_because"): {"unknown_code": "other"},
}
SENT: Instead = {
    **ADDED,
    # Nothing was said: a person looks today. A working day may be three days ahead.
    ("urgency",): {"unknown_code": "immediate", "missing": "same_day"},
    ("area",): {"missing": ""},
    ("subject",): {"missing": {}},
    ("requested_action",): {"unknown_code": "other"},
    # Whatever was asked for, nobody is told who was perhaps not to be told.
    ("tell_parents",): {"unknown_code": "no"},
    **{
        ("subject", name): {"unknown_code": "not_known"}
        for name in ("gender", "ethnicity", "disability", "looked_after", "child_protection_plan")
    },
}
# Of these lists nothing may be left out: risk and sharing are decided by the whole.
WHOLE_LISTS: frozenset[Path] = frozenset({("indicators",), ("consents",), ("people",)})
# Cut short, these would be another's.
UNCUT: frozenset[Path] = frozenset({("agency_reference",), ("subject", "nhs_number")})
