"""What can be chosen in a form, as the APIs list it."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.web.forms import Ask
from services.web.visit import Visit

# As many as a page bears, and as much of a name.
MOST, LONGEST = 60, 80
# Where each list is: the service, its path, what it and an id in it are called.
LISTS = {
    "areas": ("referral", "/v1/areas", "areas", "code"),
    "agencies": ("referral", "/v1/agencies", "agencies", "id"),
    "hubs": ("allocation", "/v1/hubs", "hubs", "id"),
    "workers": ("allocation", "/v1/workers", "workers", "id"),
}
Choices = Sequence[tuple[str, str]]


async def choices(visit: Visit, which: str) -> tuple[Choices, bool]:
    """As many as a form bears, by name, and whether there are more."""
    service, path, many, one = LISTS[which]
    found = await visit.api.get(service, path, limit=MOST)
    named = [(str(each[one]), name_of(each, one)[:LONGEST]) for each in found[many]]
    return sorted(named, key=lambda each: each[1].lower()), found["next"] is not None


def name_of(each: Mapping[str, Any], one: str = "id") -> str:
    """What it is called: its id where nobody has said a name."""
    return str(each.get("name") or each.get("entry", {}).get("name") or each[one])


async def some(
    visit: Visit,
    name: str,
    question: str,
    which: str,
    kept: Sequence[str] = (),
    *,
    needed: str = "",
) -> Ask:
    """Several of a list, to be ticked; to be written by id where the list is too long for that. What
    stands in the entry can always be kept."""
    found, beyond = await choices(visit, which)
    if beyond:
        return Ask(name, question, "codes", hint="Their ids, with commas between.", needed=needed)
    there = {code for code, _ in found}
    all_of = [*found, *((code, code) for code in kept if code not in there)]
    return Ask(name, question, "ticks", all_of, needed=needed)


async def one_of(
    visit: Visit,
    name: str,
    question: str,
    which: str,
    kept: str | None = None,
    *,
    needed: str = "",
    hint: str = "",
) -> Ask:
    """One of a list; to be written by id where the list is too long for that."""
    found, beyond = await choices(visit, which)
    if beyond:
        return Ask(name, question, hint=f"Its id. {hint}".strip(), needed=needed)
    there = {code for code, _ in found}
    all_of = [*found, *([(kept, kept)] if kept and kept not in there else [])]
    return Ask(name, question, "select", all_of, hint, needed)
