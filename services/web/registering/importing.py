"""A list in a file: read by its API, line by line, with what became of each."""

from dataclasses import dataclass
from typing import Any

from services.web.api import Refused
from services.web.forms import SAID_HERE
from services.web.visit import Form, Visit
from shared.errors import NotFound

TYPE = {"Content-Type": "text/csv"}
# A list of faults longer than this is no list to read on a page.
MOST_SHOWN = 100
NO_FILE = "Choose a file, or paste the list"


@dataclass(frozen=True)
class Listing:
    """What can be imported, where, and the columns of the file."""

    title: str
    service: str
    path: str
    columns: str
    hint: str


LISTINGS = {
    "workers": Listing(
        "Workers from a list",
        "allocation",
        "/v1/workers/import",
        "worker_id,hub_id,worker_role,host_setting,areas,name,cap,fte_percent",
        "Several areas with semicolons between. To change an entry, its revision stands in a column "
        "of that name.",
    ),
    "areas": Listing(
        "Areas from a list",
        "referral",
        "/v1/areas/import",
        "code,name,aliases,retired,revision",
        "Several aliases with semicolons between.",
    ),
}


def listing_of(name: str) -> Listing:
    """Raises `NotFound` for what can't be imported."""
    if name not in LISTINGS:
        raise NotFound
    return LISTINGS[name]


async def imported(visit: Visit, listing: Listing, form: Form) -> tuple[Any, dict[str, str]]:
    """The report on the list, and what is wrong with the form. Every line stands alone; the same list
    again changes nothing."""
    text = await form.file("file") or form.text("list")
    if not text:
        return None, {"list": NO_FILE}
    try:
        sent = visit.api.ask(
            listing.service, "POST", listing.path, content=text.encode(), headers=TYPE
        )
        return (await sent).body, {}
    except Refused as error:
        if error.status not in (*SAID_HERE, 400, 413):
            raise
        return None, {"list": error.said("The list can’t be read.")}
